//! Problems in a document that a user wrote: their position, their display, and suggestions for misspelt names.

mod invalid;
mod suggest;

pub use invalid::{Invalid, Mark, Position, Problem, Source, quoted};
pub use suggest::closest;
