//! What is wrong with a document that a person wrote: where it stands, how that is shown, and what was probably meant.

mod invalid;
mod suggest;

pub use invalid::{Invalid, Mark, Position, Problem, Source, quoted};
pub use suggest::closest;
