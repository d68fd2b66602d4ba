//! The entries of a Kitfile that are packed, and the warnings about what is not packed.

use fs_err as fs;

use super::into_store::PackOptions;
use crate::kitfile::{Entry, Kitfile, Model, Section};
use crate::modelkit::{InvalidModelKit, LockedParent};
use crate::ops::artifact::{Inspected, Parent, parents};
use crate::ops::error::Error;
use crate::ops::remote_data;
use crate::ops::session::Session;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// Returns the entries that have a layer. A model path that looks like a reference is still a file if that file exists.
pub(super) fn local_entries(options: &PackOptions) -> Vec<Entry<'_>> {
    let model = options.kitfile.model.as_ref();
    let is_file = model.is_some_and(|model| fs::symlink_metadata(options.context.join(&model.path)).is_ok());
    if is_file { options.kitfile.entries_with_model_file() } else { options.kitfile.entries() }
}

pub(crate) fn clean_path(entry: &Entry<'_>) -> Result<RelativePath, Error> {
    entry.relative_path().map_err(|source| InvalidModelKit::Path { place: entry.place(), source }.into())
}

/// Returns the ModelKits that the model refers to. Their files are in the folder when the model is used, and must not
/// be packed again.
pub(crate) fn referenced_modelkits(
    session: &Session<'_>,
    options: &PackOptions,
    entries: &[Entry<'_>],
) -> Result<Vec<LockedParent>, Error> {
    let owns_model = entries.iter().any(|entry| entry.section == Section::Model);
    let reference = options.kitfile.model.as_ref().filter(|_| !owns_model).and_then(Model::reference);
    let Some(reference) = reference else { return Ok(Vec::new()) };
    let child = options.references.first().map_or_else(String::new, ToString::to_string);
    let parents = parents::resolve(session, &child, reference)?;
    Ok(parents.iter().map(locked_parent).collect())
}

fn locked_parent(parent: &Parent) -> LockedParent {
    let Inspected { descriptor, modelkit, .. } = &parent.inspected;
    LockedParent {
        reference: parent.reference.to_string(),
        manifest: descriptor.digest,
        paths: modelkit.layers.iter().map(|layer| layer.path.clone()).collect(),
    }
}

pub(super) fn warn_of_what_is_not_packed(kitfile: &Kitfile, paths: &[RelativePath], progress: &dyn Progress) {
    if paths.is_empty() {
        progress.warn(&Warning::NoLayers);
    }
    for dataset in kitfile.remote_datasets() {
        let (name, address) = (&dataset.name, &remote_data::address(dataset));
        progress.warn(&Warning::RemoteDatasetNotPacked { name, address });
    }
}
