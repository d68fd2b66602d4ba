//! `kit diff`, and the formats of its output.

mod command;
mod json;
mod markdown;
mod metrics;
mod opener;
mod owners;
mod patch;
mod table;
mod verdict;

pub(crate) use command::DiffArgs;
pub(crate) use json::FileData;
pub(crate) use metrics::{of_version as metrics_of_version, to_json as metrics_to_json};
pub(crate) use opener::Opener;
pub(crate) use table::short;
pub(crate) use table::show_file;
pub(crate) use verdict::reason_data;
