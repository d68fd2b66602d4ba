//! The steps that all ways to pack share: the entries of a Kitfile become layers, several at once, and the layers
//! become a manifest.

use std::path::Path;
use std::time::SystemTime;

use super::entries::{clean_path, local_entries, referenced_modelkits, warn_of_what_is_not_packed};
use super::guarding;
use super::into_store::{PackOptions, Reading};
use super::modes::modes_in;
use crate::archive::{self, IgnoreRules, LayerSource, LayerSummary, Measured, Modes};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Entry, Section};
use crate::layer_format::Format;
use crate::modelkit::{
    Assembly, ContentsTable, Documents, Family, Form, LayerType, LockedParent, ModelKit, PackedLayer, PlainFile,
    UnsupportedForm,
};
use crate::oci::{Descriptor, Manifest};
use crate::ops::error::Error;
use crate::ops::files::read_ignore_rules;
use crate::ops::guard::Suspects;
use crate::ops::session::Session;
use crate::ops::{disk_space, workers};
use crate::progress::{Event, LayerPacked, LayerPlace, PackOutcome, Phase, Progress, Task, Warning};
use crate::relative_path::RelativePath;
use crate::store::{RememberedLayer, Store};
use crate::sys;
use crate::version::VERSION;

/// The destination of layers that are packed.
pub(super) trait LayerSink: Sync {
    /// Returns the layer that was remembered under `key`, if it still exists.
    fn remembered(&self, key: &Digest) -> Result<Option<RememberedLayer>, Error>;

    /// Reads the files of a layer, whose sizes add up to `bytes`, and saves the layer and its table of contents.
    fn save(
        &self,
        source: &LayerSource,
        layer_type: LayerType,
        bytes: u64,
        task: &dyn Task,
    ) -> Result<SavedLayer, Error>;

    /// Returns true if the table of contents still exists.
    fn has_table(&self, table: &Descriptor) -> Result<bool, Error>;

    /// Remembers `layer` under `key`.
    fn remember(&self, key: &Digest, layer: &RememberedLayer) -> Result<(), Error>;

    /// The folder that layers are written to, or `None` if they take no space.
    fn folder(&self) -> Option<&Path>;

    /// The result to report for a layer.
    fn outcome(&self, was_there: bool) -> PackOutcome;
}

/// A layer that has been saved.
pub(super) struct SavedLayer {
    pub(super) summary: LayerSummary,
    pub(super) blob: Descriptor,
    /// Its table of contents, if it has one.
    pub(super) table: Option<ContentsTable>,
    /// True if the sink already had the layer.
    pub(super) was_there: bool,
}

/// Takes the table of contents out of `summary`, and returns it with its bytes.
pub(super) fn take_table(summary: &mut LayerSummary) -> Option<(ContentsTable, Vec<u8>)> {
    summary.contents.take().map(|bytes| (ContentsTable::new(&bytes), bytes))
}

/// A layer before it is packed.
pub(super) struct MeasuredLayer<'a> {
    pub(super) entry: &'a Entry<'a>,
    pub(super) source: LayerSource<'a>,
    layer_type: LayerType,
    /// The time before its files were first examined.
    begun: SystemTime,
    pub(super) measured: Measured,
    pub(super) suspects: Suspects,
    key: Digest,
    /// The layer as it was saved earlier, if the files are unchanged.
    pub(super) remembered: Option<RememberedLayer>,
}

/// The number of bytes that a table of contents has at least for each file, most of them for its digest.
const TABLE_BYTES_OF_FILE: usize = 64;

impl MeasuredLayer<'_> {
    /// The layer as it is going to be described, with digests that are not known yet.
    fn expected(&self) -> PackedLayer {
        let Self { entry, source, layer_type, measured, remembered, .. } = self;
        let unknown = Digest::of(&[]);
        let new = || {
            let mut blob = Descriptor::new(layer_type.media_type(), unknown, measured.bytes);
            // A table has at least so many bytes for each file.
            let files = usize::try_from(measured.files).unwrap_or(usize::MAX);
            let table_bytes = files.saturating_mul(TABLE_BYTES_OF_FILE).min(1024);
            ContentsTable::new(&vec![0; table_bytes]).annotate(&mut blob);
            blob
        };
        let blob = remembered.as_ref().map_or_else(new, |layer| layer.blob.clone());
        let file = plain_file(measured.file_mode, measured.bytes);
        let (layer_type, index, path) = (*layer_type, entry.index, source.path.clone());
        PackedLayer { layer_type, index, path, blob, diff_id: unknown, file }
    }
}

/// A ModelKit whose layers have been saved, and whose documents have not been stored yet.
pub(crate) struct Assembled {
    pub(crate) documents: Documents,
    /// The layers, with annotations that name their tables of contents.
    pub(crate) layers: Vec<Descriptor>,
    /// Bytes of the layers.
    pub(crate) bytes: u64,
    /// Bytes of those layers that the sink already had.
    pub(crate) reused_bytes: u64,
    /// The ModelKits that the model refers to, in their current state.
    pub(crate) parents: Vec<LockedParent>,
}

impl Assembled {
    /// Makes the documents of the ModelKit from `assembly`, without parents.
    pub(crate) fn of(assembly: &Assembly) -> Result<Self, Error> {
        Ok(Self {
            documents: assembly.assemble(&Form::Artifact(Family::ModelKit))?,
            layers: assembly.layers.iter().map(|layer| layer.blob.clone()).collect(),
            bytes: assembly.layers.iter().map(|layer| layer.blob.size).sum(),
            reused_bytes: 0,
            parents: Vec::new(),
        })
    }

    /// The digest of the manifest.
    pub(crate) fn digest(&self) -> Digest {
        self.documents.manifest.digest
    }

    /// Reads the ModelKit from its documents.
    pub(super) fn modelkit(&self) -> Result<ModelKit, Error> {
        let Documents { manifest_bytes, config_bytes, .. } = &self.documents;
        Ok(ModelKit::read(Manifest::parse(manifest_bytes).map_err(Error::NotAManifest)?, config_bytes)?)
    }
}

/// The entries to be packed, with everything needed for it. No file has been read yet.
pub(super) struct Packer<'a> {
    pub(super) options: &'a PackOptions,
    entries: Vec<(Entry<'a>, RelativePath)>,
    /// The paths of all layers, including those of parents and of remote datasets. A layer excludes the files that
    /// belong to another layer.
    pub(super) paths: Vec<RelativePath>,
    pub(super) parents: Vec<LockedParent>,
    pub(super) ignore: IgnoreRules,
    modes: Modes,
    /// The local store, which records the layers that were checked.
    pub(super) store: Store,
    pub(super) progress: &'a dyn Progress,
}

/// Part of the keys of remembered layers. Must be raised when a new version writes other bytes for equal files.
const LAYER_FORMAT: u32 = 4;

impl<'a> Packer<'a> {
    /// Collects the entries to pack, and warns of entries that will not be packed.
    pub(super) fn new(session: &Session<'a>, options: &'a PackOptions) -> Result<Self, Error> {
        let entries = local_entries(options);
        let mut paths = entries.iter().map(|entry| clean_path(entry)).collect::<Result<Vec<_>, _>>()?;
        let own_paths = paths.clone();
        let parents = referenced_modelkits(session, options, &entries)?;
        paths.extend(parents.iter().flat_map(|parent| parent.paths.iter().cloned()));
        // Files that were fetched belong to the remote dataset, not to a layer around it.
        paths.extend(options.kitfile.remote_datasets().filter_map(|dataset| dataset.path.parse().ok()));
        let ignore = read_ignore_rules(&options.context)?;
        warn_of_what_is_not_packed(&options.kitfile, &own_paths, session.progress);
        let entries = entries.into_iter().zip(own_paths).collect();
        let (store, progress, modes) = (session.store.clone(), session.progress, modes_in(&options.context));
        Ok(Self { options, entries, paths, parents, ignore, modes, store, progress })
    }

    /// Saves all layers into `sink` and makes the documents.
    pub(super) fn pack(&self, sink: &dyn LayerSink) -> Result<Assembled, Error> {
        let PackOptions { jobs, kitfile, .. } = self.options;
        self.check_mcp_bundles()?;
        let mut measured = workers::run(*jobs, &self.entries, |(entry, path)| self.measure_layer(sink, entry, path))?;
        self.check_documents(&measured)?;
        guarding::check(self, &mut measured)?;
        if let Some(folder) = sink.folder() {
            self.check_space(&measured, folder)?;
        }
        let whole = self.progress.overall(measured.iter().map(|layer| layer.measured.bytes).sum());
        let jobs = layers_at_once(*jobs, self.options.compression);
        let layers = workers::run(jobs, &measured, |layer| self.pack_layer(sink, layer, &*whole))?;
        let reused = layers.iter().filter(|(_, was_there)| *was_there);
        let reused_bytes = reused.map(|(layer, _)| layer.blob.size).sum();
        let assembly = Assembly::new(kitfile.clone(), layers.into_iter().map(|(layer, _)| layer).collect(), VERSION);
        Ok(Assembled { reused_bytes, parents: self.parents.clone(), ..Assembled::of(&assembly)? })
    }

    /// Fails if the layers are too many for one manifest, before any of them is written: everything that adds to the
    /// size of the documents is known, except for the digests.
    fn check_documents(&self, layers: &[MeasuredLayer]) -> Result<(), Error> {
        let layers = layers.iter().map(MeasuredLayer::expected).collect();
        let assembly = Assembly::new(self.options.kitfile.clone(), layers, VERSION);
        match assembly.assemble(&Form::Artifact(self.options.family)) {
            Err(error @ UnsupportedForm::TooLarge { .. }) => Err(error.into()),
            // Any other error depends on the layers.
            _ => Ok(()),
        }
    }

    fn check_mcp_bundles(&self) -> Result<(), Error> {
        let servers = self.entries.iter().filter(|(entry, _)| entry.section == Section::McpServer);
        servers.into_iter().try_for_each(|(entry, path)| {
            let failed = |source| Error::McpBundle { server: entry.name.to_owned(), source };
            archive::check_mcp_bundle(&self.options.context, path).map_err(failed)
        })
    }

    fn measure_layer<'l>(
        &'l self,
        sink: &dyn LayerSink,
        entry: &'l Entry<'l>,
        path: &RelativePath,
    ) -> Result<MeasuredLayer<'l>, Error> {
        let (source, begun) = (self.source(path), SystemTime::now());
        let (measured, suspects) = Suspects::measure(entry.section, &source)?;
        guarding::warn_of_pointers(entry.section, (&source, &suspects), self.options.allowed, self.progress);
        let layer_type = self.layer_type(entry.section, &measured);
        let key = self.key(layer_type, path, &measured);
        let remembered = self.remembered(sink, &key)?;
        Ok(MeasuredLayer { entry, source, layer_type, begun, measured, suspects, key, remembered })
    }

    /// Fails if the disk has no space for the largest layer, and warns if all layers together may not fit.
    ///
    /// A layer is written before it is known whether the store has it, so the space for the largest one is required if
    /// its size is certain. The total is only an upper bound: the store may already have some of the layers, and
    /// compression may make them smaller.
    fn check_space(&self, layers: &[MeasuredLayer], folder: &Path) -> Result<(), Error> {
        let new = || layers.iter().filter(|layer| layer.remembered.is_none()).map(|layer| layer.measured.bytes);
        let certain = if self.options.compression == Compression::None { new().max().unwrap_or(0) } else { 0 };
        disk_space::check(folder, certain)?;
        let total = new().fold(0, u64::saturating_add);
        if let Some(free) = sys::free_bytes(folder).filter(|free| *free < total) {
            self.progress.warn(&Warning::LittleSpace { folder, free_bytes: free, needed_bytes: total });
        }
        Ok(())
    }

    /// Packs one layer. The second result is true if the sink already had it.
    fn pack_layer(
        &self,
        sink: &dyn LayerSink,
        layer: &MeasuredLayer,
        whole: &dyn Task,
    ) -> Result<(PackedLayer, bool), Error> {
        let MeasuredLayer { entry, source, layer_type, measured, suspects, remembered, .. } = layer;
        let (word, path) = (entry.section.key(), &source.path);
        let (saved, file, was_there) = if let Some(saved) = remembered {
            whole.skip(measured.bytes);
            guarding::note_checked(self, sink, suspects, &saved.blob);
            (saved.clone(), plain_file(measured.file_mode, measured.bytes), true)
        } else {
            let task = self.progress.start(Phase::Hashing, &format!("{word} {path}"), Some(measured.bytes));
            let task = LayerTask { task, progress: self.progress, kind: word, path: path.as_str() };
            let saved = save_layer(sink, layer, &task)?;
            if saved.is_as_measured {
                guarding::note_checked(self, sink, suspects, &saved.layer.blob);
            }
            (saved.layer, saved.file, saved.was_there)
        };
        self.warn_of_emptiness(word, path, measured);
        if ContentsTable::of(&saved.blob).is_none() {
            self.progress.warn(&Warning::LayerWithoutTable { kind: word, path: path.as_str() });
        }
        let Descriptor { digest, size: bytes, .. } = saved.blob;
        let outcome = sink.outcome(was_there);
        let packed = LayerPacked { kind: word, path: path.as_str(), digest, bytes, outcome };
        self.progress.report(&Event::LayerPacked(packed));
        let RememberedLayer { blob, diff_id } = saved;
        let (layer_type, index) = (*layer_type, entry.index);
        let packed = PackedLayer { layer_type, index, path: path.clone(), blob, diff_id, file };
        Ok((packed, was_there))
    }

    /// Returns the type of a layer. A raw layer needs a file, so a folder is always a tar, and so is an ignored file,
    /// which becomes an empty one. The bundle of an MCP server is always stored as it is.
    fn layer_type(&self, section: Section, measured: &Measured) -> LayerType {
        if section == Section::McpServer && measured.file_mode.is_some() {
            return LayerType { section, format: Format::Raw, compression: Compression::None };
        }
        let format = measured.file_mode.map_or(Format::Tar, |_| self.options.format);
        LayerType { section, format, compression: self.options.compression }
    }

    fn remembered(&self, sink: &dyn LayerSink, key: &Digest) -> Result<Option<RememberedLayer>, Error> {
        if self.options.reading == Reading::Everything {
            return Ok(None);
        }
        let Some(layer) = sink.remembered(key)? else { return Ok(None) };
        let table = ContentsTable::of(&layer.blob).and_then(|table| table.blob().cloned());
        let has_table = table.map_or(Ok(true), |table| sink.has_table(&table))?;
        Ok(has_table.then_some(layer))
    }

    /// Returns the key of a remembered layer: a digest of the state of its files and of everything that determines how
    /// they are written, so that equal keys mean equal bytes.
    fn key(&self, layer_type: LayerType, path: &RelativePath, measured: &Measured) -> Digest {
        let compression = self.options.compression;
        let (media_type, files) = (layer_type.media_type(), measured.fingerprint.digest);
        Digest::of(format!("{LAYER_FORMAT}\n{VERSION}\n{compression}\n{media_type}\n{path}\n{files}").as_bytes())
    }

    fn source<'s>(&'s self, path: &RelativePath) -> LayerSource<'s> {
        LayerSource {
            root: &self.options.context,
            path: path.clone(),
            excluded: self.paths.iter().filter(|other| *other != path && other.starts_with(path)).cloned().collect(),
            ignore: &self.ignore,
            links: self.options.links,
            modes: self.modes.clone(),
        }
    }

    fn warn_of_emptiness(&self, kind: &str, path: &RelativePath, measured: &Measured) {
        if measured.path_is_ignored {
            self.progress.warn(&Warning::LayerIgnored { kind, path: path.as_str() });
        } else if measured.files == 0 {
            self.progress.warn(&Warning::LayerEmpty(LayerPlace { kind, path: path.as_str() }));
        }
    }
}

/// A layer that was packed.
struct NewLayer {
    layer: RememberedLayer,
    file: Option<PlainFile>,
    was_there: bool,
    /// True if its files did not change after they were measured and checked.
    is_as_measured: bool,
}

/// Saves the layer, and remembers it if its files did not change after they were measured.
fn save_layer(sink: &dyn LayerSink, layer: &MeasuredLayer, task: &dyn Task) -> Result<NewLayer, Error> {
    let MeasuredLayer { source, layer_type, begun, measured, key, .. } = layer;
    let SavedLayer { summary, mut blob, table, was_there } = sink.save(source, *layer_type, measured.bytes, task)?;
    if let Some(table) = table {
        table.annotate(&mut blob);
    }
    let diff_id = summary.diff_id.unwrap_or(blob.digest);
    let layer = RememberedLayer { blob, diff_id };
    let is_as_measured = summary.fingerprint == measured.fingerprint;
    if is_as_measured && summary.fingerprint.is_settled(*begun) {
        sink.remember(key, &layer)?;
    }
    Ok(NewLayer { layer, file: plain_file(summary.file_mode, summary.bytes), was_there, is_as_measured })
}

fn plain_file(mode: Option<u32>, size: u64) -> Option<PlainFile> {
    mode.map(|mode| PlainFile { mode, size })
}

/// Returns how many layers are packed at once. A compressed layer already keeps all cores busy, and its threads use too
/// much memory to compress two at a time.
pub(super) fn layers_at_once(jobs: usize, compression: Compression) -> usize {
    if compression == Compression::None { jobs } else { 1 }
}

/// Reports the progress of one layer, and warns if compressing it saves little.
struct LayerTask<'a> {
    task: Box<dyn Task>,
    progress: &'a dyn Progress,
    kind: &'a str,
    path: &'a str,
}

impl Task for LayerTask<'_> {
    fn advance(&self, bytes: u64) {
        self.task.advance(bytes);
    }

    fn skip(&self, bytes: u64) {
        self.task.skip(bytes);
    }

    fn set(&self, bytes: u64) {
        self.task.set(bytes);
    }

    fn saves_little(&self) {
        self.progress.warn(&Warning::CompressionSavesLittle { kind: self.kind, path: self.path });
    }
}
