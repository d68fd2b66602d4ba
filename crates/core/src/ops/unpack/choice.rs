//! The choice of the parts of a ModelKit to unpack, made before the first file is written.

use std::collections::HashSet;
use std::path::Path;

use super::into_folder::UnpackOptions;
use crate::digest::Digest;
use crate::kitfile::Dataset;
use crate::modelkit::{Layer, LayerType, ModelKit, Selection};
use crate::oci::{Reference, Source};
use crate::ops::artifact::{
    Inspected, Parent, check_filters, entries, entries_of_parents, inspect, parents, refuse_unreadable,
};
use crate::ops::error::Error;
use crate::ops::files::may_be_selected;
use crate::ops::remote_data::{self, RemoteData, RemoteKit, Remotes, wanted_remotes};
use crate::ops::session::{Located, Session};
use crate::ops::trust::{admit, admit_from, admit_remote_file, warn_of_recalls};
use crate::ops::workers;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// A ModelKit, and the others from which parts are unpacked.
pub(super) struct Choice {
    pub(super) child: Inspected,
    parents: Vec<Parent>,
    pub(super) remotes: Remotes,
}

impl Choice {
    /// Reads the documents of the ModelKits, and the metadata of remote datasets.
    pub(super) fn read(
        session: &Session<'_>,
        found: &Located,
        name: &str,
        options: &UnpackOptions,
    ) -> Result<Self, Error> {
        let child = inspect(found)?;
        let parents = wanted_parents(session, &child, name, &options.selection)?;
        let remotes = wanted_remotes(session, &child.modelkit, name, &options.selection, &options.remote)?;
        refuse_unreadable(&child.modelkit, &options.selection)?;
        Ok(Self { child, parents, remotes })
    }

    /// Fails if a policy does not allow the ModelKit `found`, one of the others, or the
    /// content of a remote dataset, which may be in `folder` already. The content of the ModelKit is fetched from
    /// `source`.
    pub(super) fn admit(
        &self,
        session: &Session<'_>,
        (found, source): (&Located, &dyn Source),
        folder: &Path,
    ) -> Result<(), Error> {
        admit_from(session, found, source)?;
        warn_of_recalls(session, found)?;
        let wrong = |reference: &Reference, source| Error::Parent {
            reference: reference.to_string(),
            source: Box::new(source),
        };
        for Parent { reference, found, .. } in &self.parents {
            admit(session, found).map_err(|error| wrong(reference, error))?;
            warn_of_recalls(session, found)?;
        }
        for kit in &self.remotes.kits {
            admit(session, &kit.found).map_err(|error| wrong(&kit.reference, error))?;
            warn_of_recalls(session, &kit.found)?;
        }
        self.remotes.files.iter().try_for_each(|file| {
            let open = file.digest.is_some().then_some(|| file.reader(folder, session.progress));
            admit_remote_file(session, found, file.path.as_str(), open)
        })
    }

    /// Returns the layers to unpack; those of the ModelKit itself, which are the last, are read from `source`. Fails if
    /// a filter matches nothing.
    pub(super) fn wanted<'a>(
        &'a self,
        source: &'a dyn Source,
        name: &str,
        options: &UnpackOptions,
        progress: &dyn Progress,
    ) -> Result<Vec<Wanted<'a>>, Error> {
        let Self { child, parents, remotes } = self;
        let named: Vec<_> = entries(&child.modelkit).into_iter().chain(entries_of_parents(parents)).collect();
        check_filters(&options.selection, name, &named, progress)?;
        let mut chosen = Chosen::default();
        let mut wanted = of_others(parents, &remotes.kits, &options.selection, &mut chosen);
        let layers = chosen.of(&child.modelkit, Some(&options.selection));
        wanted.push(Wanted { other: None, source, layers });
        if !options.paths.is_empty() {
            wanted.iter_mut().try_for_each(|wanted| wanted.leave_out_others(options))?;
        }
        Ok(wanted)
    }
}

/// The layers to unpack of one ModelKit.
pub(super) struct Wanted<'a> {
    /// The reference, if it is not the ModelKit that is unpacked itself.
    pub(super) other: Option<&'a Reference>,
    pub(super) source: &'a dyn Source,
    pub(super) layers: Vec<&'a Layer>,
}

impl Wanted<'_> {
    /// Removes the layers of which nothing is selected by its path, so that they are not read.
    fn leave_out_others(&mut self, options: &UnpackOptions) -> Result<(), Error> {
        let may_be_selected = |layer: &&Layer| may_be_selected(self.source, layer, &options.paths);
        let mut are_selected = workers::run(options.jobs.small, &self.layers, may_be_selected)?.into_iter();
        self.layers.retain(|_| are_selected.next().unwrap_or(true));
        Ok(())
    }
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

/// Warns of layers that are not unpacked. KitOps does not mention those that are left over although the Kitfile lists
/// the digests of its layers.
pub(super) fn warn_of_other_layers(modelkit: &ModelKit, options: &UnpackOptions, progress: &dyn Progress) {
    for layer in modelkit.other_layers() {
        let (media_type, digest) = (layer.media_type.as_str(), layer.digest);
        if !modelkit.lists_layers() && LayerType::of(layer).is_none() {
            progress.warn(&Warning::UnknownLayerSkipped { media_type, digest });
        } else if options.selection.is_everything() && options.paths.is_empty() {
            progress.warn(&Warning::LayerNotUnpacked { media_type, digest });
        }
    }
}

pub(super) fn warn_of_remote_datasets(modelkit: &ModelKit, options: &UnpackOptions, progress: &dyn Progress) {
    let RemoteData::Left = options.remote else { return };
    let is_wanted =
        |dataset: &&Dataset| dataset.path.parse().is_ok_and(|path| options.selection.takes_dataset(dataset, &path));
    for dataset in modelkit.config.kitfile.remote_datasets().filter(is_wanted) {
        let (name, address) = (&dataset.name, &remote_data::address(dataset));
        progress.warn(&Warning::RemoteDatasetSkipped { name, address });
    }
}
