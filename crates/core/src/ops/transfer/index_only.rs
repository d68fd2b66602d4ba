//! Moving an index of ModelKits without the ModelKits, as `KitOps` does. Its bytes stay as they are.

use super::copy::CopyOptions;
use super::referrers::{Carry, copy_attached};
use crate::oci::{ContentError, Descriptor, Reference, Tag, Target};
use crate::ops::artifact::{InspectedIndex, inspect_index};
use crate::ops::error::Error;
use crate::ops::index_error::IndexError;
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::ops::trust::{admit_index, requires_attached};
use crate::registry;
use crate::store::Names;

/// Publishes the index `found` at `destination`, where its ModelKits should already be, and then its referrers.
pub fn push_index(
    session: &Session<'_>,
    found: &Located,
    destination: &Location,
    options: &CopyOptions,
) -> Result<Descriptor, Error> {
    let InspectedIndex { descriptor, bytes, .. } = inspect_index(found)?;
    let (target, tag) = session.target(destination)?;
    let carry = Carry::required_if(requires_attached(session, destination)?);
    let index = || target.publish(&descriptor, &bytes, tag.as_deref()).map_err(|error| refused(destination, error));
    let attached = || copy_attached((&*found.source, &*target), &descriptor, (options, carry), session.progress);
    carry.in_order(index, attached)?;
    Ok(descriptor)
}

/// Copies the index at `source` into the local store as `name`, and its referrers.
///
/// An index that had this name before is replaced; its ModelKits stay.
pub fn pull_index(
    session: &Session<'_>,
    source: &Location,
    name: &Reference,
    options: &CopyOptions,
) -> Result<Descriptor, Error> {
    let found = session.find(source, Lookup::Remote)?;
    let InspectedIndex { descriptor, bytes, .. } = inspect_index(&found)?;
    admit_index(session, &found)?;
    let writer = session.store.writer(Names::Of(name.clone()))?;
    let tag = name.tag.as_ref().filter(|_| name.digest.is_none()).map(Tag::as_str);
    let carry = Carry::required_if(requires_attached(session, &Location::Artifact(name.clone()))?);
    let index = || writer.publish(&descriptor, &bytes, tag).map_err(|error| Error::writing("the index", error));
    let attached = || copy_attached((&*found.source, &writer), &descriptor, (options, carry), session.progress);
    carry.in_order(index, attached)?;
    Ok(descriptor)
}

/// The error of a registry that refuses the index; the usual reason is a ModelKit that it does not have.
fn refused(destination: &Location, error: ContentError) -> Error {
    let lacks_modelkits = match &error {
        ContentError::NotFound(_) => true,
        ContentError::Other(cause) => {
            cause.downcast_ref::<registry::Error>().is_some_and(registry::Error::is_about_missing_content)
        }
        _ => false,
    };
    let repository = match destination {
        Location::Artifact(reference) => reference.without_selector().to_string(),
        layout @ Location::Layout { .. } => layout.to_string(),
    };
    if lacks_modelkits {
        IndexError::Rejected { repository, source: error }.into()
    } else {
        Error::writing("the index", error)
    }
}
