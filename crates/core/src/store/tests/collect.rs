//! Garbage collection, and finding damage.

use std::collections::HashSet;

use fs_err as fs;

use super::sandbox::{Place, artifact, blob, names, place, untag};
use crate::digest::Digest;
use crate::oci::{ContentError, Target};

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
