//! The provenance attestation that is attached to a ModelKit: its sources, its builder and the time of packing.

use jiff::Timestamp;

use super::into_store::PackOptions;
use super::packer::Assembled;
use crate::digest::Digest;
use crate::git;
use crate::kitfile::Section;
use crate::modelkit::{Lock, LockedParent};
use crate::oci::{MediaType, Reference};
use crate::ops::artifact::{Attachment, FINGERPRINT, oci_uri, records};
use crate::ops::error::Error;
use crate::ops::remote_data;
use crate::ops::session::Session;
use crate::provenance::{
    Builder, Commit, MEDIA_TYPE, Material, PREDICATE_TYPE, Record, Role, SourceUrl, without_secrets,
};
use crate::store::Names;

/// The part of an attestation that only the caller knows.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The user or the service that packs.
    pub builder: Builder,
    /// The time of packing.
    pub time: Timestamp,
    /// The git commit that the files come from.
    pub git: Git,
    /// Further sources, which the documents of the ModelKit do not name.
    pub sources: Vec<Material>,
}

/// The origin of the commit that is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Git {
    /// The checkout in the folder, if git finds one.
    Asked,
    /// No commit is recorded.
    Ignored,
    /// This commit, which the files were fetched from.
    Known(Commit),
}

/// Returns the attestation for `assembled`, which is not published yet, if one was requested.
///
/// Sends no request to a registry: the digests of remote datasets come from `lock`.
pub(crate) fn record(
    session: &Session<'_>,
    options: &PackOptions,
    assembled: &Assembled,
    lock: Option<&Lock>,
) -> Result<Option<Attachment<'static>>, Error> {
    let Some(recording) = &options.recording else { return Ok(None) };
    let subject = assembled.digest();
    let record = Record {
        subject,
        names: options.references.iter().map(ToString::to_string).collect(),
        commit: match &recording.git {
            Git::Asked => git::look(&options.context).map(commit),
            Git::Ignored => None,
            Git::Known(commit) => Some(commit.clone()),
        },
        materials: [recording.sources.clone(), materials(session, assembled, lock)?].concat(),
        previous: previous(session, options, subject)?,
        builder: recording.builder.clone(),
        time: Some(recording.time),
    };
    Ok(Some(attachment(&record)))
}

fn attachment(record: &Record) -> Attachment<'static> {
    let (statement, artifact_type) = (record.to_statement(), MediaType::of(MEDIA_TYPE));
    let mut attachment = Attachment::of_statement(artifact_type, PREDICATE_TYPE, statement, record.time);
    let fingerprint = Digest::of(&record.without_history().to_statement());
    attachment.annotations.insert(FINGERPRINT.to_owned(), fingerprint.to_string());
    attachment
}

fn commit(checkout: git::Checkout) -> Commit {
    Commit {
        id: checkout.commit,
        branch: checkout.branch,
        remote: checkout.remote.as_deref().and_then(SourceUrl::parse),
        is_dirty: checkout.is_dirty,
    }
}

/// The ModelKits that `assembled` is built on, and its datasets.
fn materials(session: &Session<'_>, assembled: &Assembled, lock: Option<&Lock>) -> Result<Vec<Material>, Error> {
    let modelkit = assembled.modelkit()?;
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

/// The digest in `reference`, or else the one that the local store has under that name.
fn digest_here(session: &Session<'_>, reference: &Reference) -> Result<Option<Digest>, Error> {
    if reference.digest.is_some() {
        return Ok(reference.digest);
    }
    let name = reference.selector().unwrap_or_default();
    let entry = session.store.find(&Names::Of(reference.clone()), &name)?;
    Ok(entry.map(|entry| entry.descriptor.digest))
}

/// The digest of the manifest that has the first of the new names in the local store until now. If that is `subject`,
/// packed again, it is the one that its earlier attestations name.
fn previous(session: &Session<'_>, options: &PackOptions, subject: Digest) -> Result<Option<Digest>, Error> {
    let Some(reference) = options.references.first() else { return Ok(None) };
    let names = Names::Of(reference.clone());
    let Some(entry) = session.store.find(&names, &reference.selector().unwrap_or_default())? else { return Ok(None) };
    if entry.descriptor.digest != subject {
        return Ok(Some(entry.descriptor.digest));
    }
    let earlier = records(&session.store.reader(names)?, &entry.descriptor, session.progress);
    Ok(earlier.iter().rev().find_map(|record| record.previous))
}
