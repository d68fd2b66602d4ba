//! `kit lineage`, and the tree that it draws.

mod command;
mod picture;

pub(crate) use command::LineageArgs;
