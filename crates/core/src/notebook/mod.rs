//! Jupyter notebooks of formats 3 and 4: their cells, their text without outputs, facts that their code states, and
//! their code as plain modules.
//!
//! Nothing is executed. This module reads texts, and does not access the disk.

mod distributions;
mod document;
mod extract;
mod facts;
mod json;
mod python;
mod role;
mod strip;

pub use distributions::distribution;
pub use document::{Cell, CellKind, Document, is_notebook_name};
pub use extract::{Module, extract};
pub use facts::{Facts, Parameter, Written, is_array_name};
pub use role::Role;
pub use strip::without_outputs;
