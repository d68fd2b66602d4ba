//! `kit lineage`, and the forms of its output.

mod command;
mod picture;

pub(crate) use command::{LineageArgs, to_json};
pub(crate) use picture::{mermaid, proof, word};
