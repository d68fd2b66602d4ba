//! Converting layers that are assembled from files by recipes into blobs, which do not depend on other files.

use super::copy::CopyOptions;
use super::copy_set::CopySet;
use super::copying::Copying;
use super::origins::Origins;
use crate::oci::{Descriptor, Reference, Tag, Target};
use crate::ops::collect::collect;
use crate::ops::error::Error;
use crate::ops::session::not_here;
use crate::ops::{disk_space, workers};
use crate::progress::{Phase, Progress};
use crate::store::{Names, Store};

/// The result of [`materialize`].
#[derive(Debug, Clone)]
pub struct Materialized {
    /// The manifest of the ModelKit.
    pub manifest: Descriptor,
    /// The size in bytes of the layers that were written as blobs.
    pub bytes: u64,
}

/// Writes the layers of the ModelKit `reference` that are assembled from files as blobs, verified, and deletes their
/// recipes.
pub fn materialize(
    store: &Store,
    reference: &Reference,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Materialized, Error> {
    let name = reference.selector().unwrap_or_else(|| Tag::latest().to_string());
    let names = Names::Of(reference.clone());
    if store.find(&names, &name)?.is_none() {
        return Err(not_here(store, reference));
    }
    let source = store.reader(names.clone())?;
    let artifact = CopySet::read(&source, &name)?;
    let mut links = Vec::new();
    for blob in artifact.blobs {
        if store.is_link(&blob)? {
            links.push(blob);
        }
    }
    let target = store.writer(names)?;
    if let Some(need) = target.need(&links).map_err(|error| Error::writing("the layers", error))? {
        disk_space::check(&need.folder, need.bytes)?;
    }
    let whole = progress.overall(links.iter().map(|blob| blob.size).sum());
    let options = CopyOptions { jobs, origins: Origins::default(), phase: Phase::Copying };
    let copying = Copying::new((&source, &target), &options, progress, &*whole);
    workers::run(jobs, &links, |blob| copying.copy_blob(blob))?;
    drop((source, target));
    collect(store, progress)?;
    Ok(Materialized { manifest: artifact.descriptor, bytes: links.iter().map(|blob| blob.size).sum() })
}
