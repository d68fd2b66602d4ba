//! Unpacking all or part of a ModelKit into a directory.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::layers::{Unpacker, title, unpacked_event};
use super::space::check_disk_space;
use crate::archive::{Destination, Overwrite, PathPatterns, Placed, UnsafePaths};
use crate::digest::Digest;
use crate::kitfile::{Dataset, Section};
use crate::modelkit::{Layer, LayerType, ModelKit, Selection};
use crate::oci::{Descriptor, Reference, Source};
use crate::ops::artifact::{Inspected, Parent, inspect, parents, refuse_unreadable};
use crate::ops::error::Error;
use crate::ops::remote_data::{self, RemoteData, RemoteKit, wanted_remotes};
use crate::ops::session::{Located, Session};
use crate::ops::transfer::{DeltaSource, Older, Taken};
use crate::ops::{disk_space, workers};
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;
use crate::sys;

/// Options of [`unpack`].
#[derive(Debug, Clone)]
pub struct UnpackOptions {
    /// The directory to unpack into. It is created if it does not exist.
    pub folder: PathBuf,
    /// The treatment of existing files that differ.
    pub overwrite: Overwrite,
    /// The treatment of paths that other programs execute or trust.
    pub unsafe_paths: UnsafePaths,
    /// The parts to unpack.
    pub selection: Selection,
    /// The files and folders to unpack of these parts.
    pub paths: Arc<PathPatterns>,
    /// The treatment of remote datasets.
    pub remote: RemoteData,
    /// The number of layers that are unpacked at the same time.
    pub jobs: usize,
}

/// The result of unpacking.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// The manifest of the ModelKit.
    pub manifest: Descriptor,
    /// The changes to files.
    pub placed: Placed,
    /// The number of unpacked layers, including those of parents, and of remote datasets that are files.
    pub layers: usize,
    /// The content that was read from existing files instead of being fetched.
    pub taken: Taken,
}

/// Unpacks the selected parts of a ModelKit, of the ModelKits that its model refers to, and of its remote datasets.
///
/// From a registry, only the content that the files in the directory do not contain is fetched, if that is likely to be
/// faster.
///
/// Each layer is read once, verified, and staged until all layers are verified and no existing file conflicts; only
/// then do files get their final names. An error before that leaves the directory unchanged. As with `cp`, the
/// operating system decides when the files are written to disk, unless the store waits for the disk; after a power
/// failure a second run reports the files that differ.
pub fn unpack(session: &Session<'_>, found: &Located, name: &str, options: &UnpackOptions) -> Result<Unpacked, Error> {
    unpack_whole(session, found, name, options).map_err(|error| disk_space::explain(&options.folder, error))
}

fn unpack_whole(
    session: &Session<'_>,
    found: &Located,
    name: &str,
    options: &UnpackOptions,
) -> Result<Unpacked, Error> {
    let child = inspect(found)?;
    let parents = wanted_parents(session, &child, name, &options.selection)?;
    let remotes = wanted_remotes(session, &child.modelkit, name, &options.selection, &options.remote)?;
    refuse_unreadable(&child.modelkit, &options.selection)?;
    let delta = DeltaSource::new(&*found.source, Older::Tree(&options.folder));
    let mut chosen = Chosen::default();
    let mut wanted = of_others(&parents, &remotes.kits, &options.selection, &mut chosen);
    wanted.push(Wanted {
        other: None,
        source: if found.is_remote { &delta } else { &*found.source },
        layers: chosen.of(&child.modelkit, Some(&options.selection)),
    });
    for wanted in &mut wanted {
        wanted.layers.retain(|layer| options.paths.may_match_at_or_below(&layer.path));
    }
    let takes_none = wanted.iter().all(|wanted| wanted.layers.is_empty()) && remotes.files.is_empty();
    if takes_none
        && options.paths.is_empty()
        && !options.selection.is_everything()
        && !options.selection.takes_kitfile()
    {
        refuse_if_nothing_matches(&child.modelkit, name, &options.selection)?;
    }
    if options.paths.is_empty() {
        warn_of_unmatched(&wanted, &child.modelkit, &options.selection, session.progress);
    }
    check_disk_space(&wanted, &remotes.files, &options.folder)?;

    warn_of_remote_datasets(&child.modelkit, options, session.progress);
    warn_of_unknown_layers(&child.modelkit, session.progress);
    let layer_sizes = wanted.iter().flat_map(|wanted| &wanted.layers).map(|layer| layer.descriptor.size);
    let sizes: Vec<u64> = layer_sizes.chain(remotes.files.iter().map(|file| file.size)).collect();
    let fill = |destination: &Destination, by_pieces: bool| -> Result<(), Stop> {
        let _whole = session.progress.overall(sizes.iter().copied().fold(0, u64::saturating_add));
        let unpacker = Unpacker::new(destination, session.progress, options, by_pieces);
        if options.selection.takes_kitfile() {
            unpacker.write_kitfile(&child.modelkit)?;
        }
        wanted.iter().try_for_each(|wanted| unpacker.unpack_layers(wanted))?;
        Ok(workers::run(options.jobs, &remotes.files, |file| unpacker.unpack_file(file)).map(drop)?)
    };
    let mut by_pieces = options.paths.is_empty();
    let outcome = loop {
        let destination = Destination::open(&options.folder, options.overwrite)?;
        let destination = destination.with_unsafe_paths(&options.unsafe_paths).with_paths(&options.paths);
        match fill(&destination, by_pieces) {
            Ok(()) => match options.paths.unmatched() {
                unmatched if unmatched.is_empty() => break destination.commit()?,
                patterns => return Err(Error::NoPathMatches { name: name.to_owned(), patterns }),
            },
            Err(Stop::Refuted) => {}
            Err(Stop::Doubted) => by_pieces = false,
            Err(Stop::Failed(error)) => return Err(error),
        }
    };
    if session.store.waits_for_disk() {
        sys::sync_tree(&options.folder)?;
    }
    if outcome.files > 0 {
        let layers = wanted.iter().flat_map(|wanted| &wanted.layers);
        layers.for_each(|layer| session.progress.report(&unpacked_event(layer)));
    }
    Ok(Unpacked { manifest: child.descriptor, placed: outcome, layers: sizes.len(), taken: delta.taken() })
}

/// The layers to unpack of one ModelKit.
pub(super) struct Wanted<'a> {
    /// The reference, if it is not the ModelKit that is unpacked itself.
    pub(super) other: Option<&'a Reference>,
    pub(super) source: &'a dyn Source,
    pub(super) layers: Vec<&'a Layer>,
}

/// Returns the layers to unpack of the models of `parents` and of the datasets in `kits`.
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

/// The reason why filling a destination stopped.
pub(super) enum Stop {
    /// A layer did not match its digest and is now read from another source. Its staged files must be deleted; all
    /// other staged files are deleted with them, which costs the time to read them again, once for each broken mirror.
    Refuted,
    /// A layer does not match its table of contents, or an error occurred while its chunks were read. Reading it
    /// sequentially finds the error, or shows that only the table is wrong.
    Doubted,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Selects layers, each once by digest and path: KitOps packs a layer twice if a Kitfile gives a path in two spellings.
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

pub(crate) fn wanted_parents(
    session: &Session<'_>,
    child: &Inspected,
    name: &str,
    selection: &Selection,
) -> Result<Vec<Parent>, Error> {
    let Some(of_parent) = selection.of_parent() else { return Ok(Vec::new()) };
    let Some(reference) = parents::model_reference(&child.modelkit) else { return Ok(Vec::new()) };
    let parents = parents::resolve(session, name, reference)?;
    parents.iter().try_for_each(|parent| refuse_unreadable(&parent.inspected.modelkit, &of_parent))?;
    Ok(parents)
}

/// Fails unless a remote dataset matches that is not fetched: a mistyped filter must not leave a server with an empty
/// volume.
fn refuse_if_nothing_matches(modelkit: &ModelKit, name: &str, selection: &Selection) -> Result<(), Error> {
    let is_wanted = |dataset: &Dataset| dataset.path.parse().is_ok_and(|path| selection.takes_dataset(dataset, &path));
    if modelkit.config.kitfile.remote_datasets().any(is_wanted) {
        return Ok(());
    }
    let parts = modelkit.layers.iter().map(title).collect();
    Err(Error::NothingMatches { name: name.to_owned(), parts })
}

/// Warns of parts and names that select nothing, although others do.
fn warn_of_unmatched(wanted: &[Wanted<'_>], modelkit: &ModelKit, selection: &Selection, progress: &dyn Progress) {
    let layers = wanted.iter().flat_map(|wanted| &wanted.layers).map(|layer| {
        let names: [&str; 2] = [&layer.name, &layer.path_as_written];
        (layer.section, names, layer.path.clone())
    });
    let datasets = modelkit.config.kitfile.remote_datasets().filter_map(|dataset| {
        let names: [&str; 2] = [&dataset.name, &dataset.path];
        Some((Section::Dataset, names, dataset.path.parse().ok()?))
    });
    for filter in selection.unmatched(&layers.chain(datasets).collect::<Vec<_>>()) {
        progress.warn(&Warning::FilterMatchesNothing { filter: &filter });
    }
}

/// Warns of layers of unknown types. If the Kitfile contains digests, an entry names every layer to unpack, so others
/// are of no concern.
fn warn_of_unknown_layers(modelkit: &ModelKit, progress: &dyn Progress) {
    for layer in modelkit.other_layers().filter(|layer| LayerType::of(layer).is_none()) {
        let (media_type, digest) = (layer.media_type.as_str(), layer.digest);
        if modelkit.lists_layers() {
            tracing::debug!("layer {digest} of type {media_type} belongs to no entry of the Kitfile");
        } else {
            progress.warn(&Warning::UnknownLayerSkipped { media_type, digest });
        }
    }
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
