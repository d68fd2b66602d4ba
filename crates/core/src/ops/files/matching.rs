//! Layers of which only some files are selected: finding and reading these files without reading the whole layer.

use std::io::Read;
use std::ops::ControlFlow;

use super::members::{Member, Visit, open_whole, show_entries, show_stream};
use super::tables::{self, Headers};
use crate::archive::PathPatterns;
use crate::compression::Compression;
use crate::contents::{Entry, Kind};
use crate::layer_format::Format;
use crate::modelkit::Layer;
use crate::oci::{RangedReader, Source};
use crate::ops::error::Error;

/// The bytes that can be read in the time of a request, roughly.
const REQUEST_BYTES: u64 = 256 * 1024;

/// Returns false if `layer` certainly contains nothing that `paths` select: by its path if it is a single file, or by
/// its table of contents. The whole layer is not read; without a table it may contain everything below its path.
pub(crate) fn may_be_selected(source: &dyn Source, layer: &Layer, paths: &PathPatterns) -> Result<bool, Error> {
    if !paths.may_match_at_or_below(&layer.path) {
        return Ok(false);
    }
    if paths.select_all_below(&layer.path) {
        return Ok(true);
    }
    if layer.format == Format::Raw {
        return Ok(paths.select(&layer.path));
    }
    match tables::entries(source, layer, Headers::Compare)? {
        // Each entry is compared: the ones that do not match may be what the user meant.
        Some(table) => Ok(table.entries.iter().filter(|entry| paths.select(&entry.path)).count() > 0),
        None => Ok(paths.select(&layer.path) || !is_single_file(source, layer)),
    }
}

/// Returns true if the first member of `layer` shows that it is a single file. An error is left to the operation that
/// reads the layer.
fn is_single_file(source: &dyn Source, layer: &Layer) -> bool {
    let mut is_file = false;
    let visit: Visit = &mut |member, _| {
        if member.is_directory && layer.path.starts_with(&member.path) && member.path != layer.path {
            return Ok(ControlFlow::Continue(()));
        }
        is_file = !member.is_directory && member.path == layer.path;
        Ok(ControlFlow::Break(()))
    };
    let blob = source.blob(&layer.descriptor);
    show_stream(layer, RangedReader::new(&*blob, layer.descriptor.size), visit).is_ok() && is_file
}

/// A file outside of the layer that has the content of a member.
pub(crate) type Existing<'a> = &'a dyn Fn(&Member) -> Option<Box<dyn Read>>;

/// Passes the members of `layer` that `paths` select to `visit`, and reads only their ranges of the layer, unless their
/// content is in an `existing` file. They are verified: by the digests in the table of contents, and by their headers
/// if the table was not compared with the layer.
///
/// Returns false, without a visit, if this is not possible or not faster than reading the whole layer.
pub(crate) fn skim_selected(
    source: &dyn Source,
    layer: &Layer,
    paths: &PathPatterns,
    existing: Existing,
    visit: Visit,
) -> Result<bool, Error> {
    let is_plain_tar = layer.format == Format::Tar && layer.compression == Compression::None;
    let is_compared = source.checked_tables().is_none_or(|tables| tables::is_checked(tables, &layer.descriptor));
    if paths.is_empty() || !is_plain_tar || !is_compared {
        return Ok(false);
    }
    let Some(mut table) = tables::entries(source, layer, Headers::Leave)? else { return Ok(false) };
    table.entries.retain(|entry| paths.select(&entry.path));
    if table.entries.iter().map(cost).fold(0, u64::saturating_add) > layer.descriptor.size / 2 {
        return Ok(false);
    }
    let blob = source.blob(&layer.descriptor);
    let visit: Visit = &mut |member, content| {
        if member.is_directory {
            return visit(member, content);
        }
        match existing(member) {
            Some(mut content) => visit(member, &mut content),
            None => visit(member, &mut *open_whole(&*blob, layer, member, content)?),
        }
    };
    show_entries(&*blob, layer, table, visit).map(|_| true)
}

/// The bytes of reading `entry` alone, with those that a request costs.
fn cost(entry: &Entry) -> u64 {
    match entry.kind {
        Kind::Folder => 0,
        Kind::File { size, .. } => size.saturating_add(REQUEST_BYTES),
    }
}
