//! YAML as Go's yaml.v3 reads and writes it: nodes, scalars, values as JSON, and text with an indent of 2.
//!
//! This module does not depend on `kitfile`.

mod natural_order;
mod node;
mod number;
mod reader;
mod scalar;
mod timestamp;
mod write;
mod write_scalar;

pub(crate) use natural_order::sort_naturally;
pub(crate) use node::{Content, Node, compose, without_mark};
#[cfg(test)]
pub(crate) use number::json_float;
#[cfg(fuzzing)]
pub use reader::fuzz_yaml;
pub use reader::read_value;
pub use reader::values;
pub(crate) use reader::{Reader, is_null};
pub(crate) use scalar::{Resolved, resolve};
pub use write::value_to_yaml;
