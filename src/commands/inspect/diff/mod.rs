//! `kit diff`, and the formats of its output.

mod command;
mod json;
mod markdown;
mod owners;
mod patch;
mod table;

pub(crate) use command::DiffArgs;
pub(crate) use json::FileData;
pub(crate) use table::short;
pub(crate) use table::show_file;
