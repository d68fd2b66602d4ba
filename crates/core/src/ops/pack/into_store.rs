//! Packs a folder and its Kitfile into a ModelKit in the local store.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::packer::{Assembled, LayerSink, Packer, SavedLayer, take_table};
use super::record::{Recording, record};
use super::{convert, lock};
use crate::archive::{self, LayerSource, LayerSummary, Links, Notebooks};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::Kitfile;
use crate::layer_format::Format;
use crate::limits;
use crate::modelkit::{ContentsTable, Documents, Family, LayerType, Lock};
use crate::oci::{Content, ContentError, Descriptor, Reference, Source, Subject, Target};
use crate::ops::artifact::{Prepared, attach};
use crate::ops::error::Error;
use crate::ops::files::tables;
use crate::ops::guard::Allowed;
use crate::ops::owners;
use crate::ops::remote_data::verify_objects;
use crate::ops::session::Session;
use crate::ops::tag_state::TagState;
use crate::ops::{disk_space, workers};
use crate::progress::{Event, PackOutcome, Progress, StoredDocument, Task};
use crate::store::{Committed, LinkWriter, Names, RememberedLayer, Writer};

/// The folder and the Kitfile to pack, and the settings for it: [`new`](Self::new) has defaults for all settings.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// The context folder, which all paths of the Kitfile are relative to.
    pub context: PathBuf,
    /// The Kitfile, parsed and valid.
    pub kitfile: Kitfile,
    /// The names of the ModelKit, all in one repository; may be empty.
    pub references: Vec<Reference>,
    /// The kind of artifact to write.
    pub family: Family,
    /// The compression of the layers.
    pub compression: Compression,
    /// The format of a layer whose path is a file. The layer of a folder is always a tar.
    pub format: Format,
    /// The treatment of symbolic links.
    pub links: Links,
    /// The treatment of notebooks.
    pub notebooks: Notebooks,
    /// The choice between reading all files and reading only layers with changed files.
    pub reading: Reading,
    /// The form in which the local store keeps uncompressed layers.
    pub keeping: Keeping,
    /// The treatment of the lock: not made, made, or compared with an expected one.
    pub locking: Locking,
    /// The problems of files that do not stop packing.
    pub allowed: Allowed,
    /// The data for a provenance attestation; without it, none is attached.
    pub recording: Option<Recording>,
    /// The number of layers that are packed at once. Compressed layers are packed one after the other.
    pub jobs: usize,
}

impl PackOptions {
    /// The settings for an unnamed ModelKit of uncompressed tar layers, without a lock and without provenance. Layers
    /// whose files did not change are not read again.
    pub fn new(context: PathBuf, kitfile: Kitfile) -> Self {
        Self {
            context,
            kitfile,
            references: Vec::new(),
            family: Family::ModelKit,
            compression: Compression::None,
            format: Format::Tar,
            links: Links::default(),
            notebooks: Notebooks::default(),
            reading: Reading::Changed,
            keeping: Keeping::Blobs,
            locking: Locking::Off,
            allowed: Allowed::default(),
            recording: None,
            jobs: workers::jobs(),
        }
    }
}

/// The files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The files of layers in which anything changed since they were last packed.
    Changed,
    /// All files.
    Everything,
}

/// The treatment of the lock of a packed ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locking {
    /// No lock is made.
    Off,
    /// A lock is made and returned.
    Record,
    /// A lock is made and must equal this one; otherwise nothing is packed.
    Expect(Lock),
}

/// The form in which the local store keeps uncompressed layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// As blobs.
    Blobs,
    /// As recipes that refer to the files, or to clones of them, so that no second copy of their content is made.
    Links,
}

/// A packed ModelKit.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Its manifest.
    pub manifest: Descriptor,
    /// Bytes of the layers.
    pub bytes: u64,
    /// Bytes of those layers that the store already had.
    pub reused_bytes: u64,
    /// Its lock, if one was requested.
    pub lock: Option<Lock>,
}

/// Packs the files that the Kitfile names. The ModelKit appears in the store completely or not at all.
pub fn pack(session: &Session<'_>, options: &PackOptions) -> Result<Packed, Error> {
    let packed = pack_whole(session, options).inspect_err(|_| {
        // Layers that were packed before the failure belong to no ModelKit, and take space that a full disk needs. An
        // error of the cleanup is ignored: the failure that caused it is the one to report.
        drop(session.store.collect());
    });
    packed.map_err(|error| disk_space::explain(session.store.root(), error))
}

fn pack_whole(session: &Session<'_>, options: &PackOptions) -> Result<Packed, Error> {
    let packer = Packer::new(session, options)?;
    verify_objects(session, &options.kitfile, options.jobs)?;
    let writer = session.store.writer(Names::Of(repository(options)))?;
    let assembled = match options.keeping {
        Keeping::Blobs => packer.pack(&writer)?,
        Keeping::Links => packer.pack(&Linking(&writer))?,
    };
    let source = session.store.reader(Names::Of(repository(options)))?;
    let documents = convert::in_family(&assembled, &source, options, session.progress)?;
    let assembled = Assembled { documents, ..assembled };
    let lock = lock_of(session, &source, options, &assembled)?;
    let record = record(session, options, &assembled, lock.as_ref())?;
    let subject = Subject { descriptor: &assembled.documents.manifest, is_new: false };
    let owners = owners::attachment(&options.context, (&writer, &subject), time(options))?;
    let tables = tables::attachment(&source, assembled.layers.iter());
    let attached: Vec<_> = tables.into_iter().chain(record).chain(owners).collect();
    let attached = attach::prepare(&writer, &subject, &attached, session.progress);
    let moved = moved_tags(session, &options.references, assembled.digest())?;
    publish(&writer, &assembled.documents, &options.references, &attached, session.progress)?;
    for (tag, from) in moved {
        session.progress.report(&Event::TagMoved { tag: &tag.to_string(), from, to: assembled.digest() });
    }
    let Assembled { documents, bytes, reused_bytes, .. } = assembled;
    Ok(Packed { manifest: documents.manifest, bytes, reused_bytes, lock })
}

/// The time of packing, if it is recorded.
pub(super) fn time(options: &PackOptions) -> Option<Timestamp> {
    options.recording.as_ref().map(|recording| recording.time)
}

/// The names in the local store that point to another manifest than `digest`, each with that manifest.
fn moved_tags<'a>(
    session: &Session<'_>,
    references: &'a [Reference],
    digest: Digest,
) -> Result<Vec<(&'a Reference, Digest)>, Error> {
    let mut moved = Vec::new();
    for reference in references {
        if let TagState::At(before) = TagState::read_here(&session.store, reference)?
            && before != digest
        {
            moved.push((reference, before));
        }
    }
    Ok(moved)
}

/// Returns the lock of `assembled`, whose layers are in `source`, if one was requested. Fails if another one is
/// expected.
pub(super) fn lock_of(
    session: &Session<'_>,
    source: &dyn Source,
    options: &PackOptions,
    assembled: &Assembled,
) -> Result<Option<Lock>, Error> {
    if options.locking == Locking::Off {
        return Ok(None);
    }
    let lock = lock::lock(session, source, assembled, options.jobs)?;
    if lock.to_string().len() as u64 > limits::LOCK_BYTES {
        return Err(Error::TooManyFiles { what: "bytes in the lock", limit: limits::LOCK_BYTES });
    }
    match &options.locking {
        Locking::Expect(expected) => match expected.drift(&lock) {
            drift if drift.is_empty() => Ok(Some(lock)),
            drift => Err(Error::Drift(drift)),
        },
        _ => Ok(Some(lock)),
    }
}

fn repository(options: &PackOptions) -> Reference {
    options.references.first().cloned().unwrap_or_else(|| Reference {
        registry: Reference::LOCAL.to_owned(),
        repository: Reference::UNNAMED.to_owned(),
        tag: None,
        digest: None,
    })
}

/// Stores layers as blobs in the local store.
impl LayerSink for Writer {
    fn remembered(&self, key: &Digest) -> Result<Option<RememberedLayer>, Error> {
        Ok(self.remembered_layer(key)?)
    }

    fn save(
        &self,
        source: &LayerSource,
        layer_type: LayerType,
        bytes: u64,
        task: &dyn Task,
    ) -> Result<SavedLayer, Error> {
        let LayerType { format, compression, .. } = layer_type;
        if (format, compression) == (Format::Raw, Compression::None)
            && self.can_clone(&source.path.join_to(source.root))?
        {
            let mut link = self.new_link()?;
            let summary = write_linked(source, Format::Raw, &mut link, task)?;
            if let Some(saved) = link.commit_as_blob(layer_type.media_type())? {
                return with_table(self, summary, saved);
            }
        }
        // The size of a compressed layer is not known before it is written.
        let mut blob = self.new_blob(if compression == Compression::None { bytes } else { 0 })?;
        let mut summary = archive::write_layer(source, format, compression, None, &mut blob, task)?;
        let table = take_table(&mut summary);
        let about = table.as_ref().and_then(|(table, bytes)| Some((table.blob()?, bytes as &dyn Content)));
        let failed = |error| Error::writing(&format!("the layer of `{}`", source.path), error);
        let committed = blob.commit(layer_type.media_type(), about).map_err(failed)?;
        saved(self, summary, committed, table.map(|(table, _)| table))
    }

    fn has_table(&self, table: &Descriptor) -> Result<bool, Error> {
        self.contains(table).map_err(|error| Error::writing("a table of contents", error))
    }

    fn remember(&self, key: &Digest, layer: &RememberedLayer) -> Result<(), Error> {
        Ok(self.remember_layer(key, layer)?)
    }

    fn folder(&self) -> Option<&Path> {
        Some(self.root())
    }

    fn outcome(&self, was_there: bool) -> PackOutcome {
        saved_outcome(was_there)
    }
}

fn saved_outcome(was_there: bool) -> PackOutcome {
    if was_there { PackOutcome::AlreadySaved } else { PackOutcome::Saved }
}

/// Stores layers as recipes in the local store, and compressed layers as blobs.
struct Linking<'a>(&'a Writer);

impl LayerSink for Linking<'_> {
    fn remembered(&self, key: &Digest) -> Result<Option<RememberedLayer>, Error> {
        Ok(self.0.remembered_link(key)?)
    }

    fn save(
        &self,
        source: &LayerSource,
        layer_type: LayerType,
        bytes: u64,
        task: &dyn Task,
    ) -> Result<SavedLayer, Error> {
        if layer_type.compression != Compression::None {
            return self.0.save(source, layer_type, bytes, task);
        }
        let mut link = self.0.new_link()?;
        let summary = write_linked(source, layer_type.format, &mut link, task)?;
        with_table(self.0, summary, link.commit(layer_type.media_type())?)
    }

    fn has_table(&self, table: &Descriptor) -> Result<bool, Error> {
        self.0.has_table(table)
    }

    fn remember(&self, key: &Digest, layer: &RememberedLayer) -> Result<(), Error> {
        self.0.remember(key, layer)
    }

    /// Recipes take almost no space, so the disk is not checked.
    fn folder(&self) -> Option<&Path> {
        None
    }

    fn outcome(&self, was_there: bool) -> PackOutcome {
        if was_there { PackOutcome::AlreadyLinked } else { PackOutcome::Linked }
    }
}

fn write_linked(
    source: &LayerSource,
    format: Format,
    link: &mut LinkWriter,
    task: &dyn Task,
) -> Result<LayerSummary, archive::Error> {
    let (recipe, layer) = link.parts();
    archive::write_layer(source, format, Compression::None, Some(recipe), layer, task)
}

/// Stores the table of contents of a layer that was saved as a link or a clone.
fn with_table(writer: &Writer, mut summary: LayerSummary, saved: Committed) -> Result<SavedLayer, Error> {
    let table = take_table(&mut summary);
    if let Some((table, bytes)) = table.as_ref().and_then(|(table, bytes)| Some((table.blob()?, bytes))) {
        writer.put_documents(&[(table, bytes)]).map_err(|error| Error::writing("a table of contents", error))?;
    }
    self::saved(writer, summary, saved, table.map(|(table, _)| table))
}

/// Records that `table`, which was made from the bytes of the layer, matches it.
fn saved(
    writer: &Writer,
    summary: LayerSummary,
    Committed { descriptor: blob, was_there }: Committed,
    table: Option<ContentsTable>,
) -> Result<SavedLayer, Error> {
    if let (Some(tables), Some(table)) = (writer.checked_tables(), &table) {
        tables.note_checked(&blob.digest, &table.digest())?;
    }
    Ok(SavedLayer { summary, blob, table, was_there })
}

/// Publishes the ModelKit with all its names and its referrers in one step.
fn publish(
    writer: &Writer,
    documents: &Documents,
    references: &[Reference],
    attached: &[Prepared<'_>],
    progress: &dyn Progress,
) -> Result<(), Error> {
    let failed = |error: ContentError| Error::writing("the documents of the ModelKit", error);
    let Documents { manifest, config, .. } = documents;
    let had_config = writer.contains(config).map_err(failed)?;
    let had_manifest = writer.contains(manifest).map_err(failed)?;
    let tags = references.iter().filter_map(|reference| reference.tag.as_ref());
    let mut publications: Vec<_> = tags.map(|tag| documents.publication(Some(tag.as_str()))).collect();
    if publications.is_empty() {
        publications.push(documents.publication(None));
    }
    publications.extend(attached.iter().map(Prepared::publication));
    writer.publish_all(&publications).map_err(failed)?;
    let saved = [(StoredDocument::Config, config, had_config), (StoredDocument::Manifest, manifest, had_manifest)];
    for (kind, document, was_there) in saved {
        let (digest, bytes, outcome) = (document.digest, document.size, saved_outcome(was_there));
        progress.report(&Event::DocumentSaved { kind, digest, bytes, outcome });
    }
    Ok(())
}
