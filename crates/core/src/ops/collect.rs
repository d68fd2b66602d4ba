//! Deleting the content of the local store that is no longer referenced, at the end of an operation.

use super::error::{Error, reason};
use crate::progress::{Progress, Warning};
use crate::store::{self, Collected, Store};

/// Deletes the content that is no longer referenced. If a manifest cannot be read, nothing is deleted, which a warning
/// reports: the operation itself has succeeded.
pub(crate) fn collect(store: &Store, progress: &dyn Progress) -> Result<Collected, Error> {
    match store.collect() {
        Err(error @ store::Error::UnreadableManifest { .. }) => {
            progress.warn(&Warning::SpaceNotFreed { reason: reason(&error) });
            Ok(Collected::default())
        }
        collected => Ok(collected?),
    }
}
