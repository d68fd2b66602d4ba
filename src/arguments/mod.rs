//! Flags and values that several commands share.

mod allowed;
mod depth;
pub(super) mod dry_run;
pub(super) mod folder;
mod forms;
pub(super) mod kitfile;
mod labels;
pub(super) mod lock_file;
mod lookup;
mod new_name;
mod opening;
mod overwrite;
mod paths;
mod receipt;
mod size;
mod switches;
mod unsafe_paths;

pub(crate) use allowed::{AllowSecretsArgs, AllowedArgs};
pub(crate) use depth::DepthArgs;
pub(crate) use dry_run::DryRunArgs;
pub(crate) use forms::{CompatArgs, FormName, ImageArgs};
pub(crate) use labels::LabelArgs;
pub(crate) use lookup::{LookupArgs, always_report_local_store, report_local_store};
pub(crate) use new_name::check_new_name;
pub(crate) use opening::OpenArgs;
pub(crate) use overwrite::{OverwriteArgs, choose as choose_overwrite};
pub(crate) use paths::PathArgs;
pub(crate) use receipt::{DigestReceiptArgs, ReceiptArgs};
pub(crate) use size::Size;
pub(crate) use switches::{with_values_for_switches, without_switches_off};
pub(crate) use unsafe_paths::UnsafePathArgs;
