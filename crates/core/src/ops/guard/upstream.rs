//! The checks of files in another place that are about to be imported.

use std::collections::HashSet;

use super::allowed::Allowed;
use super::folder::is_weights;
use super::report::{refuse, refuse_empty, settle};
use super::secrets::{DataTexts, Found};
use super::shards::missing_by_name;
use crate::kitfile::Section;
use crate::ops::error::Error;
use crate::ops::refused::{Empty, Lack, Secret};
use crate::progress::Progress;
use crate::relative_path::RelativePath;
use crate::upstream::UpstreamFile;

/// Fails if the names of files say that they contain secrets, unless that is allowed.
pub(crate) fn check_names(files: &[&UpstreamFile], allowed: Allowed) -> Result<(), Error> {
    if allowed.secrets {
        return Ok(());
    }
    refuse(files.iter().filter_map(|file| Secret::of_name(&file.path)).collect())
}

/// Warns of files whose names say that they may contain secrets, unless that is allowed.
pub(crate) fn warn_of_names(files: &[&UpstreamFile], allowed: Allowed, progress: &dyn Progress) -> Result<(), Error> {
    if allowed.secrets {
        return Ok(());
    }
    settle(files.iter().filter_map(|file| Secret::likely(&file.path)).map(Found::Likely).collect(), progress)
}

/// Fails if a small file contains a secret, unless that is allowed. Warns if its content may contain one.
pub(crate) fn check_bytes(
    path: &RelativePath,
    bytes: &[u8],
    allowed: Allowed,
    progress: &dyn Progress,
) -> Result<(), Error> {
    if allowed.secrets {
        return Ok(());
    }
    let found = Found::find(Section::Code, DataTexts::Small, path, Some(bytes.len() as u64), || Ok(bytes))?;
    // The names of all files were checked before.
    let is_named = |found: &Found| matches!(found, Found::Likely(secret) if secret.line.is_none());
    settle(found.into_iter().filter(|found| !is_named(found)).collect(), progress)
}

/// Fails if files of weights are empty, or shards of them are missing, unless that is allowed. Each file is a layer of
/// the section beside it.
///
/// Weights that are cut off are not found: that would take a request for each file, also for those that the target has,
/// and a transfer that is cut off does not have the digest of the repository.
pub(crate) fn check_weights(files: &[(Section, &UpstreamFile)], allowed: Allowed) -> Result<(), Error> {
    if allowed.empty {
        return Ok(());
    }
    let paths: HashSet<_> = files.iter().map(|(_, file)| &file.path).collect();
    let weights = files.iter().filter(|(section, file)| is_weights(*section, &file.path, &file.path));
    let empty = weights.filter_map(|(_, file)| match file.size {
        0 => Some(Empty { path: file.path.clone(), lack: Lack::Bytes }),
        _ => missing_by_name(&file.path, |path| paths.contains(path)),
    });
    refuse_empty(empty.collect())
}
