//! Everything that belongs to an artifact and is copied with it.

use std::collections::HashSet;

use crate::limits;
use crate::modelkit::{ModelKitIndex, Variant, is_form_of_modelkit, is_image};
use crate::oci::{ContentError, Descriptor, Manifest, Source, read_document};
use crate::ops::artifact::{parse_manifest, variants};
use crate::ops::error::Error;
use crate::ops::index_error::IndexError;
use crate::ops::workers;
use crate::progress::human;

/// The documents and blobs of a ModelKit, or of an index with all its ModelKits.
pub(crate) struct CopySet {
    pub(crate) descriptor: Descriptor,
    pub(super) bytes: Vec<u8>,
    /// The manifests in the index.
    pub(crate) members: Vec<(Descriptor, Vec<u8>)>,
    /// The blobs without duplicates, the largest first, so that no large one is left for a single worker at the end.
    pub(crate) blobs: Vec<Descriptor>,
}

impl CopySet {
    /// The manifests of the artifact: those in the index, and its own.
    pub(super) fn manifests(&self) -> impl Iterator<Item = &Descriptor> {
        self.members.iter().map(|(member, _)| member).chain([&self.descriptor])
    }

    /// Reads the artifact `name`, which is a ModelKit or an index of ModelKits.
    pub(crate) fn read(source: &dyn Source, name: &str) -> Result<Self, Error> {
        Self::read_as(source, name, &|bytes| parse_manifest(bytes, name))
    }

    /// Reads the artifact `name` like [`read`](Self::read), and also an image that is a form of a ModelKit.
    pub(super) fn read_form(source: &dyn Source, name: &str) -> Result<Self, Error> {
        Self::read_as(source, name, &|bytes| match Manifest::parse(bytes) {
            Ok(manifest) if is_image(&manifest) && is_form(source, &manifest)? => Ok(manifest),
            _ => parse_manifest(bytes, name),
        })
    }

    fn read_as(
        source: &dyn Source,
        name: &str,
        parse: &dyn Fn(&[u8]) -> Result<Manifest, Error>,
    ) -> Result<Self, Error> {
        let descriptor = source.resolve(name).map_err(|error| Error::reading("the manifest", error))?;
        let bytes = source.manifest(&descriptor).map_err(|error| Error::reading("the manifest", error))?;
        let (mut blobs, mut members): (Vec<Descriptor>, _) = (Vec::new(), Vec::new());
        if let Some(index) = variants::read(&descriptor, &bytes)? {
            members = read_members(source, name, &index)?;
            for (member, bytes) in &members {
                blobs.extend(parse_manifest(bytes, &member.digest.to_string())?.blobs().cloned());
            }
        } else {
            blobs.extend(parse(&bytes)?.blobs().cloned());
        }
        let mut seen = HashSet::new();
        blobs.retain(|blob| seen.insert(blob.digest));
        blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
        Ok(Self { descriptor, bytes, members, blobs })
    }
}

/// Returns true if the image `manifest` has layers of a ModelKit, according to its config.
fn is_form(source: &dyn Source, manifest: &Manifest) -> Result<bool, Error> {
    let config = read_document(&*source.blob(&manifest.config), &manifest.config);
    Ok(is_form_of_modelkit(&config.map_err(|error| Error::reading("the config", error))?))
}

fn read_members(source: &dyn Source, name: &str, index: &ModelKitIndex) -> Result<Vec<(Descriptor, Vec<u8>)>, Error> {
    let variants = index.variants();
    let members: Vec<_> = variants.iter().map(Variant::descriptor).collect();
    let size = members.iter().fold(0, |sum: u64, member| sum.saturating_add(member.size));
    if size > limits::INDEX_MEMBERS_BYTES {
        let reason = format!("their size is {}, the limit is {}", human(size), human(limits::INDEX_MEMBERS_BYTES));
        return Err(Error::reading("the manifests of the index", ContentError::Other(reason.into())));
    }
    workers::run(workers::jobs(), variants, |variant| {
        let member = variant.descriptor();
        let bytes = source.manifest(&member).map_err(|error| match error {
            ContentError::NotFound(_) => {
                IndexError::Incomplete { index: name.to_owned(), modelkit: variant.to_string() }.into()
            }
            error => Error::reading(&format!("the manifest `{}`", member.digest), error),
        })?;
        Ok((member, bytes))
    })
}
