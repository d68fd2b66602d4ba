//! The plan of a copy, made without changing anything.

use super::copy::{BlobAction, CopyOptions, action, check};
use super::copy_set::CopySet;
use crate::modelkit;
use crate::oci::{ContentError, Descriptor, Source};
use crate::ops::error::Error;
use crate::ops::session::{Location, Session};
use crate::ops::workers;
use crate::registry::Repository;
use crate::store::Store;

/// The plan of a copy.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The manifest that would be published.
    pub manifest: Descriptor,
    /// The blobs, the largest first.
    pub blobs: Vec<PlannedBlob>,
}

/// The planned treatment of one blob.
#[derive(Debug, Clone)]
pub struct PlannedBlob {
    /// The blob.
    pub descriptor: Descriptor,
    /// A label for the user, such as `model weights`.
    pub label: String,
    /// The treatment.
    pub action: BlobAction,
}

/// A target that is only read: opening one for writing would create it.
pub enum PlanTarget<'a> {
    /// A store or layout, which may not exist yet.
    Store(&'a Store),
    /// A layout in another folder.
    Layout(Store),
    /// A repository.
    Repository(Box<Repository>),
}

impl Session<'_> {
    /// Returns the target `location` for reading.
    pub fn look(&self, location: &Location) -> Result<PlanTarget<'_>, Error> {
        match location {
            Location::Artifact(reference) if reference.is_local() => Err(Error::NoRegistry(reference.clone())),
            Location::Artifact(reference) => Ok(PlanTarget::Repository(Box::new(self.client.repository(reference)))),
            Location::Layout { path, .. } => Ok(PlanTarget::Layout(self.store.open_layout(path)?)),
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

/// Returns the plan of a [`copy`](super::copy::copy), without changing anything.
pub fn plan(source: &dyn Source, name: &str, target: &PlanTarget<'_>, options: &CopyOptions) -> Result<Plan, Error> {
    let artifact = CopySet::read_form(source, name)?;
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
    /// The size in bytes of all blobs for which `is_meant` returns true.
    pub fn bytes(&self, is_meant: impl Fn(&BlobAction) -> bool) -> u64 {
        self.blobs.iter().filter(|blob| is_meant(&blob.action)).map(|blob| blob.descriptor.size).sum()
    }
}
