//! The code of a notebook as plain modules, which run in the order of the notebook.
//!
//! A cell goes into the module of its purpose, or into a later one if it needs names that only that one has. Modules
//! import names from earlier ones only.

mod cells;
mod groups;
mod modules;
mod preamble;

pub use modules::{Module, extract};
