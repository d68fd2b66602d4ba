//! Making a subset: its documents, its layers, and the record that they belong to the original.

use jiff::Timestamp;

use crate::digest::Digest;
use crate::modelkit::{Config, Documents, Selection, label};
use crate::oci::{Descriptor, Manifest, MediaType, Subject, Target};
use crate::ops::artifact::{Attachment, FINGERPRINT, attach, check_filters, entries, inspect};
use crate::ops::error::Error;
use crate::ops::files::tables;
use crate::ops::pack::{list_part, publish};
use crate::ops::session::{Located, Location, Session};
use crate::ops::transfer::{Copied, CopyOptions, Copying, Taken};
use crate::ops::workers;
use crate::provenance::{Builder, SUBSET_ARTIFACT_TYPE, SUBSET_PREDICATE_TYPE, Subset};
use crate::store::Names;

/// Settings of a subset.
#[derive(Debug, Clone)]
pub struct SubsetOptions {
    /// The parts that it consists of.
    pub selection: Selection,
    /// Settings for copying the layers.
    pub copying: CopyOptions,
    /// The user or the service that makes it.
    pub builder: Builder,
    /// The time for the record.
    pub time: Timestamp,
}

/// Publishes the selected parts of the ModelKit `found`, whose name is `source`, as a ModelKit of its own at
/// `destination`, in a registry, an image layout or the local store.
///
/// Its Kitfile has only the entries of these parts, and its layers are those of the original, mounted where the
/// registry supports that. A record that the layers belong to the original is attached to it; if that fails, it is a
/// warning. Equal parts of the same ModelKit have the same digest.
pub fn publish_subset(
    session: &Session<'_>,
    (found, source): (&Located, &Location),
    destination: &Location,
    options: &SubsetOptions,
) -> Result<Copied, Error> {
    let (copying, selection) = (&options.copying, &options.selection);
    let inspected = inspect(found)?;
    check_filters(selection, &found.title, &entries(&inspected.modelkit), session.progress)?;
    let documents = list_part(found, &inspected, selection, (copying.jobs, session.progress))?;
    let manifest = Manifest::parse(&documents.manifest_bytes).map_err(Error::NotAManifest)?;
    if manifest.layers.is_empty() && !names_other_content(&documents.config_bytes) {
        return Err(Error::NothingMatches {
            name: found.title.clone(),
            filters: selection.filters().iter().map(ToString::to_string).collect(),
            parts: inspected.modelkit.layers.iter().map(|layer| label(&layer.descriptor)).collect(),
        });
    }
    let (target, tag) = open(session, destination)?;
    let tag = tag.unwrap_or_else(|| documents.manifest.digest.to_string());
    let is_there = target.has_manifest(&documents.manifest).map_err(|error| Error::writing("the manifest", error))?;
    let is_new = target.is_remote() && !is_there;
    let copied = send(session, found, &*target, (&manifest.layers, &documents), copying)?;
    publish(&documents, &*target, &tag)?;
    let record = Subset {
        subject: documents.manifest.digest,
        name: destination.to_string(),
        original: inspected.descriptor.digest,
        // A path in the file system means nothing to other readers of the record.
        original_name: if let Location::Artifact(name) = source { Some(name.to_string()) } else { None },
        layers: manifest.layers.iter().map(|layer| layer.digest).collect(),
        filters: selection.filters().iter().map(ToString::to_string).collect(),
        builder: options.builder.clone(),
        time: Some(options.time),
    };
    let mut attachments = vec![attachment(&record)];
    attachments.extend(tables::attachment(&*found.source, manifest.layers.iter()));
    let subject = Subject { descriptor: &documents.manifest, is_new };
    attach(&*target, &subject, &attachments, copying.jobs, session.progress);
    Ok(Copied { is_new, ..copied })
}

/// Returns true if the Kitfile names a model or datasets that are elsewhere, so that it is useful without layers.
fn names_other_content(config: &[u8]) -> bool {
    let config = Config::from_json(config);
    config.is_ok_and(|config| config.kitfile.model.is_some() || config.kitfile.remote_datasets().next().is_some())
}

/// Opens the destination for writing, and returns the tag.
fn open(session: &Session<'_>, destination: &Location) -> Result<(Box<dyn Target>, Option<String>), Error> {
    match destination {
        Location::Artifact(reference) if reference.is_local() => {
            let tag = reference.tag.as_ref().map(ToString::to_string);
            Ok((Box::new(session.store.writer(Names::Of(reference.clone()))?), tag))
        }
        destination => session.target(destination),
    }
}

fn send(
    session: &Session<'_>,
    found: &Located,
    target: &dyn Target,
    (layers, documents): (&[Descriptor], &Documents),
    options: &CopyOptions,
) -> Result<Copied, Error> {
    let whole = &*session.progress.overall(layers.iter().map(|layer| layer.size).sum());
    let copying = Copying::new((&*found.source, target), options, session.progress, whole);
    let outcomes = workers::run(options.jobs, layers, |layer| copying.copy_blob(layer))?;
    copying.report_present();
    let mut copied = Copied {
        manifest: documents.manifest.clone(),
        is_new: false,
        sent_bytes: 0,
        resumed_bytes: 0,
        present_bytes: 0,
        mounted_bytes: 0,
        taken: Taken::default(),
    };
    for (layer, outcome) in layers.iter().zip(outcomes) {
        copied.count(layer.size, outcome);
    }
    Ok(copied)
}

fn attachment(record: &Subset) -> Attachment<'static> {
    let artifact_type = MediaType::of(SUBSET_ARTIFACT_TYPE);
    let mut attachment =
        Attachment::of_statement(artifact_type, SUBSET_PREDICATE_TYPE, record.to_statement(), record.time);
    let fingerprint = Digest::of(&record.without_history().to_statement());
    attachment.annotations.insert(FINGERPRINT.to_owned(), fingerprint.to_string());
    attachment
}
