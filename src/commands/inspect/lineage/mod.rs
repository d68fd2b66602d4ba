//! `kit lineage`, and the forms of its output.

mod command;
mod picture;

pub(crate) use command::LineageArgs;
