//! The shell of the user, for its completion.

use std::path::PathBuf;

/// The shell of the user.
#[derive(Debug, Clone, Default)]
pub(crate) struct UserShell {
    /// The name of the program, such as `bash`.
    pub(crate) name: Option<String>,
    /// The folder of the user's data, `~/.local/share` on Linux.
    pub(crate) data_folder: Option<PathBuf>,
}
