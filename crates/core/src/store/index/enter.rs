//! Adding manifests to the entries of an index.

use super::entry::Entry;
use crate::oci::{Companion, Descriptor, MediaType, Reference};
use crate::store::layout::Names;

/// Adds a manifest. With a name, it is no longer in the repository of artifacts without a name. Another manifest with
/// that name loses the name, but stays in the repository, unless it is a companion. An index in a store of many
/// repositories takes the name only from another index, and a manifest only from a manifest.
pub(in crate::store) fn enter(entries: &mut Vec<Entry>, names: &Names, manifest: &Descriptor, tag: Option<&str>) {
    if let Some(tag) = tag {
        release_name(entries, names, manifest, tag);
    }
    let is_this = |entry: &Entry| entry.descriptor.digest == manifest.digest && names.include(entry);
    if tag.is_some() {
        let is_unnamed = |entry: &Entry| entry.reference().is_some_and(Reference::is_unnamed);
        let is_replaced = |entry: &Entry| {
            entry.descriptor.digest == manifest.digest && entry.name().is_none() && entry.subject().is_none()
        };
        entries.retain(|entry| !(is_replaced(entry) && (names.include(entry) || is_unnamed(entry))));
    }
    let is_entered = entries.iter().any(|entry| is_this(entry) && tag.is_none_or(|tag| names.call(entry, tag)));
    // A manifest without a name is found by its digest in any repository, so a name elsewhere is enough.
    let is_named = |entry: &Entry| entry.descriptor.digest == manifest.digest && entry.name().is_some();
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
        |entry: &Entry| entry.descriptor.digest != manifest.digest && names.call(entry, tag) && !shares(entry);
    let Some(position) = entries.iter().position(takes_from) else { return };
    let old = entries.remove(position).descriptor;
    let has_another = entries.iter().any(|entry| entry.descriptor.digest == old.digest && names.include(entry));
    if !has_another && Companion::of_tag(tag).is_none() {
        entries.insert(position, names.entry(&old, None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::index::entry::parse_repository;

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
        assert_eq!(entry.reference(), Some(&repository));
    }
}
