//! Companions, such as the signatures of cosign, in a store.
//!
//! In a layout that is one repository, a companion has the tag that it has in a registry. In a store of many
//! repositories, its entry has no name, like that of a referrer, so that nothing lists it; annotations of `kit` contain
//! its subject and its kind. It stays as long as its subject has an entry in the same repository.

use super::index::Entry;
use super::referrers::SUBJECT;
use crate::digest::Digest;
use crate::oci::{Annotations, Companion};

/// An annotation of `kit`: the suffix of the tag of a companion.
const COMPANION: &str = "ml.kitops.modelkit.companion";

impl Entry {
    /// Returns the subject and the kind if this is a companion.
    pub fn companion(&self) -> Option<(Digest, Companion)> {
        if let Some(name) = self.name() {
            return Companion::of_tag(name.rsplit_once(':').map_or(name, |(_, tag)| tag));
        }
        let kind = Companion::with_suffix(self.descriptor.annotations.get(COMPANION)?)?;
        Some((self.descriptor.annotations.get(SUBJECT)?.parse().ok()?, kind))
    }
}

/// Returns the annotations of the entry of a companion without a name.
pub(super) fn companion_annotations(subject: &Digest, kind: Companion) -> Annotations {
    let subject = (SUBJECT.to_owned(), subject.to_string());
    Annotations::from([subject, (COMPANION.to_owned(), kind.suffix().to_owned())])
}
