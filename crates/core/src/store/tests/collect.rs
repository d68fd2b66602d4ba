//! Garbage collection, and finding damage.

use std::collections::HashSet;

use fs_err as fs;

use super::sandbox::{Place, artifact, blob, names, place, untag};
use crate::digest::Digest;
use crate::oci::{ContentError, Descriptor, MediaType, Target};
use crate::store::error::Error;

#[test]
fn only_unreferenced_blobs_are_collected() {
    let Place { store, .. } = &place();
    artifact(store, "demo", Some("v1"), b"one");
    artifact(store, "demo", Some("v2"), b"two");
    untag(store, "demo:v1");
    let collected = store.collect().unwrap();
    assert_eq!((collected.files, collected.deferred), (2, false), "a manifest and a layer; the config is shared");
    assert!(store.broken_entries(&HashSet::new()).unwrap().is_empty());
    assert_eq!(store.blobs_on_disk().unwrap().len(), 3);
}

#[test]
fn a_collection_waits_for_the_last_user_of_the_store() {
    let Place { store, .. } = &place();
    artifact(store, "demo", Some("v1"), b"one");
    let writer = store.writer(names("demo")).unwrap();
    let reader = store.reader(names("demo")).unwrap();
    let fresh = blob(&writer, b"not yet referred to");
    untag(store, "demo:v1");
    assert!(store.collect().unwrap().deferred);
    drop(reader);
    assert!(writer.contains(&fresh).unwrap());
    drop(writer);
    assert!(store.blobs_on_disk().unwrap().is_empty());
}

#[test]
fn damage_is_found() {
    let Place { store, .. } = &place();
    artifact(store, "demo", Some("v1"), b"layer");
    let digest = Digest::of(b"layer");
    assert!(store.verify_blob(digest, 5, &|_| ()).is_ok());
    fs::write(store.blob_path(&digest), "LAYER").unwrap();
    assert!(matches!(store.verify_blob(digest, 5, &|_| ()), Err(ContentError::Mismatch(_))));
    let broken = store.broken_entries(&HashSet::from([digest])).unwrap();
    assert_eq!(broken[0].blobs, [digest]);
    fs::remove_file(store.blob_path(&digest)).unwrap();
    assert_eq!(store.broken_entries(&HashSet::new()).unwrap().len(), 1);
}

/// Fails to collect, and removes nothing.
fn check_stopped(store: &crate::store::Store, words: &str) {
    let before = store.blobs_on_disk().unwrap();
    let error = store.collect().unwrap_err();
    assert!(matches!(&error, Error::UnreadableManifest { name, .. } if name == "demo:v1"), "{error:?}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains(words), "{source}");
    assert_eq!(store.blobs_on_disk().unwrap(), before);
    assert_eq!(store.broken_entries(&HashSet::new()).unwrap().len(), 1, "it is reported");
}

#[test]
fn a_manifest_that_cannot_be_read_stops_a_collection() {
    for (damage, words) in [(Some("no manifest"), "the content"), (None, "was not found")] {
        let Place { store, .. } = &place();
        let manifest = artifact(store, "demo", Some("v1"), b"one");
        artifact(store, "demo", Some("v2"), b"two");
        untag(store, "demo:v2");
        match damage {
            Some(bytes) => fs::write(store.blob_path(&manifest.digest), bytes).unwrap(),
            None => fs::remove_file(store.blob_path(&manifest.digest)).unwrap(),
        }
        check_stopped(store, words);
        untag(store, "demo:v1");
        store.collect().unwrap();
        assert!(store.blobs_on_disk().unwrap().is_empty(), "it can be removed");
    }
}

#[test]
fn a_manifest_that_is_none_or_too_large_stops_a_collection() {
    let large = format!(r#"{{"manifests":[]}}{}"#, " ".repeat(4 << 20));
    for (bytes, words) in [("{}", "missing field"), ("[]", "invalid length"), (&large, "has at most 4194304")] {
        let Place { store, .. } = &place();
        artifact(store, "demo", Some("v2"), b"two");
        untag(store, "demo:v2");
        let manifest = Descriptor::of(MediaType::IMAGE_MANIFEST, bytes.as_bytes());
        fs::write(store.blob_path(&manifest.digest), bytes).unwrap();
        store.writer(names("demo")).unwrap().enter(&manifest, Some("v1")).unwrap();
        check_stopped(store, words);
    }
}

#[test]
fn a_manifest_that_is_too_large_is_not_stored() {
    let Place { store, .. } = &place();
    let bytes = format!(r#"{{"manifests":[]}}{}"#, " ".repeat(4 << 20));
    let manifest = Descriptor::of(MediaType::IMAGE_INDEX, bytes.as_bytes());
    let refused = store.writer(names("demo")).unwrap().publish(&manifest, bytes.as_bytes(), Some("v1"));
    assert!(refused.unwrap_err().to_string().contains("has at most 4194304"));
    assert!(store.blobs_on_disk().unwrap().is_empty() && store.entries().unwrap().is_empty());
}

#[test]
fn an_index_may_lack_some_of_its_manifests() {
    let Place { store, .. } = &place();
    let member = Descriptor::of(MediaType::IMAGE_MANIFEST, b"not here");
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [member] }).to_string();
    let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, index.as_bytes());
    store.writer(names("demo")).unwrap().publish(&descriptor, index.as_bytes(), Some("v1")).unwrap();
    assert_eq!(store.collect().unwrap().files, 0);
}

#[test]
fn a_collection_reads_no_manifest_that_an_earlier_one_has_read() {
    let Place { store, .. } = &place();
    let manifest = artifact(store, "demo", Some("v1"), b"one");
    for (tag, layer) in [("v2", &b"two"[..]), ("v3", b"three"), ("v4", b"four")] {
        artifact(store, "demo", Some(tag), layer);
    }
    untag(store, "demo:v4");
    assert_eq!(store.collect().unwrap().files, 2, "the manifest and the layer; the config is shared");
    fs::write(store.blob_path(&manifest.digest), "unreadable").unwrap();
    untag(store, "demo:v3");
    assert_eq!(store.collect().unwrap().files, 2);
    let layer = Descriptor::of(MediaType::of("text/plain"), b"one");
    assert!(store.holds(&layer).unwrap(), "its blobs are known");
    // A damaged record is not used.
    let record = store.private("collected");
    let mut bytes = fs::read(&record).unwrap();
    bytes[20] ^= 1;
    fs::write(&record, bytes).unwrap();
    assert!(matches!(store.collect().unwrap_err(), Error::UnreadableManifest { .. }));
    fs::remove_file(&record).unwrap();
    assert!(matches!(store.collect().unwrap_err(), Error::UnreadableManifest { .. }));
    assert!(store.holds(&layer).unwrap());
}
