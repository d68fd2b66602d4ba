//! `kit index`: create, change and show indexes of ModelKits.

mod command;
mod edit;
mod look;

pub(crate) use command::IndexArgs;
