//! Pending files: checked in another run of the system, settled in the same one, never left by a command that waits.

use std::fs::FileTimes;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fs_err as fs;

use super::sandbox::{Place, artifact, blob, names, place_without_waiting};
use crate::digest::Digest;
use crate::oci::{Descriptor, MediaType, Target};
use crate::progress::{Notifier, Warning};
use crate::store::layout::Store;
use crate::store::waiting::LockWaiting;
use crate::sys;

/// The same store in another run of the system, and the names of the ModelKits that it reports as lost.
pub(super) fn in_run(store: &Store, run: &str) -> (Store, Arc<Mutex<Vec<String>>>) {
    let lost = Arc::new(Mutex::new(Vec::new()));
    let receiver = Arc::clone(&lost);
    let notifier = Notifier::new(move |warning| {
        if let Warning::LostInCrash { modelkit } = warning {
            receiver.lock().unwrap().push((*modelkit).to_owned());
        }
    });
    (store.clone().in_run(run).with_waiting(LockWaiting { timeout: None, notifier }), lost)
}

fn is_pending(store: &Store, blob: &Digest) -> bool {
    sys::is_marked(&fs::metadata(store.blob_path(blob)).unwrap())
}

fn layer(content: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::of("text/plain"), content)
}

#[test]
fn a_pending_blob_is_verified_once_in_another_run_and_then_trusted() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    let (before, _) = in_run(store, "one");
    artifact(&before, "demo", Some("v1"), b"layer");
    let blob = layer(b"layer");
    assert!(is_pending(store, &blob.digest));
    assert!(before.has_blob(&blob).unwrap());
    assert!(is_pending(store, &blob.digest), "nothing is checked in the same run");
    let (after, lost) = in_run(store, "two");
    assert!(after.has_blob(&blob).unwrap());
    assert!(!is_pending(store, &blob.digest));
    assert!(lost.lock().unwrap().is_empty());
}

#[test]
fn a_damaged_pending_blob_is_removed_reported_and_stored_again() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    artifact(&in_run(store, "one").0, "demo", Some("v1"), b"layer");
    let blob = layer(b"layer");
    fs::write(store.blob_path(&blob.digest), [0; 5]).unwrap();
    let (after, lost) = in_run(store, "two");
    let writer = after.writer(names("demo")).unwrap();
    assert!(!writer.contains(&blob).unwrap());
    assert_eq!(*lost.lock().unwrap(), ["demo:v1"]);
    assert!(!store.blob_path(&blob.digest).exists());
    writer.put(&blob, &&b"layer"[..]).unwrap();
    assert!(writer.contains(&blob).unwrap());
    assert_eq!(lost.lock().unwrap().len(), 1);
}

#[test]
fn a_durable_blob_is_not_read_again() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    artifact(&store.clone().waiting_for_disk(true), "demo", Some("v1"), b"layer");
    let blob = layer(b"layer");
    assert!(!is_pending(store, &blob.digest));
    fs::write(store.blob_path(&blob.digest), "LAYER").unwrap();
    assert!(in_run(store, "two").0.has_blob(&blob).unwrap(), "`kit fsck` finds such damage");
}

#[test]
fn a_missing_blob_of_a_listed_modelkit_is_reported() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    artifact(&in_run(store, "one").0, "demo", Some("v1"), b"layer");
    artifact(&in_run(store, "one").0, "demo", Some("v2"), b"other");
    fs::remove_file(store.blob_path(&layer(b"layer").digest)).unwrap();
    let (after, lost) = in_run(store, "two");
    assert_eq!(after.entries().unwrap().len(), 2);
    assert_eq!(*lost.lock().unwrap(), ["demo:v1"]);
    let (again, lost) = in_run(store, "two");
    assert_eq!(again.entries().unwrap().len(), 2);
    assert!(lost.lock().unwrap().is_empty(), "it is reported once");
}

#[test]
fn a_torn_index_is_replaced_by_the_latest_complete_copy() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    let (before, _) = in_run(store, "one");
    artifact(&before, "demo", Some("v1"), b"layer");
    artifact(&before, "demo", Some("v2"), b"other");
    for torn in [&b""[..], &[0; 600], b"{\"schemaVersion\":2,\"manifests\":["] {
        let (next, _) = in_run(store, "one");
        next.writer(names("demo")).unwrap().enter(&layer(b"{}"), Some(&format!("t{}", torn.len()))).unwrap();
        let listed = next.entries().unwrap().len();
        fs::write(store.index_file(), torn).unwrap();
        assert_eq!(in_run(store, "two").0.entries().unwrap().len(), listed);
        assert!(!sys::is_marked(&fs::metadata(store.index_file()).unwrap()));
    }
}

#[test]
fn old_records_are_settled_by_the_next_command() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    let (before, _) = in_run(store, "one");
    artifact(&before, "demo", Some("v1"), b"layer");
    let records = || fs::read_dir(store.private("pending")).unwrap().map(|record| record.unwrap().path());
    let count = records().count();
    drop(before.writer(names("demo")).unwrap());
    assert_eq!(records().count(), count, "they are too young");
    for record in records() {
        let old = SystemTime::now() - Duration::from_secs(61);
        fs::File::options()
            .write(true)
            .open(record)
            .unwrap()
            .file()
            .set_times(FileTimes::new().set_modified(old))
            .unwrap();
    }
    drop(before.writer(names("demo")).unwrap());
    assert_eq!(records().count(), 0);
    assert!(!is_pending(store, &layer(b"layer").digest));
    assert!(!sys::is_marked(&fs::metadata(store.index_file()).unwrap()));
}

#[test]
fn a_command_that_waits_also_waits_for_what_earlier_ones_left_pending() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    let (before, _) = in_run(store, "one");
    let pending = blob(&before.writer(names("demo")).unwrap(), b"layer");
    assert!(is_pending(store, &pending.digest));
    let waiting = before.waiting_for_disk(true);
    artifact(&waiting, "demo", Some("v1"), b"layer");
    assert!(!is_pending(store, &pending.digest));
}

#[test]
fn an_interrupted_download_stays_pending_when_it_is_resumed() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    let (before, _) = in_run(store, "one");
    let descriptor = layer(b"content");
    let partial = store.ingest().join(descriptor.digest.hex());
    let writer = before.writer(names("demo")).unwrap();
    drop(before.open_partial(&partial).unwrap());
    fs::write(&partial, "con").unwrap();
    writer.put(&descriptor, &&b"content"[..]).unwrap();
    assert!(is_pending(store, &descriptor.digest));
}
