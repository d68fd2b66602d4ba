//! Companions: manifests that cosign keeps beside another manifest, under tags that are made from its digest.

use super::referrer::Referrer;
use crate::digest::Digest;

/// The kind of a companion, the manifest under the tag `sha256-<hex>` with a suffix.
///
/// cosign before version 3 stores everything in companions; a manifest has at most one of each kind in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Companion {
    /// Signatures, each of them a layer (`.sig`).
    Signatures,
    /// Attestations, each of them a layer (`.att`).
    Attestations,
    /// Bills of materials (`.sbom`).
    Sbom,
}

impl Companion {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Signatures, Self::Attestations, Self::Sbom];

    /// The suffix of the tag.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Signatures => ".sig",
            Self::Attestations => ".att",
            Self::Sbom => ".sbom",
        }
    }

    /// The kind with this `suffix`.
    pub fn with_suffix(suffix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.suffix() == suffix)
    }

    /// The tag of the companion of the manifest `subject`.
    pub fn tag(self, subject: &Digest) -> String {
        format!("{}{}", Referrer::tag(subject), self.suffix())
    }

    /// The subject and the kind of the companion with this `tag`, if it is such a tag.
    pub fn of_tag(tag: &str) -> Option<(Digest, Self)> {
        let (subject, kind) = Self::ALL.into_iter().find_map(|kind| Some((tag.strip_suffix(kind.suffix())?, kind)))?;
        Some((Referrer::subject_of_tag(subject)?, kind))
    }

    /// Returns true if `tag` was made from a digest, by this schema or by that of referrers, and is therefore not a
    /// name chosen by a user.
    pub fn is_reserved(tag: &str) -> bool {
        Referrer::is_tag(tag) || Self::of_tag(tag).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_companions_contain_the_digest_of_their_subject() {
        let subject = Digest::of(b"subject");
        for kind in Companion::ALL {
            let tag = kind.tag(&subject);
            assert_eq!(tag, format!("sha256-{}{}", subject.hex(), kind.suffix()));
            assert_eq!(Companion::of_tag(&tag), Some((subject, kind)));
            assert!(Companion::is_reserved(&tag));
            assert_eq!(Companion::with_suffix(kind.suffix()), Some(kind));
        }
        let tag = Referrer::tag(&subject);
        assert!(Companion::is_reserved(&tag));
        for name in ["v1.sig", "sha256-abc.sig", &tag, &format!("{tag}.pub"), &format!("{tag}.sig.sig")] {
            assert_eq!(Companion::of_tag(name), None, "{name}");
        }
        assert!(!Companion::is_reserved("sha256-abc.sig"));
    }
}
