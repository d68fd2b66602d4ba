//! Putting all or some of a ModelKit into a folder.

use std::collections::HashSet;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::delta::{DeltaSource, Older};
use super::parents::{self, Parent};
use super::remote::{self, RemoteData, RemoteFile, RemoteKit, wanted_remotes};
use super::{Error, Found, Inspected, Places, Taken, inspect, room, workers};
use crate::archive::{self, Destination, FindPart, LayerShape, Overwrite, Placed, SingleFile};
use crate::compression::Compression;
use crate::digest::{Digest, VerifyingReader};
use crate::kitfile::{self, Dataset, FILE_NAMES, Section};
use crate::layer_format::Format;
use crate::modelkit::{Layer, ModelKit, Selection, section_word};
use crate::oci::{ContentError, Descriptor, PartFinder, Reference, Source};
use crate::progress::{Phase, Progress, Silent, Task};
use crate::relative_path::RelativePath;

/// What to unpack and how.
#[derive(Debug, Clone)]
pub struct UnpackOptions {
    /// The folder that the files go to. It is made if it is not there.
    pub folder: PathBuf,
    /// What to do with files that are there and differ.
    pub overwrite: Overwrite,
    /// What is wanted.
    pub selection: Selection,
    /// What becomes of datasets that are not in the ModelKit.
    pub remote: RemoteData,
    /// How many layers are unpacked at once.
    pub jobs: usize,
}

/// What unpacking did.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// The ModelKit's manifest.
    pub manifest: Descriptor,
    /// What happened to the files.
    pub placed: Placed,
    /// How many layers were wanted, of parents too, and datasets that are files elsewhere.
    pub layers: usize,
    /// What was taken from the files that were there and so was not fetched.
    pub taken: Taken,
}

/// Unpacks what is wanted of a ModelKit, of those that its model refers to, and of what its datasets refer to.
///
/// Of what comes from a registry, only that is fetched which the files in the folder do not hold, if that is likely to be quicker.
///
/// Each layer is read once, verified, and kept aside until all of them are known to be right and no file is in the way; only
/// then do files get their names. Whatever fails before leaves the folder as it was. As with `cp`, the system writes the files
/// to the disk when it likes: syncing 100,000 of them takes minutes, and after a power cut a second run tells which differ.
pub fn unpack(
    places: &Places<'_>,
    found: &Found,
    name: &str,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<Unpacked, Error> {
    let child = inspect(found)?;
    let parents = wanted_parents(places, &child, name, &options.selection)?;
    let remotes = wanted_remotes(places, &child.modelkit, name, &options.selection, &options.remote)?;
    let mut chosen = Chosen::default();
    let others = of_others(&parents, &remotes.kits, &options.selection, &mut chosen);
    let own = chosen.of(&child.modelkit, Some(&options.selection));
    let layers = || others.iter().flat_map(|other| &other.layers).chain(&own).copied();
    let by_source = others.iter().map(|other| (other.source, &other.layers));
    let to_write = by_source.chain([(&*found.source, &own)]).flat_map(|(source, layers)| written(source, layers));
    let to_fetch = remotes.files.iter().map(|file| (&file.path, file.size));
    let to_write = to_write.map(|layer| (&layer.path, layer.descriptor.size)).chain(to_fetch);
    room::check(&options.folder, certain_bytes(to_write, &options.folder))?;

    warn_of_remote_datasets(&child.modelkit, options, progress);
    let delta = DeltaSource::new(&*found.source, Older::Tree(&options.folder));
    let source = if found.is_remote { &delta as &dyn Source } else { &*found.source };
    let fill = |destination: &Destination| -> Result<(), Stop> {
        let sizes = layers().map(|layer| layer.descriptor.size).chain(remotes.files.iter().map(|file| file.size));
        let _whole = progress.overall(sizes.fold(0, u64::saturating_add));
        let unpacker = Unpacker { destination, progress, options };
        for Wanted { reference, source, layers } in &others {
            progress.say(&format!("Unpacking referenced modelkit {reference}"));
            unpacker.unpack_layers(*source, layers)?;
        }
        if options.selection.takes_kitfile() {
            unpacker.write_kitfile(&child.modelkit)?;
        }
        unpacker.unpack_layers(source, &own)?;
        Ok(workers::run(options.jobs, &remotes.files, |file| unpacker.unpack_file(file)).map(drop)?)
    };
    let outcome = loop {
        let destination = Destination::open(&options.folder, options.overwrite)?;
        match fill(&destination) {
            Ok(()) => break destination.commit()?,
            Err(Stop::Refuted) => {}
            Err(Stop::Failed(error)) => return Err(error),
        }
    };
    let layers = layers().count() + remotes.files.len();
    Ok(Unpacked { manifest: child.descriptor, placed: outcome, layers, taken: delta.taken() })
}

/// What is wanted of another ModelKit.
struct Wanted<'a> {
    reference: &'a Reference,
    source: &'a dyn Source,
    layers: Vec<&'a Layer>,
}

/// What is wanted of the models of `parents`, and of the datasets in `kits`.
fn of_others<'a>(
    parents: &'a [Parent],
    kits: &'a [RemoteKit],
    selection: &Selection,
    chosen: &mut Chosen,
) -> Vec<Wanted<'a>> {
    let of_parent = selection.of_parent();
    let mut others = Vec::new();
    for Parent { reference, found, inspected } in parents.iter().rev() {
        let layers = chosen.of(&inspected.modelkit, of_parent.as_ref());
        others.push(Wanted { reference, source: &*found.source, layers });
    }
    for RemoteKit { reference, found, layers } in kits {
        others.push(Wanted { reference, source: &*found.source, layers: chosen.once(layers.iter()) });
    }
    others
}

/// Why a destination is not filled.
enum Stop {
    /// A layer was not what its descriptor says, and now comes from somewhere else. What is staged of it must go, and all else
    /// that is staged goes with it: that costs the time of reading it again, once for each mirror that is broken.
    Refuted,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Chooses layers. Each is taken once, by digest and path: the Go tool packs one twice if a Kitfile names a path in two ways.
#[derive(Default)]
pub(super) struct Chosen(HashSet<(Digest, RelativePath)>);

impl Chosen {
    pub(super) fn of<'m>(&mut self, modelkit: &'m ModelKit, selection: Option<&Selection>) -> Vec<&'m Layer> {
        self.once(modelkit.layers.iter().filter(|layer| selection.is_some_and(|selection| selection.takes(layer))))
    }

    fn once<'m>(&mut self, layers: impl Iterator<Item = &'m Layer>) -> Vec<&'m Layer> {
        layers.filter(|layer| self.0.insert((layer.descriptor.digest, layer.path.clone()))).collect()
    }
}

/// The `layers` that are not made of files of their own, which are cloned where that is possible and take no space then.
fn written<'m>(source: &dyn Source, layers: &[&'m Layer]) -> impl Iterator<Item = &'m Layer> {
    layers.iter().copied().filter(|layer| !matches!(source.blob(&layer.descriptor).parts(), Ok(Some(_))))
}

/// The space that layers and files, by path and size, take in `folder` at the least. Files that are there already and equal take none, so
/// where anything is at the path of a layer, nothing is certain. A compressed layer becomes larger. Of another, an eighth may be headers and
/// padding: a file of one byte has 1024 in the tar and a block of the disk, mostly 4096; larger ones come closer.
fn certain_bytes<'a>(to_write: impl Iterator<Item = (&'a RelativePath, u64)>, folder: &Path) -> u64 {
    let is_new = |(path, _): &(&RelativePath, u64)| fs::symlink_metadata(path.join_to(folder)).is_err();
    to_write.filter(is_new).map(|(_, size)| size).fold(0_u64, u64::saturating_add) / 8 * 7
}

pub(super) fn wanted_parents(
    places: &Places<'_>,
    child: &Inspected,
    name: &str,
    selection: &Selection,
) -> Result<Vec<Parent>, Error> {
    match parents::model_reference(&child.modelkit).filter(|_| selection.of_parent().is_some()) {
        Some(reference) => parents::resolve(places, name, reference),
        None => Ok(Vec::new()),
    }
}

fn warn_of_remote_datasets(modelkit: &ModelKit, options: &UnpackOptions, progress: &dyn Progress) {
    let RemoteData::Left = options.remote else { return };
    let is_wanted =
        |dataset: &&Dataset| dataset.path.parse().is_ok_and(|path| options.selection.takes_dataset(dataset, &path));
    for dataset in modelkit.config.kitfile.remote_datasets().filter(is_wanted) {
        let (name, address) = (&dataset.name, remote::address(dataset));
        progress.warn(&format!("the dataset `{name}` stays at `{address}`; --include-remote fetches it"));
    }
}

struct Unpacker<'a> {
    destination: &'a Destination,
    progress: &'a dyn Progress,
    options: &'a UnpackOptions,
}

/// Permissions of files that have none in the ModelKit: the Kitfile, and raw layers of some packers.
pub(super) const PLAIN_FILE: u32 = 0o644;

impl Unpacker<'_> {
    fn unpack_layers(&self, source: &dyn Source, layers: &[&Layer]) -> Result<(), Stop> {
        workers::run(self.options.jobs, layers, |layer| self.unpack_layer(source, layer)).map(drop)
    }

    fn unpack_layer(&self, source: &dyn Source, layer: &Layer) -> Result<(), Stop> {
        let label = format!("{} {}", section_word(layer.section), layer.path);
        self.progress.say(&describe(layer));
        let blob = source.blob(&layer.descriptor);
        let task = self.progress.start(Phase::Unpacking, &label, Some(layer.descriptor.size));
        let opened = blob.open_at(0).map_err(|error| Error::reading(&label, error))?;
        let verified = VerifyingReader::new(opened, layer.descriptor.digest, layer.descriptor.size);
        let mut reader = Remembering { reader: verified, task: &*task, failure: None };
        let parts = blob.parts().map_err(|error| Error::reading(&label, error))?;
        let extracted = self.extract(&mut reader, parts, layer);
        match reader.read_to_end_of_blob() {
            Err(ContentError::Mismatch(_)) if blob.refute() => Err(Stop::Refuted),
            Err(error) => Err(Error::reading(&label, error).into()),
            Ok(()) => Ok(extracted.map_err(|source| Error::Unpack(label, source))?),
        }
    }

    fn extract(
        &self,
        reader: &mut (dyn Read + Send),
        mut parts: Option<PartFinder>,
        layer: &Layer,
    ) -> Result<(), archive::Error> {
        match layer.format {
            Format::Tar => {
                let shape = LayerShape { path: layer.path.clone(), base: layer.base.clone() };
                let parts = parts.as_mut().map(|find| &mut **find as FindPart<'_>);
                archive::extract_cloning(reader, layer.compression, &shape, parts, self.destination, &Silent).map(drop)
            }
            Format::Raw => {
                let decoder = layer.compression.decoder(BufReader::new(reader));
                let decoder = decoder.map_err(|source| archive::Error::ReadLayer { source })?;
                let mode = layer.file_mode.unwrap_or(PLAIN_FILE);
                let size = (layer.compression == Compression::None).then_some(layer.descriptor.size);
                let original = parts.as_mut().zip(size).map_or(Ok(None), |(find, size)| find(0, size));
                let original = original.map_err(|source| archive::Error::ReadLayer { source })?;
                let file = SingleFile { path: &layer.path, mode, size, original };
                archive::extract_file(decoder, file, self.destination, &Silent).map(drop)
            }
        }
    }

    fn unpack_file(&self, file: &RemoteFile) -> Result<(), Error> {
        let RemoteFile { path, address, size, digest, .. } = file;
        if digest.is_none() {
            let words = "as its remoteHash is an ETag and no sha256, its server alone vouches for it";
            self.progress.warn(&format!("`{address}`: {words}"));
        }
        let task = self.progress.start(Phase::Unpacking, &format!("dataset {path}"), Some(*size));
        let mut reader =
            Remembering { reader: file.reader(&self.options.folder, self.progress)?, task: &*task, failure: None };
        let single = SingleFile { path, mode: PLAIN_FILE, size: Some(*size), original: None };
        let extracted = archive::extract_file(&mut reader, single, self.destination, &Silent);
        reader.read_to_end_of_blob().map_err(|error| file.failed(error))?;
        extracted.map(drop).map_err(|source| Error::Unpack(format!("dataset {path}"), source))
    }

    fn write_kitfile(&self, modelkit: &ModelKit) -> Result<(), Error> {
        let yaml = kitfile::to_yaml(&modelkit.config.kitfile);
        let path = RelativePath::root().child(FILE_NAMES[0]).expect("the name of a Kitfile is a name");
        let file = SingleFile { path: &path, mode: PLAIN_FILE, size: Some(yaml.len() as u64), original: None };
        archive::extract_file(yaml.as_bytes(), file, self.destination, &Silent)?;
        Ok(())
    }
}

/// Counts the bytes of a blob, and remembers why reading it failed. What the archive reader stumbles over may be damage of the blob or a broken
/// connection, and then that is the error to tell.
pub(super) struct Remembering<'a, R> {
    pub(super) reader: R,
    pub(super) task: &'a dyn Task,
    pub(super) failure: Option<ContentError>,
}

impl<R: Read> Remembering<'_, R> {
    pub(super) fn read_to_end_of_blob(&mut self) -> Result<(), ContentError> {
        let drained = io::copy(self, &mut io::sink());
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => drained.map(drop).map_err(ContentError::from),
        }
    }
}

impl<R: Read> Read for Remembering<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        match self.reader.read(buffer) {
            Ok(read) => {
                self.task.advance(read as u64);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failure = Some(error.into());
                Err(io::Error::other("the blob cannot be read"))
            }
        }
    }
}

fn describe(layer: &Layer) -> String {
    let (word, name) = match layer.section {
        Section::Model => ("model", Some(&layer.name)),
        Section::ModelPart => ("model part", Some(&layer.name)),
        Section::Dataset => ("dataset", Some(&layer.name)),
        Section::Code => ("code", None),
        Section::Docs => ("docs", None),
        Section::Prompt => ("prompt", Some(&layer.name)),
    };
    match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("Unpacking {word} {name} to {}", layer.path),
        None => format!("Unpacking {word} to {}", layer.path),
    }
}
