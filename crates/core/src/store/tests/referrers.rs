//! Referrers: finding them, and removing them with their subject.

use std::collections::HashSet;

use fs_err as fs;

use super::sandbox::{Place, artifact, digests, names, place, referrer, untag};
use crate::oci::{Descriptor, MediaType, Source, Target};
use crate::store::layout::Names;

#[test]
fn referrers_are_found_in_the_repository_of_their_subject() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    let record = referrer(store, "demo", &subject, b"record");
    let signature = referrer(store, "demo", &record, b"signature");
    referrer(store, "demo", &subject, b"record");
    let reader = store.reader(names("demo")).unwrap();
    let found = reader.referrers(&subject).unwrap();
    assert_eq!(digests(&found), [record.digest], "listed once");
    assert_eq!((found[0].artifact_type.clone(), found[0].annotations["k"].as_str()), (Some(MediaType::of("r")), "v"));
    assert_eq!(found[0].annotations.len(), 1, "only those of the manifest");
    assert_eq!(digests(&reader.referrers(&record).unwrap()), [signature.digest]);
    assert_eq!(reader.referrers(&signature).unwrap(), []);
    assert_eq!(store.reader(names("other")).unwrap().referrers(&subject).unwrap(), []);
    assert_eq!(store.writer(names("demo")).unwrap().attached(&subject).unwrap(), found);
    assert_eq!(store.entries().unwrap().len(), 3);
}

#[test]
fn referrers_stay_as_long_as_their_subject() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    artifact(store, "demo", Some("v2"), b"layer");
    artifact(store, "other", Some("v1"), b"layer");
    let record = referrer(store, "demo", &subject, b"record");
    referrer(store, "demo", &record, b"signature");
    untag(store, "demo:v1");
    assert_eq!(store.collect().unwrap().files, 0);
    assert!(store.broken_entries(&HashSet::new()).unwrap().is_empty());
    assert_eq!(store.unreferenced().unwrap(), []);
    untag(store, "demo:v2");
    assert_eq!(store.entries().unwrap().len(), 1, "another repository keeps nothing");
    assert_eq!(store.collect().unwrap().files, 4, "two manifests, a record and a signature");
}

#[test]
fn a_manifest_that_loses_its_name_keeps_its_referrers() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"one");
    referrer(store, "demo", &subject, b"record");
    artifact(store, "demo", Some("v1"), b"two");
    assert_eq!(store.reader(names("demo")).unwrap().referrers(&subject).unwrap().len(), 1);
    untag(store, "demo:v1");
    assert_eq!(store.entries().unwrap().len(), 2);
}

#[test]
fn referrers_in_the_layout_of_another_tool_are_found_by_reading() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    let record = referrer(store, "demo", &subject, b"record");
    let index = fs::read_to_string(store.index_file()).unwrap();
    fs::write(store.index_file(), index.replace("ml.kitops.modelkit.subject", "some.other")).unwrap();
    let reader = store.reader(Names::Tags).unwrap();
    assert_eq!(digests(&reader.referrers(&subject).unwrap()), [record.digest]);
}

#[test]
fn a_damaged_referrer_is_left_out_and_reported_by_the_check() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    let record = referrer(store, "demo", &subject, b"record");
    fs::write(store.blob_path(&record.digest), "{}").unwrap();
    assert_eq!(store.reader(names("demo")).unwrap().referrers(&subject).unwrap(), []);
    let broken = store.broken_entries(&HashSet::new()).unwrap();
    assert_eq!((broken.len(), broken[0].entry.subject()), (1, Some(subject.digest)));
}

#[test]
fn an_index_with_a_wrong_subject_attaches_nothing() {
    let Place { store, .. } = &place();
    let (one, two) = (artifact(store, "demo", Some("v1"), b"one"), artifact(store, "demo", Some("v2"), b"two"));
    referrer(store, "demo", &one, b"record");
    let index = fs::read_to_string(store.index_file()).unwrap();
    let subject = |manifest: &Descriptor| format!("modelkit.subject\":\"{}", manifest.digest);
    fs::write(store.index_file(), index.replace(&subject(&one), &subject(&two))).unwrap();
    let reader = store.reader(names("demo")).unwrap();
    assert_eq!((reader.referrers(&one).unwrap(), reader.referrers(&two).unwrap()), (vec![], vec![]));
}
