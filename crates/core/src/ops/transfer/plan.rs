//! What a copy would do, found out without changing anything.

use super::copy::{Artifact, CopyOptions, Fate, check, fate};
use crate::modelkit;
use crate::oci::{ContentError, Descriptor, Source};
use crate::ops::error::Error;
use crate::ops::session::{Location, Places};
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
    pub fate: Fate,
}

/// A place that is only looked at: opening one to write to would make it.
pub enum Look<'a> {
    /// A store or layout, which need not exist.
    Store(&'a Store),
    /// A layout in another folder.
    Layout(Store),
    /// A repository.
    Repository(Box<Repository>),
}

impl Places<'_> {
    /// The place that `location` names to write to, for looking at.
    pub fn look(&self, location: &Location) -> Result<Look<'_>, Error> {
        match location {
            Location::Artifact(reference) if reference.is_local() => Err(Error::NoRegistry(reference.clone())),
            Location::Artifact(reference) => Ok(Look::Repository(Box::new(self.client.repository(reference)))),
            Location::Layout { path, .. } => Ok(Look::Layout(Store::open(path)?)),
        }
    }
}

impl Look<'_> {
    fn fate(&self, blob: &Descriptor, options: &CopyOptions) -> Result<Fate, ContentError> {
        match self {
            Self::Repository(repository) => fate(&**repository, blob, options),
            Self::Store(store) => Ok(if store.holds(blob)? { Fate::Present } else { Fate::Send }),
            Self::Layout(store) => Ok(if store.holds(blob)? { Fate::Present } else { Fate::Send }),
        }
    }
}

/// Tells what [`copy`](super::copy::copy) would do, and changes nothing.
pub fn plan(source: &dyn Source, name: &str, target: &Look<'_>, options: &CopyOptions) -> Result<Plan, Error> {
    let artifact = Artifact::read(source, name)?;
    if let Look::Repository(repository) = target {
        check(&**repository, &artifact.blobs)?;
    }
    let fates = workers::run(options.jobs, &artifact.blobs, |blob| {
        let label = modelkit::label(blob);
        let fate = target.fate(blob, options).map_err(|error| Error::writing(&label, error))?;
        Ok::<_, Error>(PlannedBlob { descriptor: blob.clone(), label, fate })
    })?;
    Ok(Plan { manifest: artifact.descriptor, blobs: fates })
}

impl Plan {
    /// The bytes of all blobs with this fate; from where a blob would be mounted does not matter.
    pub fn bytes(&self, is_meant: impl Fn(&Fate) -> bool) -> u64 {
        self.blobs.iter().filter(|blob| is_meant(&blob.fate)).map(|blob| blob.descriptor.size).sum()
    }
}
