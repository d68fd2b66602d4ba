//! The tables of contents (TOC) of the layers of a ModelKit: reading them, and attaching them to the ModelKit.

use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::members::PLAIN_FILE;
use super::table_check::{Depth, PassingCheck, WrongTable, compare, compare_headers};
use crate::compression::Compression;
use crate::contents::{self, Entry, InvalidContents, Kind};
use crate::digest::VerifyingReader;
use crate::layer_format::Format;
use crate::limits;
use crate::modelkit::{ContentsTable, Layer, label};
use crate::oci::{Annotations, CheckedTables, Content, ContentError, Descriptor, MediaType, RangedReader, Source};
use crate::ops::artifact::Attachment;
use crate::ops::error::Error;

/// The type of the referrer that holds the tables of a ModelKit. Only registries need it, so that they keep the tables;
/// the layer descriptors contain the locations of the tables.
const ARTIFACT_TYPE: MediaType = MediaType::of("application/vnd.kit.contents.v1");

/// The entries of a layer by its table of contents.
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
    pub(crate) evidence: Evidence,
    /// The right to hold a large table, as long as the entries are in memory.
    pub(crate) turn: Option<Turn>,
}

/// The right of a thread to hold a large table in memory.
pub(crate) type Turn = MutexGuard<'static, ()>;

/// Held by the thread that has a large table in memory: the entries of a table may take 80 MB, so that only one of the
/// layers that are read at the same time may have such a table.
static LARGE_TABLE: Mutex<()> = Mutex::new(());

/// The length of a table, compressed and decompressed, from which on it is large: about 40,000 files.
const LARGE_BYTES: u64 = 1024 * 1024;
const LARGE_TEXT_BYTES: u64 = 8 * 1024 * 1024;

/// Waits until no other thread has a large table.
fn wait_for_turn() -> Turn {
    // There is nothing behind the lock that a panic could have left in disorder.
    LARGE_TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The evidence that the path, the mode, the size and the digest of a file are those in the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// They were read from the layer, or from a table that was compared with all of its bytes.
    Layer,
    /// They are from a table that was compared with all headers of the layer; the digest was not compared.
    Headers,
    /// They are from a table that was not compared with the layer.
    Nothing,
}

/// The treatment of the headers of a layer in another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    /// They are compared with the table, if there are only a few: for operations that report what the table says.
    Compare,
    /// They are not read: for operations that read single files, whose headers are compared then.
    Leave,
}

/// The maximum number of members of a layer whose headers are read from another place: each may cost a request.
const FEW_MEMBERS: usize = 16;

/// Returns the table of `layer`; `None` if the layer has no table, the source does not have it, or it takes too much
/// memory.
///
/// In the local store the table is compared with the layer, if that was not done before. Elsewhere at most the headers
/// are: the table is authentic, but may describe another layer.
pub(crate) fn entries(source: &dyn Source, layer: &Layer, headers: Headers) -> Result<Option<Table>, Error> {
    let is_large = |table: ContentsTable| table.descriptor.size > LARGE_BYTES;
    let mut turn = ContentsTable::of(&layer.descriptor).is_some_and(is_large).then(wait_for_turn);
    let Some(table) = bytes(source, &layer.descriptor)?.filter(|_| is_usable(layer)) else { return Ok(None) };
    // An error of the decoder is reported below, with the name of the table.
    if turn.is_none() && contents::is_longer_than(LARGE_TEXT_BYTES, &table[..]).unwrap_or_default() {
        turn = Some(wait_for_turn());
    }
    let entries = match contents::read_all(&table[..]) {
        // The headers of the layer say the same.
        Err(InvalidContents::TooLarge { .. }) => return Ok(None),
        entries => entries.map_err(|error| invalid(layer, error.into()))?,
    };
    let entries = entries.into_iter().map(|entry| of_layer(entry, layer)).collect::<Result<Vec<_>, _>>()?;
    let evidence = if let Some(tables) = source.checked_tables() {
        check(tables, &layer.descriptor, &table)?;
        Evidence::Layer
    } else if headers == Headers::Compare {
        check_headers(source, layer, &entries)?
    } else {
        Evidence::Nothing
    };
    Ok(Some(Table { entries, evidence, turn }))
}

/// Compares `entries` with the headers of `layer`, if only a few ranges have to be read for that.
fn check_headers(source: &dyn Source, layer: &Layer, entries: &[Entry]) -> Result<Evidence, Error> {
    let blob = &layer.descriptor;
    if layer.compression != Compression::None || layer.format == Format::Tar && entries.len() > FEW_MEMBERS {
        return Ok(Evidence::Nothing);
    }
    let failed = |error| Error::reading(&label(blob), error);
    if layer.format == Format::Raw {
        let is_right = |entry: &Entry| match &entry.kind {
            Kind::File { size, offset: 0, digest, .. } => (*size, *digest) == (blob.size, blob.digest),
            _ => false,
        };
        return if matches!(without_folders(entries), [entry] if is_right(entry)) {
            Ok(Evidence::Layer)
        } else {
            let wrong = WrongTable::new(blob, "the layer is a single file with another size or digest".to_owned());
            Err(failed(ContentError::Other(wrong.into())))
        };
    }
    let content = source.blob(blob);
    let compared = compare_headers(blob, entries, RangedReader::new(&*content, blob.size));
    compared.map_err(|error| failed(error.into()))?.map_err(|wrong| failed(ContentError::Other(wrong.into())))?;
    Ok(Evidence::Headers)
}

/// Returns the entries after the folders above a raw file. Of these, the layer contains nothing to compare.
fn without_folders(entries: &[Entry]) -> &[Entry] {
    &entries[entries.iter().take_while(|entry| entry.kind == Kind::Folder).count()..]
}

/// Returns true if the paths in a table of `layer` are those that it is unpacked to.
pub(crate) fn is_usable(layer: &Layer) -> bool {
    layer.base.is_root()
}

/// Returns true if all bytes of `layer` were compared with its table.
pub(crate) fn is_checked(tables: &dyn CheckedTables, layer: &Descriptor) -> bool {
    ContentsTable::of(layer).is_some_and(|table| tables.is_checked(&layer.digest, &table.digest()))
}

/// Compares the compressed `table` of `layer` with the bytes of the layer, unless that was done before.
pub(crate) fn check(tables: &dyn CheckedTables, layer: &Descriptor, table: &[u8]) -> Result<(), Error> {
    if is_checked(tables, layer) {
        return Ok(());
    }
    let failed = |error| Error::reading(&label(layer), error);
    let blob = tables.layer(layer);
    let mut bytes = VerifyingReader::new(blob.open_at(0).map_err(failed)?, layer.digest, layer.size);
    let compared = compare(layer, table, &mut bytes).map_err(|error| failed(error.into()))?;
    bytes.drain().map_err(|error| failed(error.into()))?;
    compared.map_err(|wrong| failed(ContentError::Other(wrong.into())))?;
    note_checked(tables, layer);
    Ok(())
}

/// Records that all bytes of `layer` were compared with its table.
pub(crate) fn note_checked(tables: &dyn CheckedTables, layer: &Descriptor) {
    if let Some(table) = ContentsTable::of(layer) {
        // In a store that the user may only read there is no record, and the comparison is made again.
        drop(tables.note_checked(&layer.digest, &table.digest()));
    }
}

/// Begins to compare the bytes of `layer`, which the caller is going to read, with its table. Returns `None` if there
/// is no table, or if that was done before.
pub(crate) fn passing_check(
    source: &dyn Source,
    layer: &Descriptor,
    depth: Depth,
) -> Result<Option<PassingCheck>, Error> {
    if source.checked_tables().is_some_and(|tables| is_checked(tables, layer)) {
        return Ok(None);
    }
    let Some(table) = bytes(source, layer)? else { return Ok(None) };
    Ok(Some(PassingCheck::start(layer.clone(), table, depth)?))
}

/// Returns the entries of the compressed `table` of `layer`, up to the first invalid one.
pub(crate) fn read<'a>(
    table: &'a [u8],
    layer: &'a Layer,
) -> Result<impl Iterator<Item = Result<Entry, Error>> + 'a, Error> {
    let entries = contents::read(table).map_err(|error| invalid(layer, error.into()))?;
    Ok(entries.map(move |entry| of_layer(entry.map_err(|error| invalid(layer, error.into()))?, layer)))
}

fn invalid(layer: &Layer, reason: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::reading(&what(&layer.descriptor), ContentError::Other(reason))
}

/// Returns `entry` with the mode that `layer` gives it, or an error if it cannot be in the layer.
fn of_layer(entry: Entry, layer: &Layer) -> Result<Entry, Error> {
    // Unpacking takes the mode of a raw file from the manifest.
    if layer.format == Format::Raw && entry.kind != Kind::Folder && entry.path == layer.path {
        return Ok(Entry { mode: layer.file_mode.unwrap_or(PLAIN_FILE), ..entry });
    }
    if belongs_to(layer, &entry) {
        return Ok(entry);
    }
    Err(invalid(layer, format!("`{}` is not in that layer", entry.path).into()))
}

/// Returns the compressed table of `layer`, verified; `None` if the layer has no table or the source does not have it.
pub(crate) fn bytes(source: &dyn Source, layer: &Descriptor) -> Result<Option<Vec<u8>>, Error> {
    bytes_by(layer, |table| source.blob(table))
}

/// Returns the compressed table of `layer` like [`bytes`]; `blob` opens the blob that holds it.
pub(crate) fn bytes_by<'a>(
    layer: &Descriptor,
    blob: impl FnOnce(&Descriptor) -> Box<dyn Content + 'a>,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(table) = ContentsTable::of(layer) else { return Ok(None) };
    match table.blob().filter(|table| table.size <= limits::TABLE_BYTES) {
        Some(table) => read_table(&*blob(table), table).map_err(|error| Error::reading(&what(layer), error)),
        None => Ok(table.inline().map(<[u8]>::to_vec)),
    }
}

/// Returns the compressed `table`, whose bytes are `content`, verified; `None` if the place does not have it.
fn read_table(content: &dyn Content, table: &Descriptor) -> Result<Option<Vec<u8>>, ContentError> {
    let mut bytes = Vec::new();
    let read = content.open_at(0).and_then(|opened| {
        VerifyingReader::new(opened, table.digest, table.size).read_to_end(&mut bytes).map_err(ContentError::from)
    });
    match read {
        // Other tools copy a ModelKit without its referrers.
        Err(ContentError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
        Ok(_) => Ok(Some(bytes)),
    }
}

fn what(layer: &Descriptor) -> String {
    format!("the table of contents of {}", label(layer))
}

/// Returns true if the entry may be in the layer: outside of the layer's path only the parent directories are allowed.
fn belongs_to(layer: &Layer, entry: &Entry) -> bool {
    let is_below = entry.path.starts_with(&layer.path) && layer.format == Format::Tar;
    is_below || entry.kind == Kind::Folder && layer.path.starts_with(&entry.path)
}

/// The tables of `layers` that are blobs and that `source` has, as an attachment for their ModelKit.
pub(crate) fn attachment<'a>(
    source: &'a dyn Source,
    layers: impl Iterator<Item = &'a Descriptor>,
) -> Option<Attachment<'a>> {
    let mut blobs = Vec::new();
    for table in layers.filter_map(|layer| ContentsTable::of(layer)?.blob().cloned()) {
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
