//! Handing a ModelKit to others.

mod impact;
mod subset;
