//! The tables of contents (TOC) of the layers of a ModelKit: reading them, and attaching them to the ModelKit.

use std::io::Read;

use crate::contents::{self, Entry, Kind, SIZE_LIMIT};
use crate::digest::VerifyingReader;
use crate::modelkit::{Layer, contents_of, label};
use crate::oci::{Annotations, ContentError, Descriptor, MediaType, Source};
use crate::ops::artifact::Attachment;
use crate::ops::error::Error;

/// The type of the referrer that holds the tables of a ModelKit. Only registries need it, so that they keep the tables;
/// the layer descriptors contain the locations of the tables.
const ARTIFACT_TYPE: MediaType = MediaType::of("application/vnd.kit.contents.v1");

/// Returns the table of `layer`, verified; `None` if the layer has no table or the source does not have it.
pub(crate) fn entries(source: &dyn Source, layer: &Layer) -> Result<Option<Vec<Entry>>, Error> {
    let Some(table) = bytes(source, &layer.descriptor)? else { return Ok(None) };
    let entries: Result<Vec<Entry>, Error> = read(&table, layer)?.collect();
    entries.map(Some)
}

/// Returns the entries of the compressed `table` of `layer`, up to the first invalid one.
pub(crate) fn read<'a>(
    table: &'a [u8],
    layer: &'a Layer,
) -> Result<impl Iterator<Item = Result<Entry, Error>> + 'a, Error> {
    let invalid = |reason| Error::reading(&what(&layer.descriptor), ContentError::Other(reason));
    let entries = contents::read(table).map_err(|error| invalid(error.into()))?;
    Ok(entries.map(move |entry| match entry {
        Ok(entry) if belongs_to(layer, &entry) => Ok(entry),
        Ok(entry) => Err(invalid(format!("`{}` is not in that layer", entry.path).into())),
        Err(error) => Err(invalid(error.into())),
    }))
}

/// Returns the compressed table of `layer`, verified; `None` if the layer has no table or the source does not have it.
pub(crate) fn bytes(source: &dyn Source, layer: &Descriptor) -> Result<Option<Vec<u8>>, Error> {
    let Some(table) = contents_of(layer).filter(|table| table.size <= SIZE_LIMIT) else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = source.blob(&table).open_at(0).and_then(|opened| {
        VerifyingReader::new(opened, table.digest, table.size).read_to_end(&mut bytes).map_err(ContentError::from)
    });
    match read {
        // Other tools copy a ModelKit without its referrers.
        Err(ContentError::NotFound(_)) => Ok(None),
        Err(error) => Err(Error::reading(&what(layer), error)),
        Ok(_) => Ok(Some(bytes)),
    }
}

fn what(layer: &Descriptor) -> String {
    format!("the table of contents of {}", label(layer))
}

/// Returns true if the entry may be in the layer: outside of the layer's path only the parent directories are allowed.
fn belongs_to(layer: &Layer, entry: &Entry) -> bool {
    entry.path.starts_with(&layer.path) || entry.kind == Kind::Folder && layer.path.starts_with(&entry.path)
}

/// The tables of `layers` that `source` has, as an attachment for their ModelKit.
pub(crate) fn attachment<'a>(
    source: &'a dyn Source,
    layers: impl Iterator<Item = &'a Descriptor>,
) -> Option<Attachment<'a>> {
    let mut blobs = Vec::new();
    for table in layers.filter_map(contents_of) {
        let content = source.blob(&table);
        let is_there = content.open_at(0).is_ok();
        let is_new = !blobs.iter().any(|(other, _): &(Descriptor, _)| other.digest == table.digest);
        if is_there && is_new {
            blobs.push((table, content));
        }
    }
    let attachment = Attachment { artifact_type: ARTIFACT_TYPE, blobs, annotations: Annotations::new() };
    (!attachment.blobs.is_empty()).then_some(attachment)
}
