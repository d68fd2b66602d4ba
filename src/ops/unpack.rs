//! Putting all or some of a ModelKit into a folder.

use std::collections::HashSet;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use super::parents::{self, Parent};
use super::{Error, Found, Inspected, Places, inspect, workers};
use crate::archive::{self, Destination, LayerShape, Overwrite, Placed};
use crate::digest::{Digest, VerifyingReader};
use crate::kitfile::{self, FILE_NAMES, Section};
use crate::modelkit::{Format, Layer, ModelKit, Selection, section_word};
use crate::oci::{ContentError, Descriptor, Source};
use crate::progress::{Progress, Silent, Task};
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
    /// How many layers were wanted, of parents too.
    pub layers: usize,
}

/// Unpacks what is wanted of a ModelKit and of those that its model refers to.
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
    let destination = Destination::open(&options.folder, options.overwrite)?;
    let mut unpacker = Unpacker { destination: &destination, progress, jobs: options.jobs, done: HashSet::new() };
    if let Some(selection) = options.selection.of_parent() {
        for parent in parents.iter().rev() {
            progress.say(&format!("Unpacking referenced modelkit {}", parent.reference));
            unpacker.unpack_layers(&*parent.found.source, &parent.inspected.modelkit, &selection)?;
        }
    }
    if options.selection.takes_kitfile() {
        unpacker.write_kitfile(&child.modelkit)?;
    }
    warn_of_remote_datasets(&child.modelkit, &options.selection, progress);
    unpacker.unpack_layers(&*found.source, &child.modelkit, &options.selection)?;
    let layers = unpacker.done.len();
    Ok(Unpacked { manifest: child.descriptor, placed: destination.commit()?, layers })
}

fn wanted_parents(
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

fn warn_of_remote_datasets(modelkit: &ModelKit, selection: &Selection, progress: &dyn Progress) {
    if !selection.is_everything() {
        return;
    }
    for dataset in modelkit.config.kitfile.datasets.iter().filter(|dataset| !dataset.remote_path.is_empty()) {
        progress.warn(&format!(
            "the dataset `{}` stays at `{}`: it is not in the ModelKit",
            dataset.name, dataset.remote_path
        ));
    }
}

struct Unpacker<'a> {
    destination: &'a Destination,
    progress: &'a dyn Progress,
    jobs: usize,
    /// Layers that are done, by digest and path: the Go tool packs one twice if a Kitfile names a path in two ways.
    done: HashSet<(Digest, RelativePath)>,
}

/// Permissions of files that have none in the ModelKit: the Kitfile, and raw layers.
const PLAIN_FILE: u32 = 0o644;

impl Unpacker<'_> {
    fn unpack_layers(&mut self, source: &dyn Source, modelkit: &ModelKit, selection: &Selection) -> Result<(), Error> {
        let wanted = modelkit.layers.iter().filter(|layer| selection.takes(layer));
        let layers: Vec<_> =
            wanted.filter(|layer| self.done.insert((layer.descriptor.digest, layer.path.clone()))).collect();
        workers::run(self.jobs, &layers, |layer| self.unpack_layer(source, layer)).map(drop)
    }

    fn unpack_layer(&self, source: &dyn Source, layer: &Layer) -> Result<(), Error> {
        let label = format!("{} {}", section_word(layer.section), layer.path);
        self.progress.say(&describe(layer));
        let blob = source.blob(&layer.descriptor);
        let task = self.progress.start(&label, Some(layer.descriptor.size));
        let opened = blob.open_at(0).map_err(|error| Error::reading(&label, error))?;
        let verified = VerifyingReader::new(opened, layer.descriptor.digest, layer.descriptor.size);
        let mut reader = Remembering { reader: verified, task: &*task, failure: None };
        let extracted = self.extract(&mut reader, layer);
        reader.read_to_end_of_blob().map_err(|error| Error::reading(&label, error))?;
        extracted.map_err(|source| Error::Unpack(label, source))
    }

    fn extract(&self, reader: &mut (dyn Read + Send), layer: &Layer) -> Result<(), archive::Error> {
        match layer.format {
            Format::Tar => {
                let shape = LayerShape { path: layer.path.clone(), base: layer.base.clone() };
                archive::extract_layer(reader, layer.compression, &shape, self.destination, &Silent).map(drop)
            }
            Format::Raw => {
                let decoder = layer.compression.decoder(BufReader::new(reader));
                let decoder = decoder.map_err(|source| archive::Error::ReadLayer { source })?;
                archive::extract_file(decoder, &layer.path, PLAIN_FILE, self.destination, &Silent).map(drop)
            }
        }
    }

    fn write_kitfile(&self, modelkit: &ModelKit) -> Result<(), Error> {
        let yaml = kitfile::to_yaml(&modelkit.config.kitfile);
        let path = RelativePath::root().child(FILE_NAMES[0]).expect("the name of a Kitfile is a name");
        archive::extract_file(yaml.as_bytes(), &path, PLAIN_FILE, self.destination, &Silent)?;
        Ok(())
    }
}

/// Counts the bytes of a blob, and remembers why reading it failed. What the archive reader stumbles over may be damage of the blob or a broken
/// connection, and then that is the error to tell.
struct Remembering<'a, R> {
    reader: R,
    task: &'a dyn Task,
    failure: Option<ContentError>,
}

impl<R: Read> Remembering<'_, R> {
    fn read_to_end_of_blob(&mut self) -> Result<(), ContentError> {
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
