//! The ModelKit that the layers of a subset belong to.

use std::collections::HashSet;

use super::inspect::{Inspected, inspect, read};
use super::records::sources;
use crate::digest::Digest;
use crate::modelkit::SUBSET_OF;
use crate::oci::{Reference, Source};
use crate::ops::error::{Error, reason};
use crate::ops::session::{Located, Lookup, Session};
use crate::provenance::Subset;

/// The ModelKit that a subset belongs to, by its record.
pub(crate) struct Original {
    pub(crate) found: Located,
    pub(crate) inspected: Inspected,
    /// True if all layers of the subset are among its layers.
    pub(crate) has_all_layers: bool,
}

/// Finds the original of `subset`, whose documents are `inspected`, by its digest.
pub(crate) fn original(session: &Session<'_>, subset: &Subset, inspected: &Inspected) -> Result<Original, Error> {
    let name = subset.original_name.as_ref().and_then(|name| name.parse::<Reference>().ok());
    let reference = match name {
        Some(name) => name.without_selector().with_digest(subset.original),
        None => subset.original.to_string().parse().expect("a digest is a reference"),
    };
    let found = session.find_reference(&reference, Lookup::Anywhere)?;
    let original = inspect(&found)?;
    let has_all_layers = has_all_layers(&original, inspected);
    Ok(Original { found, inspected: original, has_all_layers })
}

fn has_all_layers(original: &Inspected, subset: &Inspected) -> bool {
    let listed: HashSet<_> = original.modelkit.manifest.layers.iter().map(|layer| layer.digest).collect();
    subset.modelkit.manifest.layers.iter().all(|layer| listed.contains(&layer.digest))
}

/// The original of a subset, and the proof for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubsetProof {
    /// The digest of the original.
    pub original: Digest,
    /// The name of the original, if a record contains it.
    pub name: Option<String>,
    /// The result of comparing the layers.
    pub belonging: Belonging,
}

/// The result of comparing the layers of a subset with those of its original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belonging {
    /// All layers of the subset are layers of the original.
    Proven {
        /// The number of layers of the subset.
        layers: usize,
        /// The number of layers of the original.
        of: usize,
    },
    /// The original does not have all layers of the subset.
    Disproven,
    /// The original cannot be read, for the reason.
    Unknown(String),
}

/// Compares the layers of the ModelKit that was found with those of its original; `None` if it is not a subset.
///
/// The manifest of a subset names the digest of its original, so a ModelKit that is not one costs no request.
pub fn prove_subset(session: &Session<'_>, found: &Located) -> Result<Option<SubsetProof>, Error> {
    let subset = inspect(found)?;
    let Some(digest) = subset.modelkit.manifest.annotations.get(SUBSET_OF) else { return Ok(None) };
    let Ok(digest) = digest.parse::<Digest>() else { return Ok(None) };
    let (_, records) = sources(&*found.source, &subset.descriptor, session.progress);
    let record = records.into_iter().find(|record| record.original == digest);
    let name = record.as_ref().and_then(|record| record.original_name.clone());
    let original = match record {
        Some(record) => original(session, &record, &subset).map(|original| original.inspected),
        None => beside(&*found.source, digest),
    };
    let belonging = match original {
        Ok(original) if has_all_layers(&original, &subset) => Belonging::Proven {
            layers: subset.modelkit.manifest.layers.len(),
            of: original.modelkit.manifest.layers.len(),
        },
        Ok(_) => Belonging::Disproven,
        Err(error) => Belonging::Unknown(reason(&error)),
    };
    Ok(Some(SubsetProof { original: digest, name, belonging }))
}

/// Reads the original from the place of the subset, because no record names another one.
fn beside(source: &dyn Source, digest: Digest) -> Result<Inspected, Error> {
    let name = digest.to_string();
    let descriptor = source.resolve(&name).map_err(|error| Error::reading("the original", error))?;
    read(source, descriptor, &name)
}
