//! Problems in a document that a user wrote: their position, their display, suggestions for misspelt names, and the
//! display of untrusted text.

mod invalid;
mod printable;
mod suggest;

pub use invalid::{Invalid, Mark, Position, Problem, Source, quoted};
pub use printable::{is_hidden, printable};
pub use suggest::{closest, most_similar};
