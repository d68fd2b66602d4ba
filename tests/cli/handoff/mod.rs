//! Handing a ModelKit to others.

mod deploy;
mod impact;
mod subset;
