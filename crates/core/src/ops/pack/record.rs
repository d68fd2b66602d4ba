//! The record of the making of a ModelKit, which is attached to it: what it was made of, by whom and when.

use jiff::Timestamp;

use super::into_store::PackOptions;
use super::packer::Assembled;
use crate::digest::Digest;
use crate::git;
use crate::kitfile::Section;
use crate::modelkit::{Lock, LockedParent, ModelKit};
use crate::oci::{Annotations, Descriptor, Manifest, MediaType, Reference};
use crate::ops::artifact::{Attachment, FINGERPRINT, oci_uri};
use crate::ops::error::Error;
use crate::ops::remote_data;
use crate::ops::session::Session;
use crate::provenance::{
    Builder, Commit, MEDIA_TYPE, Material, PREDICATE_TYPE, Record, Role, SourceUrl, without_secrets,
};
use crate::store::Names;

/// What only the caller knows of the making.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Who packs.
    pub builder: Builder,
    /// When.
    pub time: Timestamp,
    /// What it was checked out from.
    pub git: Git,
    /// What it was made of besides what its documents name.
    pub sources: Vec<Material>,
}

/// Where the commit comes from that is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Git {
    /// git is asked about the folder.
    Asked,
    /// There is none.
    Ignored,
    /// It is this one: the files were fetched from there.
    Known(Commit),
}

/// How tools that list attestations tell the kind of one (in-toto, "OCI artifacts").
const PREDICATE_ANNOTATION: &str = "in-toto.io/predicate-type";
/// Image-spec 1.1, "Pre-Defined Annotation Keys".
const CREATED: &str = "org.opencontainers.image.created";

/// The record of what is `assembled` and not published yet, if there is to be one. Asks no registry; of what is elsewhere, `lock` knows the
/// digests.
pub(crate) fn record(
    session: &Session<'_>,
    options: &PackOptions,
    assembled: &Assembled,
    lock: Option<&Lock>,
) -> Result<Option<Attachment<'static>>, Error> {
    let Some(recording) = &options.recording else { return Ok(None) };
    let subject = assembled.manifest.digest;
    let record = Record {
        subject,
        names: options.references.iter().map(ToString::to_string).collect(),
        commit: match &recording.git {
            Git::Asked => git::look(&options.context).map(commit),
            Git::Ignored => None,
            Git::Known(commit) => Some(commit.clone()),
        },
        materials: [recording.sources.clone(), materials(session, assembled, lock)?].concat(),
        previous: previous(session, options)?.filter(|previous| *previous != subject),
        builder: recording.builder.clone(),
        time: Some(recording.time),
    };
    Ok(Some(attachment(&record)))
}

fn attachment(record: &Record) -> Attachment<'static> {
    let statement = record.to_statement();
    let mut blob = Descriptor::of(MediaType::of(MEDIA_TYPE), &statement);
    blob.annotations.insert(PREDICATE_ANNOTATION.to_owned(), PREDICATE_TYPE.to_owned());
    let fingerprint = Digest::of(&record.without_history().to_statement());
    let mut annotations = Annotations::from([
        (PREDICATE_ANNOTATION.to_owned(), PREDICATE_TYPE.to_owned()),
        (FINGERPRINT.to_owned(), fingerprint.to_string()),
    ]);
    annotations.extend(record.time.map(|time| (CREATED.to_owned(), time.to_string())));
    Attachment { artifact_type: MediaType::of(MEDIA_TYPE), blobs: vec![(blob, Box::new(statement))], annotations }
}

fn commit(checkout: git::Checkout) -> Commit {
    Commit {
        id: checkout.commit,
        branch: checkout.branch,
        remote: checkout.remote.as_deref().and_then(SourceUrl::parse),
        is_dirty: checkout.is_dirty,
    }
}

/// The ModelKits that it is built on, and its datasets.
fn materials(session: &Session<'_>, assembled: &Assembled, lock: Option<&Lock>) -> Result<Vec<Material>, Error> {
    let manifest = Manifest::parse(&assembled.manifest_bytes).map_err(Error::NotAManifest)?;
    let modelkit = ModelKit::read(manifest, &assembled.config_bytes)?;
    let mut materials: Vec<Material> = assembled.parents.iter().map(parent).collect();
    for layer in modelkit.layers.iter().filter(|layer| layer.section == Section::Dataset) {
        let name = if layer.name.is_empty() { layer.path.to_string() } else { layer.name.clone() };
        materials.push(Material { role: Role::Dataset, name, uri: None, digest: Some(layer.descriptor.digest) });
    }
    for dataset in modelkit.config.kitfile.remote_datasets() {
        let reference = dataset.reference();
        let digest = match (lock.and_then(|lock| remote_data::locked(&lock.remotes, dataset)), &reference) {
            (Some(locked), _) => Some(locked.digest),
            (None, Some(reference)) => digest_here(session, reference)?,
            (None, None) => dataset.remote_digest(),
        };
        let uri = reference.map_or_else(|| without_secrets(&dataset.remote_path), |reference| oci_uri(&reference));
        materials.push(Material { role: Role::Dataset, name: dataset.name.clone(), uri: Some(uri), digest });
    }
    Ok(materials)
}

fn parent(parent: &LockedParent) -> Material {
    let uri = parent.reference.parse().map_or_else(|_| parent.reference.clone(), |reference| oci_uri(&reference));
    Material { role: Role::Parent, name: parent.reference.clone(), uri: Some(uri), digest: Some(parent.manifest) }
}

/// The digest that `reference` names, or that the local store has under it.
fn digest_here(session: &Session<'_>, reference: &Reference) -> Result<Option<Digest>, Error> {
    if reference.digest.is_some() {
        return Ok(reference.digest);
    }
    let name = reference.selector().unwrap_or_default();
    let entry = session.store.find(&Names::Of(reference.clone()), &name)?;
    Ok(entry.map(|entry| entry.descriptor.digest))
}

/// What the first name stands for here until now.
fn previous(session: &Session<'_>, options: &PackOptions) -> Result<Option<Digest>, Error> {
    options.references.first().map_or(Ok(None), |reference| digest_here(session, reference))
}
