//! Finding the local versions of a ModelKit.

use crate::limits;
use crate::oci::{Descriptor, Reference};
use crate::ops::error::Error;
use crate::store::Store;

/// Returns the local ModelKits in the repository of `name`: first the one with the same tag, then the latest ones.
pub(crate) fn older(store: &Store, name: &Reference) -> Result<Vec<(String, Descriptor)>, Error> {
    let index = store.index()?;
    let is_of_it = |(reference, _): &(&Reference, Descriptor)| {
        reference.registry == name.registry && reference.repository == name.repository
    };
    let modelkits = index.entries().iter().rev().filter(|entry| entry.subject().is_none());
    let mut older: Vec<_> =
        modelkits.filter_map(|entry| Some((entry.reference()?, entry.descriptor.clone()))).filter(is_of_it).collect();
    older.sort_by_key(|(reference, _)| reference.tag != name.tag);
    older.dedup_by_key(|(_, descriptor)| descriptor.digest);
    older.truncate(limits::DELTA_VERSIONS);
    Ok(older.into_iter().map(|(reference, descriptor)| (called(reference, &descriptor), descriptor)).collect())
}

/// A short name for messages: `sentiment:v1`.
fn called(reference: &Reference, descriptor: &Descriptor) -> String {
    let repository = reference.repository.rsplit('/').next().unwrap_or_default();
    match &reference.tag {
        Some(tag) => format!("{repository}:{tag}"),
        None => format!("{repository}@sha256:{}…", &descriptor.digest.hex()[..12]),
    }
}
