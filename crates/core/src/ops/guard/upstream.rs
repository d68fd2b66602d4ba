//! The checks of files in another place that are about to be imported.

use super::allowed::Allowed;
use super::folder::{is_weights, refuse, refuse_empty};
use crate::kitfile::Section;
use crate::ops::error::Error;
use crate::ops::refused::{Empty, Lack, Secret};
use crate::relative_path::RelativePath;
use crate::upstream::UpstreamFile;

/// Fails if the names of files say that they contain secrets, unless that is allowed.
pub(crate) fn check_names(files: &[&UpstreamFile], allowed: Allowed) -> Result<(), Error> {
    if allowed.secrets {
        return Ok(());
    }
    refuse(files.iter().filter_map(|file| Secret::of_name(&file.path)).collect())
}

/// Fails if a small file contains a secret, unless that is allowed.
pub(crate) fn check_bytes(path: &RelativePath, bytes: &[u8], allowed: Allowed) -> Result<(), Error> {
    if allowed.secrets {
        return Ok(());
    }
    refuse(Secret::find(path, Some(bytes.len() as u64), || Ok(bytes))?.into_iter().collect())
}

/// Fails if files of weights are empty, unless that is allowed. Each file is a layer of the section beside it.
///
/// Weights that are cut off are not found: that would take a request for each file, also for those that the target has,
/// and a transfer that is cut off does not have the digest of the repository.
pub(crate) fn check_weights(files: &[(Section, &UpstreamFile)], allowed: Allowed) -> Result<(), Error> {
    if allowed.empty {
        return Ok(());
    }
    let is_empty =
        |(section, file): &&(Section, &UpstreamFile)| file.size == 0 && is_weights(*section, &file.path, &file.path);
    let empty = |(_, file): &(Section, &UpstreamFile)| Empty { path: file.path.clone(), lack: Lack::Bytes };
    refuse_empty(files.iter().filter(is_empty).map(empty).collect())
}
