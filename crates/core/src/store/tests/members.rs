//! Image indexes and their members.

use std::collections::HashSet;

use super::sandbox::{Place, artifact, blob, names, place, untag};
use crate::digest::Digest;
use crate::oci::{ContentError, Descriptor, Index, Manifest, MediaType, Source, Target};
use crate::store::index::Entry;
use crate::store::layout::Store;
use crate::store::members::Members;

/// Stores an index of `members` as `tag`, in place of `old`, and returns its descriptor, or none if `tag` did not point
/// to `old`.
fn index(store: &Store, old: Option<Digest>, members: &[&Descriptor], tag: &str) -> Option<Descriptor> {
    let mut index = Index::default();
    index.manifests = members.iter().map(|member| (*member).clone()).collect();
    let bytes = serde_json::to_vec(&index).unwrap();
    let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
    let writer = store.writer(names("demo")).unwrap();
    writer.put_manifest(&descriptor, &bytes).unwrap();
    writer.replace_index(old, &descriptor, tag).unwrap().then_some(descriptor)
}

#[test]
fn an_index_keeps_its_members_as_long_as_it_exists() {
    let Place { store, .. } = &place();
    let one = artifact(store, "demo", Some("one"), b"first");
    let two = artifact(store, "elsewhere", Some("two"), b"second");
    index(store, None, &[&one, &two], "all").unwrap();
    untag(store, "demo:one");
    untag(store, "elsewhere:two");
    assert_eq!(store.collect().unwrap().files, 0);
    let reader = store.reader(names("demo")).unwrap();
    for member in [&one, &two] {
        assert_eq!(reader.resolve(&member.digest.to_string()).unwrap(), *member);
        reader.manifest(member).unwrap();
    }
    let other = store.reader(names("elsewhere")).unwrap();
    assert!(matches!(other.resolve(&two.digest.to_string()), Err(ContentError::NotFound(_))));
    assert_eq!(store.broken_entries(&HashSet::new()).unwrap().len(), 0);
    assert_eq!(store.broken_entries(&HashSet::from([two.digest])).unwrap().len(), 1);
    drop((reader, other));

    untag(store, "demo:all");
    store.collect().unwrap();
    assert_eq!(store.blobs_on_disk().unwrap(), []);
}

#[test]
fn a_replaced_index_is_removed() {
    let Place { store, .. } = &place();
    let one = artifact(store, "demo", Some("one"), b"first");
    let two = artifact(store, "demo", None, b"second");
    let first = index(store, None, &[&one, &two], "all").unwrap();
    assert_eq!(index(store, None, &[], "all"), None, "the name is taken");
    let second = index(store, Some(first.digest), &[&one], "all").unwrap();
    assert_eq!(index(store, Some(first.digest), &[], "all"), None, "another writer was faster");
    let digests: Vec<_> = store.entries().unwrap().iter().map(|entry| entry.descriptor.digest).collect();
    assert_eq!(digests, [one.digest, two.digest, second.digest]);
    assert_eq!(index(store, Some(second.digest), &[&one], "all"), Some(second.clone()), "nothing changed");
    assert_eq!(store.reader(names("demo")).unwrap().resolve("all").unwrap(), second);
}

#[test]
fn members_of_a_removed_index_stay_without_a_name() {
    let Place { store, .. } = &place();
    let one = artifact(store, "demo", Some("one"), b"first");
    let two = artifact(store, "elsewhere", Some("two"), b"second");
    let absent = Descriptor::of(MediaType::IMAGE_MANIFEST, b"absent");
    let first = index(store, None, &[&one, &two, &absent], "all").unwrap();
    assert_eq!(store.broken_entries(&HashSet::new()).unwrap().len(), 0, "an index may refer to absent members");
    let reader = store.reader(names("demo")).unwrap();
    assert!(matches!(reader.resolve(&absent.digest.to_string()), Err(ContentError::NotFound(_))));
    drop(reader);
    untag(store, "demo:one");
    untag(store, "elsewhere:two");
    let second = index(store, Some(first.digest), &[&two], "all").unwrap();
    let digests = || store.entries().unwrap().iter().map(|entry| entry.descriptor.digest).collect::<Vec<_>>();
    assert_eq!(digests(), [second.digest, one.digest], "the one that left the index stays in the repository");
    store.remove_entries(Members::Keep, Entry::is_index).unwrap();
    assert_eq!(digests(), [one.digest, two.digest]);
    assert_eq!(store.collect().unwrap().files, 2, "the manifests of both indexes");
}

#[test]
fn referrers_of_a_member_stay_with_the_index() {
    let Place { store, .. } = &place();
    let member = artifact(store, "demo", Some("one"), b"first");
    let writer = store.writer(names("demo")).unwrap();
    let mut signature = Manifest::new(MediaType::of("signature"), blob(&writer, b"{}"), Vec::new());
    signature.subject = Some(member.clone());
    let bytes = signature.to_bytes();
    writer.publish(&Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes), &bytes, None).unwrap();
    drop(writer);
    index(store, None, &[&member], "all").unwrap();
    untag(store, "demo:one");
    assert_eq!(store.reader(names("demo")).unwrap().referrers(&member).unwrap().len(), 1);
    untag(store, "demo:all");
    assert_eq!(store.entries().unwrap().len(), 0);
}
