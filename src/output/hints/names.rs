//! The hints for names of ModelKits that are not valid or do not exist.

use kit_core::oci::{InvalidReference, Reference};
use kit_core::ops::InvalidFileLocation;

/// The hint for an argument that is not valid.
pub(super) fn hint_for_usage(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref() {
        Some(InvalidFileLocation::Reference(error)) => hint_for_scheme(error).or_else(|| hint_for_file(error)),
        Some(InvalidFileLocation::Path(_)) => None,
        None => error.downcast_ref().and_then(|error| hint_for_scheme(error).or_else(|| hint_for_path(error))),
    }
}

/// The hint for a name that was copied from a browser.
fn hint_for_scheme(error: &InvalidReference) -> Option<String> {
    error.scheme().map(|scheme| format!("leave out `{scheme}//`: a name begins with the host of the registry"))
}

/// The hint for the name of a file with a single slash before the path.
fn hint_for_file(error: &InvalidReference) -> Option<String> {
    let (reference, path) = error.with_path()?;
    Some(format!("a file in a ModelKit is written NAME:TAG//PATH, as in `{reference}//{path}`"))
}

/// The hint for the name of a file in an argument that is only the name of a ModelKit.
fn hint_for_path(error: &InvalidReference) -> Option<String> {
    let (reference, path) = error.with_path()?;
    // A tag of digits is rather a port, which is too large, than a tag before a path.
    if reference.tag.as_ref().is_some_and(|tag| tag.as_str().bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let path = path.trim_start_matches('/');
    Some(format!(
        "this argument takes no path; `kit cat {reference}//{path}` prints the file, and \
         `kit unpack {reference} --path {path}` unpacks it"
    ))
}

/// The hint for a manifest that a registry does not have.
pub(super) fn hint_for_missing(name: &str) -> Option<String> {
    let reference: Reference = name.parse().ok()?;
    let is_tag = !reference.is_local() && reference.tag.is_some();
    is_tag.then(|| format!("`kit list {}` shows the tags of the repository", reference.full_repository()))
}

/// The hint for a tag that does not exist in a repository with other tags.
pub(super) fn hint_for_tags(repository: &str, similar: &[String]) -> String {
    format!("similar tags: {}; `kit list {repository}` shows all", similar.join(", "))
}

/// The hint for patterns of --path that match no file. `elsewhere` is a file with the right name in another folder.
pub(super) fn hint_for_patterns(patterns: &[String], is_filtered: bool, elsewhere: Option<&str>) -> String {
    let is_at_root = |pattern: &&String| !pattern.contains("**");
    match (elsewhere, patterns.iter().find(is_at_root)) {
        (Some(path), _) => format!("`{path}` exists: use `{path}`"),
        (None, _) if is_filtered => {
            "only the parts that --filter selects were searched; leave it out, or add the part \
             of the file"
                .to_owned()
        }
        (None, Some(pattern)) => {
            let name = pattern.trim_end_matches('/').rsplit('/').next().unwrap_or(pattern);
            format!(
                "patterns start at the root; `**/{name}` matches in every folder; `kit ls NAME:TAG` shows the files in \
                 a ModelKit"
            )
        }
        (None, None) => "`kit ls NAME:TAG` shows the files in a ModelKit".to_owned(),
    }
}
