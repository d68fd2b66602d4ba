//! `kit diff`, and the formats of its output.

mod command;
mod json;
mod markdown;
mod metrics;
mod notebook;
mod opener;
mod owners;
mod patch;
mod table;
mod verdict;

pub(crate) use command::DiffArgs;
pub(crate) use json::{DiffData, FileData};
pub(crate) use metrics::{of_version as metrics_of_version, to_json as metrics_to_json};
pub(crate) use opener::Opener;
pub(crate) use table::{counts as count_files, describe as describe_file, short, show_file, value as field_value};
pub(crate) use verdict::reason_data;
