//! Packing a folder and its Kitfile into a ModelKit in the local store.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs_err as fs;

use super::uncovered::uncovered;
use super::{Error, Places, parents, room, workers};
use crate::archive::{self, IgnoreRules, LayerSource, Links, Measured};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Entry, Kitfile, Model, Section};
use crate::modelkit::{self, LayerType, PackedLayer, section_word};
use crate::oci::{ContentError, Descriptor, MediaType, Reference, Target};
use crate::progress::{Phase, Progress, Task, human};
use crate::relative_path::RelativePath;
use crate::store::{Names, RememberedLayer, Writer};

/// What to pack and how.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// The context folder, which all paths of the Kitfile begin in.
    pub context: PathBuf,
    /// The Kitfile, read and valid.
    pub kitfile: Kitfile,
    /// What to call the ModelKit; nothing for none. All are of one repository.
    pub references: Vec<Reference>,
    /// How to compress layers.
    pub compression: Compression,
    /// What to do with symbolic links.
    pub links: Links,
    /// Whether files that are as they were are read all the same.
    pub reading: Reading,
    /// How many layers are packed at once; compressed ones are packed one after the other.
    pub jobs: usize,
    /// The packer's version, which the manifest names.
    pub cli_version: String,
}

/// Which files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Those of layers in which anything changed since they were packed the last time.
    Changed,
    /// All of them.
    Everything,
}

/// A packed ModelKit.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Its manifest.
    pub manifest: Descriptor,
    /// Bytes of the layers.
    pub bytes: u64,
    /// Bytes of the layers that the store had before.
    pub reused_bytes: u64,
}

/// Packs the files that the Kitfile names. The ModelKit appears in the store whole or not at all.
pub fn pack(places: &Places<'_>, options: &PackOptions, progress: &dyn Progress) -> Result<Packed, Error> {
    pack_whole(places, options, progress).inspect_err(|_| {
        // What was packed before the failure belongs to nothing, and on a full disk it is in the way. The failure is the
        // error to tell.
        drop(places.store.collect());
    })
}

fn pack_whole(places: &Places<'_>, options: &PackOptions, progress: &dyn Progress) -> Result<Packed, Error> {
    let entries = local_entries(options);
    let mut paths = entries.iter().map(|entry| clean_path(entry)).collect::<Result<Vec<_>, _>>()?;
    let own_paths = paths.clone();
    paths.extend(paths_of_parents(places, options, &entries)?);
    let ignore = read_ignore_rules(&options.context)?;
    warn_of_what_is_not_packed(&options.kitfile, progress);
    warn_of_what_is_in_no_layer(&uncovered(&options.context, &paths, &ignore)?, progress);

    let repository = options.references.first().cloned().unwrap_or_else(unnamed);
    let writer = places.store.writer(Names::Of(repository))?;
    let packer = Packer { options, paths, ignore, writer: &writer, progress };
    let plan: Vec<_> = entries.iter().zip(own_paths).collect();
    let measured = workers::run(options.jobs, &plan, |(entry, path)| packer.measure_layer(entry, path))?;
    packer.check_room(&measured, places.store.root())?;
    let whole = progress.overall(measured.iter().map(|layer| layer.measured.bytes).sum());
    let layers = workers::run(layers_at_once(options), &measured, |layer| packer.pack_layer(layer, &*whole))?;

    let packed_layers: Vec<_> = layers.iter().map(|layer| layer.packed.clone()).collect();
    let (config, manifest) = modelkit::assemble(options.kitfile.clone(), &packed_layers, &options.cli_version);
    save_config(&writer, &manifest.config, &config, progress)?;
    let bytes = manifest.to_bytes();
    let descriptor =
        Descriptor { artifact_type: manifest.artifact_type, ..Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes) };
    publish(&writer, &descriptor, &bytes, &options.references, progress)?;
    let size = |wanted: fn(&SavedLayer) -> bool| {
        layers.iter().filter(|layer| wanted(layer)).map(|layer| layer.packed.blob.size).sum()
    };
    Ok(Packed { manifest: descriptor, bytes: size(|_| true), reused_bytes: size(|layer| layer.was_there) })
}

/// A compressed layer keeps all cores busy alone, and what its threads take is too much memory to take it twice.
fn layers_at_once(options: &PackOptions) -> usize {
    if options.compression == Compression::None { options.jobs } else { 1 }
}

fn unnamed() -> Reference {
    let (registry, repository) = (Reference::LOCAL.to_owned(), Reference::UNNAMED.to_owned());
    Reference { registry, repository, tag: None, digest: None }
}

/// A model path that looks like a reference is a file all the same if there is one.
fn local_entries(options: &PackOptions) -> Vec<Entry<'_>> {
    let model = options.kitfile.model.as_ref();
    let is_file = model.is_some_and(|model| fs::symlink_metadata(options.context.join(&model.path)).is_ok());
    if is_file { options.kitfile.entries_with_model_file() } else { options.kitfile.entries() }
}

fn clean_path(entry: &Entry<'_>) -> Result<RelativePath, Error> {
    entry.relative_path().map_err(|source| modelkit::InvalidModelKit::Path { place: entry.place(), source }.into())
}

/// What the referenced ModelKits bring lies in the folder when the model is used, and is not packed again.
fn paths_of_parents(
    places: &Places<'_>,
    options: &PackOptions,
    entries: &[Entry<'_>],
) -> Result<Vec<RelativePath>, Error> {
    let owns_model = entries.iter().any(|entry| entry.section == Section::Model);
    let reference = options.kitfile.model.as_ref().filter(|_| !owns_model).and_then(Model::reference);
    let Some(reference) = reference else { return Ok(Vec::new()) };
    let child = options.references.first().map_or_else(String::new, ToString::to_string);
    let parents = parents::resolve(places, &child, reference)?;
    let layers = parents.into_iter().flat_map(|parent| parent.inspected.modelkit.layers);
    Ok(layers.map(|layer| layer.path).collect())
}

fn read_ignore_rules(context: &Path) -> Result<IgnoreRules, Error> {
    let text = match fs::read_to_string(context.join(".kitignore")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(IgnoreRules::parse(&text)?)
}

fn warn_of_what_is_not_packed(kitfile: &Kitfile, progress: &dyn Progress) {
    for dataset in kitfile.datasets.iter().filter(|dataset| !dataset.remote_path.is_empty()) {
        progress.warn(&format!(
            "the dataset `{}` stays at `{}`: it is named, not packed",
            dataset.name, dataset.remote_path
        ));
    }
    for server in &kitfile.mcp_servers {
        progress.warn(&format!("the MCP server `{}` is named in the ModelKit, its bundle is not packed", server.name));
    }
}

/// How many names a warning lists.
const NAMED: usize = 5;

fn warn_of_what_is_in_no_layer(found: &[RelativePath], progress: &dyn Progress) {
    let mut names: Vec<_> = found.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
    if found.len() > NAMED {
        names.push(format!("{} more", found.len() - NAMED));
    }
    if !names.is_empty() {
        progress
            .warn(&format!("in no layer of the Kitfile: {} (a line in .kitignore silences this)", names.join(", ")));
    }
}

struct Packer<'a> {
    options: &'a PackOptions,
    /// The paths of all layers, of parents too: a layer leaves out what has a layer of its own.
    paths: Vec<RelativePath>,
    ignore: IgnoreRules,
    writer: &'a Writer,
    progress: &'a dyn Progress,
}

/// A layer before it is packed.
struct MeasuredLayer<'a> {
    entry: &'a Entry<'a>,
    source: LayerSource<'a>,
    layer_type: LayerType,
    /// When its files began to be looked at.
    begun: SystemTime,
    measured: Measured,
    key: Digest,
    /// What the store has of it, if the files are as they were.
    remembered: Option<RememberedLayer>,
}

struct SavedLayer {
    packed: PackedLayer,
    was_there: bool,
}

/// Part of the keys of remembered layers. To be raised when equal files become other bytes.
const LAYER_FORMAT: u32 = 2;

impl Packer<'_> {
    fn measure_layer<'l>(&'l self, entry: &'l Entry<'l>, path: &'l RelativePath) -> Result<MeasuredLayer<'l>, Error> {
        let (source, begun) = (self.source(path), SystemTime::now());
        let measured = source.measure()?;
        let layer_type = LayerType::tar(entry.section, self.options.compression);
        let key = self.key(layer_type, path, &measured);
        let remembered = self.remembered(&key)?;
        Ok(MeasuredLayer { entry, source, layer_type, begun, measured, key, remembered })
    }

    /// A layer is written before it is known whether the store has it, so the disk must have room for the largest one, if its
    /// size is certain. Whether all of them fit is not known: some may be there already, and compression may make them small.
    fn check_room(&self, layers: &[MeasuredLayer], folder: &Path) -> Result<(), Error> {
        let new = || layers.iter().filter(|layer| layer.remembered.is_none()).map(|layer| layer.measured.bytes);
        let certain = if self.options.compression == Compression::None { new().max().unwrap_or(0) } else { 0 };
        room::check(folder, certain)?;
        let total = new().fold(0, u64::saturating_add);
        if let Some(free) = room::free_bytes(folder).filter(|free| *free < total) {
            let (folder, free, total) = (folder.display(), human(free), human(total));
            self.progress.warn(&format!("`{folder}` has {free} free, and up to {total} are to be written"));
        }
        Ok(())
    }

    fn pack_layer(&self, layer: &MeasuredLayer, whole: &dyn Task) -> Result<SavedLayer, Error> {
        let MeasuredLayer { entry, source, layer_type, measured, remembered, .. } = layer;
        let (word, path) = (section_word(entry.section), &source.path);
        let (saved, was_there) = if let Some(saved) = remembered {
            whole.skip(measured.bytes);
            (saved.clone(), true)
        } else {
            let label = format!("{word} {path}");
            let task = self.progress.start(Phase::Hashing, &label, Some(measured.bytes));
            self.write_layer(layer, &LayerTask { task, progress: self.progress, label })?
        };
        self.tell(word, path, measured, &saved.blob, was_there);
        let RememberedLayer { blob, diff_id } = saved;
        let packed = PackedLayer { layer_type: *layer_type, index: entry.index, path: path.clone(), blob, diff_id };
        Ok(SavedLayer { packed, was_there })
    }

    /// Writes the layer, and remembers it if its files stayed as they were measured.
    fn write_layer(&self, layer: &MeasuredLayer, task: &dyn Task) -> Result<(RememberedLayer, bool), Error> {
        let MeasuredLayer { source, layer_type, begun, measured, key, .. } = layer;
        let mut blob = self.writer.new_blob()?;
        let summary = archive::write_layer(source, self.options.compression, &mut blob, task)?;
        let saved = blob.commit(layer_type.media_type())?;
        let diff_id = summary.diff_id.unwrap_or(saved.descriptor.digest);
        let layer = RememberedLayer { blob: saved.descriptor, diff_id };
        if summary.fingerprint == measured.fingerprint && summary.fingerprint.is_settled(*begun) {
            self.writer.remember_layer(key, &layer)?;
        }
        Ok((layer, saved.was_there))
    }

    fn remembered(&self, key: &Digest) -> Result<Option<RememberedLayer>, Error> {
        match self.options.reading {
            Reading::Changed => Ok(self.writer.remembered_layer(key)?),
            Reading::Everything => Ok(None),
        }
    }

    /// What stands for the bytes that the layer will have: the state of its files, and all that decides how they are written.
    fn key(&self, layer_type: LayerType, path: &RelativePath, measured: &Measured) -> Digest {
        let PackOptions { compression, cli_version, .. } = self.options;
        let (media_type, files) = (layer_type.media_type(), measured.fingerprint.digest);
        Digest::of(format!("{LAYER_FORMAT}\n{cli_version}\n{compression}\n{media_type}\n{path}\n{files}").as_bytes())
    }

    fn source<'s>(&'s self, path: &RelativePath) -> LayerSource<'s> {
        LayerSource {
            root: &self.options.context,
            path: path.clone(),
            excluded: self.paths.iter().filter(|other| *other != path && other.starts_with(path)).cloned().collect(),
            ignore: &self.ignore,
            links: self.options.links,
        }
    }

    fn tell(&self, word: &str, path: &RelativePath, measured: &Measured, blob: &Descriptor, was_there: bool) {
        if measured.path_is_ignored {
            self.progress.warn(&format!("{word} layer path {path} ignored by kitignore"));
        } else if measured.files == 0 {
            self.progress.warn(&format!("No files detected in {word} layer with path {path}"));
        }
        let done = if was_there { "Already saved" } else { "Saved" };
        self.progress.say(&format!("{done} {word} layer: {}", blob.digest));
    }
}

/// The task of one layer, which also warns.
struct LayerTask<'a> {
    task: Box<dyn Task>,
    progress: &'a dyn Progress,
    label: String,
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
        let label = &self.label;
        self.progress.warn(&format!("{label}: compression saves less than 3 %; `--compression none` packs it faster"));
    }
}

fn save_config(writer: &Writer, config: &Descriptor, bytes: &[u8], progress: &dyn Progress) -> Result<(), Error> {
    let failed = |error: ContentError| Error::writing("the config", error);
    if writer.contains(config).map_err(failed)? {
        progress.say(&format!("Configuration already exists in storage: {}", config.digest));
        return Ok(());
    }
    writer.put(config, &bytes).map_err(failed)?;
    progress.say(&format!("Saved configuration: {}", config.digest));
    Ok(())
}

fn publish(
    writer: &Writer,
    manifest: &Descriptor,
    bytes: &[u8],
    references: &[Reference],
    progress: &dyn Progress,
) -> Result<(), Error> {
    let failed = |error: ContentError| Error::writing("the manifest", error);
    let was_there = writer.contains(manifest).map_err(failed)?;
    let tags: Vec<_> = references.iter().filter_map(|reference| reference.tag.as_ref()).collect();
    if tags.is_empty() {
        writer.publish(manifest, bytes, None).map_err(failed)?;
    }
    for tag in tags {
        writer.publish(manifest, bytes, Some(tag.as_str())).map_err(failed)?;
    }
    let done = if was_there { "Manifest already exists in storage" } else { "Saved manifest to storage" };
    progress.say(&format!("{done}: {}", manifest.digest));
    Ok(())
}
