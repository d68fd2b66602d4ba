//! Import of an artifact of another tool.

use kit_core::oci::{Reference, Tag};
use kit_core::ops::Location;

/// The default name of the ModelKit: the name and the tag of the artifact, without the registry.
pub(super) fn name(location: &Location) -> String {
    let (name, tag) = match location {
        Location::Artifact(Reference { repository, tag, .. }) => (repository.clone(), tag.clone()),
        Location::Layout { path, selector } => {
            let folder = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (folder, selector.as_deref().and_then(Tag::new))
        }
    };
    format!("{name}:{}", tag.unwrap_or_else(Tag::latest))
}
