//! Putting all or some of a ModelKit into a folder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::layers::{Unpacker, title};
use crate::archive::{Destination, Overwrite, Placed};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::Dataset;
use crate::layer_format::Format;
use crate::modelkit::{Layer, ModelKit, Selection};
use crate::oci::{Descriptor, Reference, Source};
use crate::ops::artifact::{Inspected, Parent, inspect, parents};
use crate::ops::error::Error;
use crate::ops::remote_data::{self, RemoteData, RemoteFile, RemoteKit, wanted_remotes};
use crate::ops::session::{Located, Session};
use crate::ops::transfer::{DeltaSource, Older, Taken};
use crate::ops::{disk_space, workers};
use crate::progress::{Progress, Warning};
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
    session: &Session<'_>,
    found: &Located,
    name: &str,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<Unpacked, Error> {
    let child = inspect(found)?;
    let parents = wanted_parents(session, &child, name, &options.selection)?;
    let remotes = wanted_remotes(session, &child.modelkit, name, &options.selection, &options.remote)?;
    let delta = DeltaSource::new(&*found.source, Older::Tree(&options.folder));
    let mut chosen = Chosen::default();
    let mut wanted = of_others(&parents, &remotes.kits, &options.selection, &mut chosen);
    wanted.push(Wanted {
        other: None,
        source: if found.is_remote { &delta } else { &*found.source },
        layers: chosen.of(&child.modelkit, Some(&options.selection)),
    });
    let takes_none = wanted.iter().all(|wanted| wanted.layers.is_empty()) && remotes.files.is_empty();
    if takes_none && !options.selection.is_everything() && !options.selection.takes_kitfile() {
        refuse_if_nothing_matches(&child.modelkit, name, &options.selection)?;
    }
    check_room(&wanted, &remotes.files, &options.folder)?;

    warn_of_remote_datasets(&child.modelkit, options, progress);
    let layer_sizes = wanted.iter().flat_map(|wanted| &wanted.layers).map(|layer| layer.descriptor.size);
    let sizes: Vec<u64> = layer_sizes.chain(remotes.files.iter().map(|file| file.size)).collect();
    let fill = |destination: &Destination, by_pieces: bool| -> Result<(), Stop> {
        let _whole = progress.overall(sizes.iter().copied().fold(0, u64::saturating_add));
        let unpacker = Unpacker::new(destination, progress, options, by_pieces);
        if options.selection.takes_kitfile() {
            unpacker.write_kitfile(&child.modelkit)?;
        }
        wanted.iter().try_for_each(|wanted| unpacker.unpack_layers(wanted))?;
        Ok(workers::run(options.jobs, &remotes.files, |file| unpacker.unpack_file(file)).map(drop)?)
    };
    let mut by_pieces = true;
    let outcome = loop {
        let destination = Destination::open(&options.folder, options.overwrite)?;
        match fill(&destination, by_pieces) {
            Ok(()) => break destination.commit()?,
            Err(Stop::Refuted) => {}
            Err(Stop::Doubted) => by_pieces = false,
            Err(Stop::Failed(error)) => return Err(error),
        }
    };
    Ok(Unpacked { manifest: child.descriptor, placed: outcome, layers: sizes.len(), taken: delta.taken() })
}

/// What is wanted of a ModelKit.
pub(super) struct Wanted<'a> {
    /// What another one than the ModelKit that is unpacked is called.
    pub(super) other: Option<&'a Reference>,
    pub(super) source: &'a dyn Source,
    pub(super) layers: Vec<&'a Layer>,
}

/// What is wanted of the models of `parents`, and of the datasets in `kits`.
fn of_others<'a>(
    parents: &'a [Parent],
    kits: &'a [RemoteKit],
    selection: &Selection,
    chosen: &mut Chosen,
) -> Vec<Wanted<'a>> {
    let wanted =
        |reference, found: &'a Located, layers| Wanted { other: Some(reference), source: &*found.source, layers };
    let of_parent = selection.of_parent();
    let mut others = Vec::new();
    for Parent { reference, found, inspected } in parents.iter().rev() {
        others.push(wanted(reference, found, chosen.of(&inspected.modelkit, of_parent.as_ref())));
    }
    for RemoteKit { reference, found, layers } in kits {
        others.push(wanted(reference, found, chosen.once(layers.iter())));
    }
    others
}

/// Why a destination is not filled.
pub(super) enum Stop {
    /// A layer was not what its descriptor says, and now comes from somewhere else. What is staged of it must go, and all else
    /// that is staged goes with it: that costs the time of reading it again, once for each mirror that is broken.
    Refuted,
    /// A layer is not what its table of contents says, or something failed while its pieces were read. Read from front to back, it tells what is
    /// wrong, or that only its table is.
    Doubted,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Chooses layers. Each is taken once, by digest and path: the Go tool packs one twice if a Kitfile names a path in two ways.
#[derive(Default)]
pub(crate) struct Chosen(HashSet<(Digest, RelativePath)>);

impl Chosen {
    pub(crate) fn of<'m>(&mut self, modelkit: &'m ModelKit, selection: Option<&Selection>) -> Vec<&'m Layer> {
        self.once(modelkit.layers.iter().filter(|layer| selection.is_some_and(|selection| selection.takes(layer))))
    }

    fn once<'m>(&mut self, layers: impl Iterator<Item = &'m Layer>) -> Vec<&'m Layer> {
        layers.filter(|layer| self.0.insert((layer.descriptor.digest, layer.path.clone()))).collect()
    }
}

/// Makes sure that there is room for what is certainly written.
fn check_room(wanted: &[Wanted], files: &[RemoteFile], folder: &Path) -> Result<(), Error> {
    let layers = wanted.iter().flat_map(|Wanted { source, layers, .. }| {
        layers.iter().filter(|layer| !may_be_cloned(*source, layer)).map(|layer| (&layer.path, layer.descriptor.size))
    });
    let to_write = layers.chain(files.iter().map(|file| (&file.path, file.size)));
    disk_space::check(folder, certain_bytes(to_write, folder))
}

/// Whether files of `layer` may be cloned, and then take no space: if it is one and a file in `source`, or put together from files.
fn may_be_cloned(source: &dyn Source, layer: &Layer) -> bool {
    let blob = source.blob(&layer.descriptor);
    let Ok(Some(mut find)) = blob.parts() else { return false };
    let is_one_file = matches!(find(0, layer.descriptor.size), Ok(Some(_)));
    is_one_file == (layer.format == Format::Raw && layer.compression == Compression::None)
}

/// The space that layers and files, by path and size, take in `folder` at the least. Files that are there already and equal take none, so
/// where anything is at the path of a layer, nothing is certain. A compressed layer becomes larger. Of another, an eighth may be headers and
/// padding: a file of one byte has 1024 in the tar and a block of the disk, mostly 4096; larger ones come closer.
fn certain_bytes<'a>(to_write: impl Iterator<Item = (&'a RelativePath, u64)>, folder: &Path) -> u64 {
    let is_new = |(path, _): &(&RelativePath, u64)| fs::symlink_metadata(path.join_to(folder)).is_err();
    to_write.filter(is_new).map(|(_, size)| size).fold(0_u64, u64::saturating_add) / 8 * 7
}

pub(crate) fn wanted_parents(
    session: &Session<'_>,
    child: &Inspected,
    name: &str,
    selection: &Selection,
) -> Result<Vec<Parent>, Error> {
    match parents::model_reference(&child.modelkit).filter(|_| selection.of_parent().is_some()) {
        Some(reference) => parents::resolve(session, name, reference),
        None => Ok(Vec::new()),
    }
}

/// Fails unless a dataset that stays elsewhere matches: a mistyped filter must not leave a server with an empty volume.
fn refuse_if_nothing_matches(modelkit: &ModelKit, name: &str, selection: &Selection) -> Result<(), Error> {
    let is_wanted = |dataset: &Dataset| dataset.path.parse().is_ok_and(|path| selection.takes_dataset(dataset, &path));
    if modelkit.config.kitfile.remote_datasets().any(is_wanted) {
        return Ok(());
    }
    let parts = modelkit.layers.iter().map(title).collect();
    Err(Error::NothingMatches { name: name.to_owned(), parts })
}

fn warn_of_remote_datasets(modelkit: &ModelKit, options: &UnpackOptions, progress: &dyn Progress) {
    let RemoteData::Left = options.remote else { return };
    let is_wanted =
        |dataset: &&Dataset| dataset.path.parse().is_ok_and(|path| options.selection.takes_dataset(dataset, &path));
    for dataset in modelkit.config.kitfile.remote_datasets().filter(is_wanted) {
        let (name, address) = (&dataset.name, &remote_data::address(dataset));
        progress.warn(&Warning::RemoteDatasetSkipped { name, address });
    }
}
