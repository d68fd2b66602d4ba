//! `kit diff`, and the formats of its output.

mod command;
mod json;
mod markdown;
mod notebook;
mod opener;
mod owners;
mod patch;
mod table;
mod verdict;

pub(crate) use command::DiffArgs;
pub(crate) use json::FileData;
pub(crate) use opener::Opener;
pub(crate) use table::short;
pub(crate) use table::show_file;
pub(crate) use verdict::reason_data;
