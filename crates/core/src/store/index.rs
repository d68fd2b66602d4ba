//! The index of a store: its manifests and their names.
//!
//! A manifest has one entry for each of its names, with the name as `org.opencontainers.image.ref.name`, or one entry
//! without a name. In a store of many repositories the name is the whole reference, and an annotation of `kit` contains
//! the repository of entries without a name.
//!
//! In a store of many repositories an artifact and an index of artifacts may share a name, as in `KitOps`, which keeps
//! indexes apart. In a layout that is one repository a name belongs to one entry, as a tag does in a registry.

use std::io;

use fs_err as fs;

use super::error::Error;
use super::layout::{Names, Store};
use super::members::{Members, keep_members};
use super::referrers::{SUBJECT, drop_orphans};
use crate::digest::{Digest, DigestWriter};
use crate::limits;
use crate::oci::{Descriptor, Index, MediaType, REF_NAME, Reference, Tag};

/// An annotation of `kit`: the full repository of an entry, such as `localhost/demo`.
const REPOSITORY: &str = "ml.kitops.modelkit.repository";

/// The size of an entry with a long name in the JSON of the index.
const ENTRY_BYTES: u64 = 512;

/// One entry of the index.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The descriptor of the manifest, with the annotations of the index.
    pub descriptor: Descriptor,
}

impl Entry {
    /// Returns the name in the index.
    pub fn name(&self) -> Option<&str> {
        self.descriptor.annotations.get(REF_NAME).map(String::as_str)
    }

    /// Returns true if the entry is an image index.
    pub fn is_index(&self) -> bool {
        self.descriptor.media_type == MediaType::IMAGE_INDEX
    }

    /// Returns the repository, and the tag if the entry has a name. Returns none if the name is not a reference.
    pub fn reference(&self) -> Option<Reference> {
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

/// Parses a repository. The unnamed repository is not valid before a tag, so the text is parsed with a digest.
fn parse_repository(text: &str) -> Option<Reference> {
    let with_digest = format!("{text}@{}", Digest::of(b""));
    with_digest.parse::<Reference>().ok().map(|reference| reference.without_selector())
}

impl Names {
    /// Returns true if `entry` is in the repository.
    pub(super) fn include(&self, entry: &Entry) -> bool {
        match self {
            Self::Tags => true,
            Self::Of(repository) => entry.reference().is_some_and(|reference| same_repository(&reference, repository)),
        }
    }

    /// Returns true if this is the repository of manifests without a name.
    fn are_unnamed(&self) -> bool {
        matches!(self, Self::Of(repository) if repository.is_unnamed())
    }

    /// Returns true if `entry` has the name `tag`.
    pub(super) fn call(&self, entry: &Entry, tag: &str) -> bool {
        match self {
            Self::Tags => entry.name() == Some(tag),
            Self::Of(_) => {
                let is_tagged = |reference: Reference| reference.tag.is_some_and(|found| found.as_str() == tag);
                self.include(entry) && entry.name().is_some() && entry.reference().is_some_and(is_tagged)
            }
        }
    }

    /// Creates the entry of a manifest with or without the name `tag`.
    pub(super) fn entry(&self, manifest: &Descriptor, tag: Option<&str>) -> Entry {
        let mut descriptor = manifest.clone();
        descriptor.annotations.retain(|key, _| key == SUBJECT && tag.is_none());
        if let Self::Of(repository) = self {
            descriptor.annotations.insert(REPOSITORY.to_owned(), repository.full_repository());
        }
        if let Some(tag) = tag {
            descriptor.annotations.insert(REF_NAME.to_owned(), self.name(tag));
        }
        Entry { descriptor }
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

impl Store {
    /// Returns all entries, in the order of the index. A store that does not exist is empty.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        Ok(self.read_index()?.manifests.into_iter().map(|descriptor| Entry { descriptor }).collect())
    }

    fn read_index(&self) -> Result<Index, Error> {
        self.parse_index(self.index_content()?)
    }

    fn parse_index(&self, content: Option<Vec<u8>>) -> Result<Index, Error> {
        let Some(content) = content else { return Ok(Index::default()) };
        serde_json::from_slice(&content).map_err(|source| Error::Index { path: self.index_file(), source })
    }

    /// Fails if the index has no space for `entries` more.
    pub(super) fn check_space(&self, entries: usize) -> Result<(), Error> {
        let path = self.index_file();
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        self.check_index_size(bytes, bytes + ENTRY_BYTES * entries as u64)
    }

    /// Fails if the index would grow beyond its limit. It may always become smaller.
    fn check_index_size(&self, before: u64, bytes: u64) -> Result<(), Error> {
        if bytes <= limits::INDEX_BYTES || bytes <= before {
            return Ok(());
        }
        Err(Error::IndexFull { path: self.index_file(), bytes, limit: limits::INDEX_BYTES })
    }

    /// Changes the index under its lock and returns the result of `change`; the caller has a share of the use lock. An
    /// index that stays the same is not written, and one that would be too large neither.
    ///
    /// If this command waits for the disk, all blobs are on it before the index is, so that the index leads to them
    /// even after a power failure.
    pub(super) fn change_index<T>(&self, change: impl FnOnce(&mut Vec<Entry>) -> T) -> Result<T, Error> {
        let _lock = self.lock_index()?;
        let mut index = self.parse_index(self.recover_index()?)?;
        let before = fingerprint(&index);
        let mut entries =
            std::mem::take(&mut index.manifests).into_iter().map(|descriptor| Entry { descriptor }).collect();
        let result = change(&mut entries);
        index.manifests = entries.into_iter().map(|entry| entry.descriptor).collect();
        let after = fingerprint(&index);
        let is_other = after != before || !self.index_file().exists();
        self.check_index_size(before.1, after.1)?;
        if is_other {
            self.place_index(&serde_json::to_vec(&index).expect("an index has only string keys"))?;
        } else {
            self.wait_for_blobs()?;
        }
        Ok(result)
    }

    /// Removes the entries that `choose` selects and returns them. A manifest that loses its last name in a repository
    /// is removed from it together with its referrers; their blobs stay until [`collect`](Self::collect). `members`
    /// decides about the members of removed indexes.
    ///
    /// On a full disk, blobs that only these entries lead to are removed already, until the index can be written.
    pub fn remove_entries(&self, members: Members, choose: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>, Error> {
        if !self.root().exists() {
            return Ok(Vec::new());
        }
        let take = |entries: &mut Vec<Entry>| self.take_entries(entries, members, &choose);
        let remove = || self.change_index(take);
        let share = self.prepare()?;
        let removed = remove();
        drop(share);
        match removed {
            Err(error) if error.is_lack_of_space() => self.remove_making_room(&take, remove),
            done => done,
        }
    }

    /// Takes the entries that `choose` selects out of `entries`, and drops the referrers of manifests that are gone.
    /// The store itself does not change.
    pub fn take_entries(
        &self,
        entries: &mut Vec<Entry>,
        members: Members,
        choose: &dyn Fn(&Entry) -> bool,
    ) -> Vec<Entry> {
        let (gone, kept): (Vec<Entry>, _) = std::mem::take(entries).into_iter().partition(|entry| choose(entry));
        *entries = kept;
        if members == Members::Keep {
            keep_members(self, &gone, entries);
        }
        drop_orphans(entries, |manifest| self.members(manifest));
        gone
    }
}

/// The digest and the length of the JSON of an index, to find out if it changed without a second copy in memory.
fn fingerprint(index: &Index) -> (Digest, u64) {
    let mut json = DigestWriter::new(io::sink());
    serde_json::to_writer(&mut json, index).expect("an index has only string keys, and a sink accepts everything");
    let (_, digest, bytes) = json.finish();
    (digest, bytes)
}

/// Adds a manifest. With a name, it is no longer in the repository of artifacts without a name. Another manifest with
/// that name loses the name, but stays in the repository. An index in a store of many repositories takes the name only
/// from another index, and a manifest only from a manifest.
pub(super) fn enter(entries: &mut Vec<Entry>, names: &Names, manifest: &Descriptor, tag: Option<&str>) {
    if let Some(tag) = tag {
        release_name(entries, names, manifest, tag);
    }
    let is_this = |entry: &Entry| names.include(entry) && entry.descriptor.digest == manifest.digest;
    if tag.is_some() {
        let is_unnamed = |entry: &Entry| entry.reference().is_some_and(|reference| reference.is_unnamed());
        let is_replaced = |entry: &Entry| {
            entry.name().is_none() && entry.subject().is_none() && entry.descriptor.digest == manifest.digest
        };
        entries.retain(|entry| !(is_replaced(entry) && (names.include(entry) || is_unnamed(entry))));
    }
    let is_entered = entries.iter().any(|entry| is_this(entry) && tag.is_none_or(|tag| names.call(entry, tag)));
    // A manifest without a name is found by its digest in any repository, so a name elsewhere is enough.
    let is_named = |entry: &Entry| entry.name().is_some() && entry.descriptor.digest == manifest.digest;
    let needs_no_name = tag.is_none() && names.are_unnamed() && entries.iter().any(is_named);
    if !is_entered && !needs_no_name {
        entries.push(names.entry(manifest, tag));
    }
}

fn release_name(entries: &mut Vec<Entry>, names: &Names, manifest: &Descriptor, tag: &str) {
    let shares = |entry: &Entry| {
        matches!(names, Names::Of(_)) && entry.is_index() != (manifest.media_type == MediaType::IMAGE_INDEX)
    };
    let takes_from =
        |entry: &Entry| names.call(entry, tag) && entry.descriptor.digest != manifest.digest && !shares(entry);
    let Some(position) = entries.iter().position(takes_from) else { return };
    let old = entries.remove(position).descriptor;
    let has_another = entries.iter().any(|entry| names.include(entry) && entry.descriptor.digest == old.digest);
    if !has_another {
        entries.insert(position, names.entry(&old, None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    fn manifest(content: &str) -> Descriptor {
        Descriptor::of(MediaType::IMAGE_MANIFEST, content.as_bytes())
    }

    /// Adds `(repository, manifest, tag)` one after another and compares the index.
    fn check(steps: &[(&str, &str, Option<&str>)], expected: &[&str]) {
        let mut entries = Vec::new();
        for (repository, content, tag) in steps {
            enter(&mut entries, &Names::Of(repository.parse().unwrap()), &manifest(content), *tag);
        }
        let show = |entry: &Entry| {
            let content = ["one", "two"].into_iter().find(|c| manifest(c).digest == entry.descriptor.digest).unwrap();
            format!("{} {content}", entry.reference().unwrap())
        };
        assert_eq!(entries.iter().map(show).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_name_belongs_to_one_manifest() {
        check(&[("a", "one", Some("v1"))], &["a:v1 one"]);
        check(&[("a", "one", Some("v1")), ("a", "one", Some("v1"))], &["a:v1 one"]);
        check(&[("a", "one", Some("v1")), ("a", "one", Some("v2"))], &["a:v1 one", "a:v2 one"]);
        check(&[("a", "one", Some("v1")), ("a", "two", Some("v1"))], &["a one", "a:v1 two"]);
        check(&[("a", "one", Some("v1")), ("b.c/a", "two", Some("v1"))], &["a:v1 one", "b.c/a:v1 two"]);
    }

    #[test]
    fn an_index_and_an_artifact_share_a_name_in_a_store_of_many_repositories() {
        let index = Descriptor::of(MediaType::IMAGE_INDEX, b"index");
        for (names, expected) in [(Names::Of("a".parse().unwrap()), 2), (Names::Tags, 1)] {
            let mut entries = Vec::new();
            for manifest in [&manifest("one"), &index, &manifest("two"), &index] {
                enter(&mut entries, &names, manifest, Some("v1"));
            }
            assert_eq!(entries.iter().filter(|entry| names.call(entry, "v1")).count(), expected, "{names:?}");
        }
    }

    #[test]
    fn a_manifest_without_a_name_has_one_entry() {
        check(&[("a", "one", None), ("a", "one", None)], &["a one"]);
        check(&[("a", "one", None), ("a", "one", Some("v1"))], &["a:v1 one"]);
        check(&[("a", "one", Some("v1")), ("a", "one", None)], &["a:v1 one"]);
        check(&[("b", "one", None), ("a", "one", Some("v1"))], &["b one", "a:v1 one"]);
    }

    #[test]
    fn a_manifest_with_a_name_is_not_entered_without_one() {
        let names = |repository: &str| Names::Of(parse_repository(repository).unwrap());
        let (one, two) = (manifest("one"), manifest("two"));
        let mut entries = Vec::new();
        enter(&mut entries, &names("localhost/a"), &one, Some("v1"));
        for manifest in [&one, &two] {
            enter(&mut entries, &names("localhost/_"), manifest, None);
        }
        assert_eq!(entries.iter().map(|entry| entry.descriptor.digest).collect::<Vec<_>>(), [one.digest, two.digest]);
    }

    #[test]
    fn the_unnamed_repository_is_found_again() {
        let repository = parse_repository("localhost/_").unwrap();
        let entry = Names::Of(repository.clone()).entry(&manifest("one"), None);
        assert_eq!(entry.reference(), Some(repository));
    }
}
