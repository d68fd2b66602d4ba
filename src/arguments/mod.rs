//! Flags and values that several commands share.

pub(super) mod dry_run;
mod forms;
pub(super) mod kitfile;
mod labels;
pub(super) mod lock_file;
mod opening;
mod overwrite;

pub(crate) use dry_run::DryRunArgs;
pub(crate) use forms::{CompatArgs, FormName};
pub(crate) use labels::LabelArgs;
pub(crate) use opening::OpenArgs;
pub(crate) use overwrite::OverwriteArgs;
