//! Flags and values that several commands share.

mod allowed;
pub(super) mod dry_run;
mod forms;
mod labels;
pub(super) mod lock_file;
mod opening;
mod overwrite;
mod unsafe_paths;

pub(crate) use allowed::{AllowSecretsArgs, AllowedArgs};
pub(crate) use dry_run::DryRunArgs;
pub(crate) use forms::{CompatArgs, FormName};
pub(crate) use labels::LabelArgs;
pub(crate) use opening::OpenArgs;
pub(crate) use overwrite::OverwriteArgs;
pub(crate) use unsafe_paths::UnsafePathArgs;
