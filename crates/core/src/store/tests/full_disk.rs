//! Removing on a full disk, on which no file can be written until another one is gone.

use std::cell::Cell;
use std::collections::HashSet;
use std::io;

use super::sandbox::{Place, artifact, names, place};
use crate::digest::Digest;
use crate::store::RememberedLayer;
use crate::store::error::Error;
use crate::store::index::Entry;
use crate::store::members::Members;

fn full() -> Error {
    io::Error::from(io::ErrorKind::StorageFull).into()
}

fn is_v1(entry: &Entry) -> bool {
    entry.name() == Some("demo:v1")
}

#[test]
fn the_largest_blob_of_the_removed_entry_makes_room_and_all_others_stay() {
    let Place { store, .. } = &place();
    let take_v1 = |entries: &mut Vec<Entry>| store.take_entries(entries, Members::Keep, &is_v1);
    artifact(store, "demo", Some("v1"), b"a large layer");
    artifact(store, "demo", Some("v2"), b"another");
    let large = store.blob_path(&Digest::of(b"a large layer"));
    let blobs = store.blobs_on_disk().unwrap().len();
    let largest = store.blobs_on_disk().unwrap().into_iter().map(|(_, size)| size).max().unwrap();
    assert!(largest > 13, "a manifest is larger than this layer");
    let attempts = Cell::new(0);
    let attempt = || {
        attempts.set(attempts.get() + 1);
        if large.exists() {
            return Err(full());
        }
        store.change_index(take_v1)
    };
    assert_eq!(store.remove_making_room(&take_v1, attempt).unwrap().len(), 1);
    assert_eq!(attempts.get(), 3, "the manifest and the layer were removed, one after the other");
    assert_eq!(store.blobs_on_disk().unwrap().len(), blobs - 2);
    assert!(store.broken_entries(&HashSet::new()).unwrap().is_empty());
    assert_eq!(store.entries().unwrap().len(), 1);
}

#[test]
fn content_of_other_entries_never_makes_room() {
    let Place { store, .. } = &place();
    let take_v1 = |entries: &mut Vec<Entry>| store.take_entries(entries, Members::Keep, &is_v1);
    artifact(store, "demo", Some("v1"), b"shared");
    artifact(store, "other", Some("v1"), b"shared");
    artifact(store, "demo", Some("v2"), b"own");
    let error = store.remove_making_room(&take_v1, || Err(full())).unwrap_err();
    assert!(error.is_lack_of_space(), "{error}");
    assert!(store.broken_entries(&HashSet::new()).unwrap().is_empty());
    assert_eq!(store.entries().unwrap().len(), 3);
}

#[test]
fn what_can_be_made_again_makes_room_for_a_name_that_is_not_the_last_one() {
    let Place { store, .. } = &place();
    let take_v1 = |entries: &mut Vec<Entry>| store.take_entries(entries, Members::Keep, &is_v1);
    let manifest = artifact(store, "demo", Some("v1"), b"kept");
    artifact(store, "demo", Some("v2"), b"kept");
    let writer = store.writer(names("demo")).unwrap();
    let layer = RememberedLayer { blob: manifest, diff_id: Digest::of(b"kept") };
    writer.remember_layer(&Digest::of(b"key"), &layer).unwrap();
    drop(writer);
    let partial = store.ingest().join(Digest::of(b"partial").hex());
    fs_err::write(&partial, "part").unwrap();
    let is_remembered = || store.remembered_layers().unwrap() > 0;
    let attempt = || if is_remembered() { Err(full()) } else { Ok(Vec::new()) };
    store.remove_making_room(&take_v1, attempt).unwrap();
    assert!(partial.exists());
    let attempt = || if partial.exists() { Err(full()) } else { Ok(Vec::new()) };
    store.remove_making_room(&take_v1, attempt).unwrap();
    assert!(store.broken_entries(&HashSet::new()).unwrap().is_empty());
}

#[test]
fn garbage_makes_room_first_and_nothing_while_others_use_the_store() {
    let Place { store, .. } = &place();
    let take_v1 = |entries: &mut Vec<Entry>| store.take_entries(entries, Members::Keep, &is_v1);
    artifact(store, "demo", Some("v1"), b"kept");
    let writer = store.writer(names("demo")).unwrap();
    super::sandbox::blob(&writer, b"garbage");
    let garbage = store.blob_path(&Digest::of(b"garbage"));
    assert!(matches!(store.remove_making_room(&take_v1, || Err(full())), Err(Error::InUse(_))));
    assert!(garbage.exists());
    drop(writer);
    let attempt = || if garbage.exists() { Err(full()) } else { Ok(Vec::new()) };
    store.remove_making_room(&take_v1, attempt).unwrap();
    assert!(store.blob_path(&Digest::of(b"kept")).exists());
}
