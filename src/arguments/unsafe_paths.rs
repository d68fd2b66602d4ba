//! The flag for files that other programs execute or trust.

use clap::Args;

use crate::config::Environment;
use kit_core::archive::UnsafePaths;

/// The handling of files that other programs execute or trust.
#[derive(Debug, Args)]
pub(crate) struct UnsafePathArgs {
    /// Write files that other programs run or trust: `.git` and `.ssh` folders, and start-up files such as `.bashrc`
    /// in the home folder. Use it for ModelKits that you trust
    #[arg(long)]
    allow_unsafe_paths: bool,
}

impl UnsafePathArgs {
    pub(crate) fn choice(&self, environment: &Environment) -> UnsafePaths {
        if self.allow_unsafe_paths {
            UnsafePaths::Allow
        } else {
            UnsafePaths::Refuse { home: environment.home.clone() }
        }
    }
}
