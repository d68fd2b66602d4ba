//! Handing a ModelKit to others.

mod impact;
