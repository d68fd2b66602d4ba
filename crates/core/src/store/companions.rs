//! Companions, such as the signatures of cosign, in a store.
//!
//! In a layout that is one repository, a companion has the tag that it has in a registry. In a store of many
//! repositories, its entry has no name, like that of a referrer, so that nothing lists it; annotations of `kit` contain
//! its subject and its kind. It stays as long as its subject has an entry in the same repository.

use super::error::Error;
use super::index::{Entry, enter};
use super::referrers::SUBJECT;
use super::writer::Writer;
use crate::digest::Digest;
use crate::oci::{Annotations, Companion, ContentError, Descriptor};

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

impl Writer {
    /// Reads the companion of this kind beside `subject`.
    pub(super) fn read_companion(
        &self,
        subject: &Digest,
        kind: Companion,
    ) -> Result<Option<(Descriptor, Vec<u8>)>, ContentError> {
        let found = self.store().find(self.names(), &kind.tag(subject))?;
        let found = found.map(|entry| Descriptor { annotations: Annotations::new(), ..entry.descriptor });
        found.map(|companion| Ok((companion.clone(), self.store().read_document(&companion)?))).transpose()
    }

    /// Adds a companion that the store has to the index, in place of the one with the digest `old`. Returns false if
    /// there is another one.
    pub(super) fn enter_companion(
        &self,
        companion: &Descriptor,
        (subject, kind): (&Digest, Companion),
        old: Option<Digest>,
    ) -> Result<bool, Error> {
        let (names, tag) = (self.names(), kind.tag(subject));
        self.store().change_index(|entries| {
            let current = entries.iter().find(|entry| names.call(entry, &tag)).map(|entry| entry.descriptor.digest);
            let is_same = current == old;
            if is_same {
                enter(entries, names, companion, Some(&tag));
            }
            is_same
        })
    }
}

/// Returns the annotations of the entry of a companion without a name.
pub(super) fn companion_annotations(subject: &Digest, kind: Companion) -> Annotations {
    let subject = (SUBJECT.to_owned(), subject.to_string());
    Annotations::from([subject, (COMPANION.to_owned(), kind.suffix().to_owned())])
}
