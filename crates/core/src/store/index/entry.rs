//! The index of a store: its manifests and their names.
//!
//! A manifest has one entry for each of its names, with the name as `org.opencontainers.image.ref.name`, or one entry
//! without a name. In a store of many repositories the name is the whole reference, and an annotation of `kit` contains
//! the repository of entries without a name.
//!
//! In a store of many repositories an artifact and an index of artifacts may share a name, as in `KitOps`, which keeps
//! indexes apart. In a layout that is one repository a name belongs to one entry, as a tag does in a registry.

use std::sync::OnceLock;

use crate::oci::{Companion, Descriptor, MediaType, REF_NAME, Reference, Tag};
use crate::store::companions::companion_annotations;
use crate::store::layout::Names;
use crate::store::referrers::SUBJECT;

/// An annotation of `kit`: the full repository of an entry, such as `localhost/demo`.
const REPOSITORY: &str = "ml.kitops.modelkit.repository";

/// One entry of the index.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The descriptor of the manifest, with the annotations of the index.
    pub descriptor: Descriptor,
    /// The repository and the tag, once they were asked for.
    reference: OnceLock<Option<Reference>>,
    /// The place in the index that the entry was read from, which has its JSON; none for a new entry.
    place: Option<usize>,
}

impl Entry {
    /// An entry that is not in an index yet.
    pub(in crate::store) fn new(descriptor: Descriptor) -> Self {
        Self { descriptor, reference: OnceLock::new(), place: None }
    }

    /// The entry at `place` of an index.
    pub(super) fn read(descriptor: Descriptor, place: usize) -> Self {
        Self { place: Some(place), ..Self::new(descriptor) }
    }

    pub(super) fn place(&self) -> Option<usize> {
        self.place
    }

    pub(super) fn set_place(&mut self, place: usize) {
        self.place = Some(place);
    }

    /// Returns the name in the index.
    pub fn name(&self) -> Option<&str> {
        self.descriptor.annotations.get(REF_NAME).map(String::as_str)
    }

    /// Returns true if the entry is an image index.
    pub fn is_index(&self) -> bool {
        self.descriptor.media_type == MediaType::IMAGE_INDEX
    }

    /// Returns the repository, and the tag if the entry has a name. Returns none if the name is not a reference.
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.get_or_init(|| self.parse_reference()).as_ref()
    }

    fn parse_reference(&self) -> Option<Reference> {
        match (self.name(), self.descriptor.annotations.get(REPOSITORY)) {
            (Some(name), _) => {
                let reference: Reference = name.parse().ok()?;
                let tag = reference.tag.clone().unwrap_or_else(Tag::latest);
                Some(reference.with_tag(tag))
            }
            (None, Some(repository)) => parse_repository(repository),
            (None, None) => parse_repository(&format!("{}/{}", Reference::LOCAL, Reference::UNNAMED)),
        }
    }
}

/// Any digest: that of no bytes.
const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Parses a repository. The unnamed repository is not valid before a tag, so the text is parsed with a digest.
pub(super) fn parse_repository(text: &str) -> Option<Reference> {
    let with_digest = format!("{text}@{EMPTY}");
    with_digest.parse::<Reference>().ok().map(|reference| reference.without_selector())
}

impl Names {
    /// Returns true if `entry` is in the repository.
    pub(in crate::store) fn include(&self, entry: &Entry) -> bool {
        match self {
            Self::Tags => true,
            Self::Of(repository) => entry.reference().is_some_and(|reference| same_repository(reference, repository)),
        }
    }

    /// Returns true if this is the repository of manifests without a name.
    pub(super) fn are_unnamed(&self) -> bool {
        matches!(self, Self::Of(repository) if repository.is_unnamed())
    }

    /// Returns true if `entry` has the name `tag`.
    pub(in crate::store) fn call(&self, entry: &Entry, tag: &str) -> bool {
        match self {
            Self::Tags => entry.name() == Some(tag),
            Self::Of(_) => {
                if let Some(companion) = Companion::of_tag(tag) {
                    return entry.companion() == Some(companion) && self.include(entry);
                }
                // Quicker than to parse the name of each entry of a large store.
                let may_be_tagged = |name: &str| name.contains(tag) || tag == Tag::LATEST;
                let is_tagged =
                    |reference: &Reference| reference.tag.as_ref().is_some_and(|found| found.as_str() == tag);
                entry.name().is_some_and(may_be_tagged)
                    && entry.reference().is_some_and(is_tagged)
                    && self.include(entry)
            }
        }
    }

    /// Creates the entry of a manifest with or without the name `tag`. In a store of many repositories, a companion has
    /// no name.
    pub(in crate::store) fn entry(&self, manifest: &Descriptor, tag: Option<&str>) -> Entry {
        let mut descriptor = manifest.clone();
        descriptor.annotations.retain(|key, _| key == SUBJECT && tag.is_none());
        if let Self::Of(repository) = self {
            descriptor.annotations.insert(REPOSITORY.to_owned(), repository.full_repository());
            if let Some((subject, kind)) = tag.and_then(Companion::of_tag) {
                descriptor.annotations.extend(companion_annotations(&subject, kind));
                return Entry::new(descriptor);
            }
        }
        if let Some(tag) = tag {
            descriptor.annotations.insert(REF_NAME.to_owned(), self.name(tag));
        }
        Entry::new(descriptor)
    }

    fn name(&self, tag: &str) -> String {
        match (self, Tag::new(tag)) {
            (Self::Of(repository), Some(tag)) => repository.with_tag(tag).to_string(),
            _ => tag.to_owned(),
        }
    }
}

fn same_repository(one: &Reference, other: &Reference) -> bool {
    one.registry == other.registry && one.repository == other.repository
}
