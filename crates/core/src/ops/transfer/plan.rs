//! What a copy would do, found out without changing anything.

use super::copy::{BlobAction, CopyOptions, CopySet, action, check};
use crate::modelkit;
use crate::oci::{ContentError, Descriptor, Source};
use crate::ops::error::Error;
use crate::ops::session::{Location, Session};
use crate::ops::workers;
use crate::registry::Repository;
use crate::store::Store;

/// A copy that was not made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The manifest that would be published.
    pub manifest: Descriptor,
    /// The blobs, the largest first.
    pub blobs: Vec<PlannedBlob>,
}

/// What would become of one blob.
#[derive(Debug, Clone)]
pub struct PlannedBlob {
    /// The blob.
    pub descriptor: Descriptor,
    /// What it is to the user, such as `model weights`.
    pub label: String,
    /// What would become of it.
    pub action: BlobAction,
}

/// A place that is only looked at: opening one to write to would make it.
pub enum PlanTarget<'a> {
    /// A store or layout, which need not exist.
    Store(&'a Store),
    /// A layout in another folder.
    Layout(Store),
    /// A repository.
    Repository(Box<Repository>),
}

impl Session<'_> {
    /// The place that `location` names to write to, for looking at.
    pub fn look(&self, location: &Location) -> Result<PlanTarget<'_>, Error> {
        match location {
            Location::Artifact(reference) if reference.is_local() => Err(Error::NoRegistry(reference.clone())),
            Location::Artifact(reference) => Ok(PlanTarget::Repository(Box::new(self.client.repository(reference)))),
            Location::Layout { path, .. } => Ok(PlanTarget::Layout(Store::open(path)?)),
        }
    }
}

impl PlanTarget<'_> {
    fn action(&self, blob: &Descriptor, options: &CopyOptions) -> Result<BlobAction, ContentError> {
        match self {
            Self::Repository(repository) => action(&**repository, blob, options),
            Self::Store(store) => Ok(if store.holds(blob)? { BlobAction::Present } else { BlobAction::Send }),
            Self::Layout(store) => Ok(if store.holds(blob)? { BlobAction::Present } else { BlobAction::Send }),
        }
    }
}

/// Tells what [`copy`](super::copy::copy) would do, and changes nothing.
pub fn plan(source: &dyn Source, name: &str, target: &PlanTarget<'_>, options: &CopyOptions) -> Result<Plan, Error> {
    let artifact = CopySet::read(source, name)?;
    if let PlanTarget::Repository(repository) = target {
        check(&**repository, &artifact.blobs)?;
    }
    let fates = workers::run(options.jobs, &artifact.blobs, |blob| {
        let label = modelkit::label(blob);
        let action = target.action(blob, options).map_err(|error| Error::writing(&label, error))?;
        Ok::<_, Error>(PlannedBlob { descriptor: blob.clone(), label, action })
    })?;
    Ok(Plan { manifest: artifact.descriptor, blobs: fates })
}

impl Plan {
    /// The bytes of all blobs with this fate; from where a blob would be mounted does not matter.
    pub fn bytes(&self, is_meant: impl Fn(&BlobAction) -> bool) -> u64 {
        self.blobs.iter().filter(|blob| is_meant(&blob.action)).map(|blob| blob.descriptor.size).sum()
    }
}
