//! `kit index`: create, change and show indexes of ModelKits.

mod command;
mod delete;
mod edit;
mod look;
mod transfer;

pub(crate) use command::IndexArgs;
