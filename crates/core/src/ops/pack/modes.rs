//! The permission bits of the packed files.

use std::path::Path;
use std::sync::Arc;

use crate::archive::Modes;
use crate::git;
use crate::sys;

/// Returns the source of the permission bits of the files in `context`: the files themselves or, on a platform whose
/// files have none, git.
pub(super) fn modes_in(context: &Path) -> Modes {
    if sys::HAS_MODES {
        return Modes::OfFiles;
    }
    let executables = git::executables(context).iter().filter_map(|path| path.parse().ok()).collect();
    Modes::Recorded(Arc::new(executables))
}
