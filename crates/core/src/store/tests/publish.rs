//! Publishing, and finding again, in a store and in a plain layout.

use std::collections::HashSet;
use std::io::{Read, Write};

use fs_err as fs;

use super::sandbox::{Place, artifact, blob, names, place, place_without_waiting, referrer};
use crate::oci::{Content, ContentError, Descriptor, Manifest, MediaType, Publication, Source, Target};
use crate::store::durability::disk::log::{self, Event};
use crate::store::layout::{Names, Store};
use crate::sys;

#[test]
fn a_published_manifest_is_found_by_tag_and_by_digest() {
    let Place { store, .. } = &place();
    let manifest = artifact(store, "demo", Some("v1"), b"layer");
    let reader = store.reader(names("demo")).unwrap();
    assert_eq!(reader.resolve("v1").unwrap(), manifest);
    assert_eq!(reader.resolve(&manifest.digest.to_string()).unwrap(), manifest);
    let layer = Manifest::parse(&reader.manifest(&manifest).unwrap()).unwrap().layers.remove(0);
    let mut content = String::new();
    reader.blob(&layer).open_at(2).unwrap().read_to_string(&mut content).unwrap();
    assert_eq!(content, "yer");
    assert!(matches!(reader.resolve("v2"), Err(ContentError::NotFound(_))));
    assert!(matches!(store.reader(names("other")).unwrap().resolve("v1"), Err(ContentError::NotFound(_))));
}

#[test]
fn publications_appear_together_or_not_at_all() {
    let Place { store, .. } = &place();
    let writer = store.writer(names("demo")).unwrap();
    let configs = [&b"one"[..], b"two"];
    let blobs = configs.map(|config| Descriptor::of(MediaType::of("c"), config));
    let manifests =
        blobs.each_ref().map(|config| Manifest::new(MediaType::of("a"), config.clone(), Vec::new()).to_bytes());
    let descriptors = manifests.each_ref().map(|bytes| Descriptor::of(MediaType::IMAGE_MANIFEST, bytes));
    let publication = |which: usize, tag| {
        let documents = vec![(&blobs[which], &configs[which] as &dyn Content)];
        Publication { descriptor: &descriptors[which], manifest: &manifests[which], tag, documents }
    };
    let wrong = Publication { manifest: b"not the manifest", ..publication(1, None) };
    let failed = writer.publish_all(&[publication(0, Some("v1")), wrong]);
    assert!(matches!(failed, Err(ContentError::Mismatch(_))));
    assert!(store.entries().unwrap().is_empty());
    assert!(store.blobs_on_disk().unwrap().is_empty());
    assert_eq!(store.unfinished_bytes().unwrap(), 0);
    writer.publish_all(&[publication(0, Some("v1")), publication(0, Some("v1")), publication(1, None)]).unwrap();
    assert_eq!(store.blobs_on_disk().unwrap().len(), 4);
    assert!(store.broken_entries(&HashSet::new()).unwrap().is_empty());
    let entries = store.entries().unwrap();
    let found: Vec<_> = entries.iter().map(|entry| (entry.descriptor.digest, entry.name())).collect();
    assert_eq!(found, [(descriptors[0].digest, Some("demo:v1")), (descriptors[1].digest, None)]);
}

/// Stores several blobs, and returns the events in the order in which they happened.
fn events_of_blobs(store: &Store) -> Vec<Event> {
    log::take();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    referrer(store, "demo", &subject, b"record");
    let writer = store.writer(names("demo")).unwrap();
    let fetched = Descriptor::of(MediaType::of("t"), b"fetched");
    writer.put(&fetched, &&b"fetched"[..]).unwrap();
    let mut layer = writer.new_blob(0).unwrap();
    layer.write_all(b"another layer").unwrap();
    let table = Descriptor::of(MediaType::of("t"), b"table");
    layer.commit(MediaType::of("l"), Some((&table, &&b"table"[..]))).unwrap();
    assert!(writer.contains(&table).unwrap());
    writer.enter(&subject, Some("v2")).unwrap();
    log::take()
}

/// A power failure may undo everything that has not been synced, in any order.
#[test]
fn nothing_has_a_name_before_it_is_on_the_disk_if_each_blob_is_waited_for() {
    let place = place();
    let store = &place.store.clone().waiting_for_each_blob();
    let (mut synced, mut named) = (HashSet::new(), Vec::new());
    for event in events_of_blobs(store) {
        match event {
            Event::Synced(file) => drop(synced.insert(file)),
            Event::Named(file, path) => {
                assert!(!file.is_pending, "{} is pending", path.display());
                let file = file.identity;
                assert!(synced.remove(&file), "the bytes of {} are not synced", path.display());
                assert!(
                    path != store.index_file() || synced.contains(&log::identity(&store.blobs())),
                    "the name of a blob is not synced"
                );
                synced.remove(&log::identity(path.parent().unwrap()));
                named.push(path);
            }
            Event::Unmarked(_) | Event::Removed(_) => {}
        }
    }
    assert!(synced.contains(&log::identity(store.root())), "the name of the index is not synced");
    assert_eq!(named.iter().filter(|path| **path == store.index_file()).count(), 3);
    assert!(store.blobs_on_disk().unwrap().iter().all(|(blob, _)| named.contains(&store.blob_path(blob))));
}

#[test]
fn no_blob_is_pending_when_the_index_gets_its_name_if_the_user_waits() {
    let Some(place) = place_without_waiting() else { return };
    let store = &place.store.clone().waiting_for_disk(true);
    let (mut synced, mut pending, mut indexes) = (HashSet::new(), HashSet::new(), 0);
    for event in events_of_blobs(store) {
        match event {
            Event::Synced(file) => drop(synced.insert(file)),
            Event::Unmarked(file) => {
                assert!(synced.contains(&file) && synced.contains(&log::identity(&store.blobs())));
                pending.remove(&file);
            }
            Event::Named(file, path) if path == store.index_file() => {
                assert!(!file.is_pending && synced.contains(&file.identity));
                assert!(pending.is_empty(), "{pending:?} are pending");
                indexes += 1;
            }
            Event::Named(file, _) => {
                synced.remove(&log::identity(&store.blobs()));
                if file.is_pending {
                    pending.insert(file.identity);
                } else {
                    assert!(synced.contains(&file.identity));
                }
            }
            Event::Removed(_) => {}
        }
    }
    assert_eq!(indexes, 3);
    assert!(synced.contains(&log::identity(store.root())), "the name of the index is not synced");
    for (blob, _) in store.blobs_on_disk().unwrap() {
        assert!(!sys::is_marked(&fs::metadata(store.blob_path(&blob)).unwrap()), "{blob} is pending");
    }
}

#[test]
fn many_blobs_are_settled_in_batches() {
    let Some(place) = place_without_waiting() else { return };
    let store = &place.store.clone().waiting_for_disk(true);
    let writer = store.writer(names("demo")).unwrap();
    for number in 0..600 {
        let content = number.to_string().into_bytes();
        writer.put(&Descriptor::of(MediaType::of("t"), &content), &&content[..]).unwrap();
    }
    artifact(store, "demo", Some("v1"), b"layer");
    let blobs = store.blobs_on_disk().unwrap();
    assert!(blobs.len() > 600);
    assert!(blobs.iter().all(|(blob, _)| !sys::is_marked(&fs::metadata(store.blob_path(blob)).unwrap())));
    assert_eq!(fs::read_dir(store.private("pending")).unwrap().count(), 0);
}

#[test]
fn a_missing_store_is_empty_and_is_not_created_by_reading() {
    let Place { store, .. } = &place();
    assert!(store.entries().unwrap().is_empty());
    assert!(store.reader(names("demo")).unwrap().resolve("v1").is_err());
    assert!(!store.root().exists());
}

#[test]
fn a_folder_with_other_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is not an OCI image layout: it has no `oci-layout` file and is not empty"), "{error}");
}

#[test]
fn no_name_is_lost_when_many_threads_publish() {
    let Place { store, .. } = &place();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for round in 0..5 {
                    artifact(store, "demo", Some(&format!("t{thread}-{round}")), &[thread, round]);
                }
            });
        }
    });
    assert_eq!(store.entries().unwrap().len(), 40);
    assert!(store.broken_entries(&HashSet::new()).unwrap().is_empty());
}

#[test]
fn a_plain_layout_names_by_tag() {
    let Place { store, .. } = &place();
    let writer = store.writer(Names::Tags).unwrap();
    let manifest = Manifest::new(MediaType::of("a"), blob(&writer, b"{}"), Vec::new()).to_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest);
    writer.publish(&descriptor, &manifest, Some("v1")).unwrap();
    assert_eq!(store.entries().unwrap()[0].name(), Some("v1"));
    assert_eq!(store.reader(Names::Tags).unwrap().resolve("v1").unwrap(), descriptor);
}
