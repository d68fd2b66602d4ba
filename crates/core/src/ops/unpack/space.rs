//! The check for free disk space before unpacking.

use std::path::Path;

use fs_err as fs;

use super::choice::Wanted;
use super::into_folder::UnpackOptions;
use crate::compression::Compression;
use crate::contents::Kind;
use crate::layer_format::Format;
use crate::modelkit::Layer;
use crate::oci::Source;
use crate::ops::disk_space;
use crate::ops::error::Error;
use crate::ops::files::tables;
use crate::ops::remote_data::RemoteFile;
use crate::relative_path::RelativePath;
use crate::sys;

/// The number by which a compressed layer usually becomes larger, at most.
const EXPANSION: u64 = 8;

/// Fails if the disk certainly has too little free space for the new files.
///
/// Usually the sizes of the layers show that there is enough. Otherwise the sizes of the files are added up, as the
/// tables of contents give them; of a selection by path only these are counted.
pub(super) fn check_disk_space(
    wanted: &[Wanted<'_>],
    files: &[RemoteFile],
    options: &UnpackOptions,
) -> Result<(), Error> {
    let UnpackOptions { folder, paths, .. } = options;
    let layers = wanted.iter().flat_map(|Wanted { source, layers, .. }| layers.iter().map(|layer| (*source, *layer)));
    let layers: Vec<_> = layers.filter(|(source, layer)| !may_be_cloned(*source, layer)).collect();
    let is_new = |file: &&RemoteFile| is_absent(&file.path, folder);
    let files = files.iter().filter(is_new).map(|file| file.size).fold(0, u64::saturating_add);
    let most = layers.iter().map(|(_, layer)| most_bytes(layer)).fold(files, u64::saturating_add);
    if sys::free_bytes(folder).is_none_or(|free| most <= free) {
        return Ok(());
    }
    let mut needed = files;
    for (source, layer) in layers {
        let certain = if paths.is_empty() { certain_bytes(layer, folder) } else { 0 };
        let bytes = match certain {
            // The layer alone does not fit, so its table is not needed.
            bytes if sys::free_bytes(folder).is_some_and(|free| needed.saturating_add(bytes) > free) => bytes,
            bytes => listed_bytes(source, layer, options).unwrap_or(bytes),
        };
        needed = needed.saturating_add(bytes);
    }
    disk_space::check(folder, needed)
}

/// Returns true if files of `layer` may be cloned and then take no space: a layer that consists of one file and is a
/// file in `source`, or a layer that is assembled from files.
fn may_be_cloned(source: &dyn Source, layer: &Layer) -> bool {
    let blob = source.blob(&layer.descriptor);
    let Ok(Some(mut find)) = blob.parts() else { return false };
    let is_one_file = matches!(find(0, layer.descriptor.size), Ok(Some(_)));
    is_one_file == (layer.format == Format::Raw && layer.compression == Compression::None)
}

fn most_bytes(layer: &Layer) -> u64 {
    let size = layer.descriptor.size;
    if layer.compression == Compression::None { size } else { size.saturating_mul(EXPANSION) }
}

/// The minimum space that a layer takes in `folder`.
///
/// Existing files that are equal take no space, so a layer whose path exists is not counted. A compressed layer becomes
/// larger. Of an uncompressed tar, up to an eighth is assumed to be headers and padding: a file of one byte has 1024
/// bytes in the tar and one block on the disk, mostly 4096 bytes; for larger files the two sizes are closer.
fn certain_bytes(layer: &Layer, folder: &Path) -> u64 {
    match layer.format {
        _ if !is_absent(&layer.path, folder) => 0,
        Format::Raw => layer.descriptor.size,
        Format::Tar => layer.descriptor.size / 8 * 7,
    }
}

/// The size of the new files of a layer by its table of contents, if the layer has one. If it cannot be read, unpacking
/// reports that.
fn listed_bytes(source: &dyn Source, layer: &Layer, options: &UnpackOptions) -> Option<u64> {
    let table = tables::bytes(source, &layer.descriptor).ok().flatten().filter(|_| tables::is_usable(layer))?;
    let mut bytes: u64 = 0;
    for entry in tables::read(&table, layer).ok()? {
        let entry = entry.ok()?;
        if let Kind::File { size, .. } = entry.kind
            && options.paths.select(&entry.path)
            && is_absent(&entry.path, &options.folder)
        {
            bytes = bytes.saturating_add(size);
        }
    }
    Some(bytes)
}

fn is_absent(path: &RelativePath, folder: &Path) -> bool {
    fs::symlink_metadata(path.join_to(folder)).is_err()
}
