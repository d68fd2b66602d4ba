//! The store against a temporary folder.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Mutex;

use fs_err as fs;

use super::disk::log::{self, Event};
use super::layout::{Names, Store};
use super::writer::Writer;
use crate::digest::Digest;
use crate::oci::{
    Content, ContentError, Descriptor, Index, Manifest, MediaType, Publication, Reference, Source, Target,
};

struct Place {
    store: Store,
    _folder: tempfile::TempDir,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { store: Store::open(folder.path().join("store")).unwrap(), _folder: folder }
}

fn names(repository: &str) -> Names {
    Names::Of(repository.parse::<Reference>().unwrap())
}

fn blob(writer: &Writer, content: &[u8]) -> Descriptor {
    let mut blob = writer.new_blob(0).unwrap();
    blob.write_all(content).unwrap();
    blob.commit(MediaType::of("text/plain"), None).unwrap().descriptor
}

/// Stores an artifact with one layer and returns its manifest.
fn artifact(store: &Store, repository: &str, tag: Option<&str>, layer: &[u8]) -> Descriptor {
    let writer = store.writer(names(repository)).unwrap();
    let config = blob(&writer, b"{}");
    let manifest = Manifest::new(MediaType::of("a"), config, vec![blob(&writer, layer)]).to_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest);
    writer.publish(&descriptor, &manifest, tag).unwrap();
    descriptor
}

fn untag(store: &Store, name: &str) {
    let gone = store.remove_entries(|entry| entry.name() == Some(name)).unwrap();
    assert_eq!(gone.len(), 1);
}

#[test]
fn what_was_published_is_found_by_tag_and_by_digest() {
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
fn what_is_published_together_appears_together_or_not_at_all() {
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
    let wrong = Publication { manifest: b"not what was said", ..publication(1, None) };
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

/// A power cut may undo what was not waited for, in any order.
#[test]
fn nothing_has_a_name_before_it_is_on_the_disk() {
    let Place { store, .. } = &place();
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

    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    let (mut synced, mut named) = (HashSet::new(), Vec::new());
    for event in log::take() {
        match event {
            Event::Synced(file) => drop(synced.insert(file)),
            Event::Named(file, path) => {
                assert!(synced.remove(&file), "{} has not its bytes", path.display());
                assert!(
                    path != store.index_file() || synced.contains(&inode(&store.blobs())),
                    "a blob has not its name"
                );
                synced.remove(&inode(path.parent().unwrap()));
                named.push(path);
            }
        }
    }
    assert!(synced.contains(&inode(store.root())), "the index has not its name");
    assert_eq!(named.iter().filter(|path| **path == store.index_file()).count(), 3);
    assert!(store.blobs_on_disk().unwrap().iter().all(|(blob, _)| named.contains(&store.blob_path(blob))));
}

#[test]
fn a_store_that_is_not_there_is_empty_and_stays_so() {
    let Place { store, .. } = &place();
    assert!(store.entries().unwrap().is_empty());
    assert!(store.reader(names("demo")).unwrap().resolve("v1").is_err());
    assert!(!store.root().exists());
}

#[test]
fn a_folder_that_is_something_else_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is not an OCI image layout: it has no `oci-layout` file and is not empty"), "{error}");
}

#[test]
fn a_blob_that_is_not_committed_leaves_nothing() {
    let Place { store, .. } = &place();
    let writer = store.writer(names("demo")).unwrap();
    let mut half = writer.new_blob(0).unwrap();
    half.write_all(b"half").unwrap();
    drop(half);
    assert_eq!(store.unfinished_bytes().unwrap(), 0);
    assert!(store.blobs_on_disk().unwrap().is_empty());
}

#[test]
fn what_a_killed_writer_left_is_cleared_by_the_next() {
    let Place { store, .. } = &place();
    artifact(store, "demo", Some("v1"), b"layer");
    fs::write(store.ingest().join("tmp-dead"), "dead").unwrap();
    fs::write(store.ingest().join(Digest::of(b"x").hex()), "partial").unwrap();
    drop(store.writer(names("demo")).unwrap());
    assert!(!store.ingest().join("tmp-dead").exists());
    assert_eq!(store.unfinished_bytes().unwrap(), 7, "a partial download is kept");
}

/// Stores an index of `members` as `tag`, in place of `old`, and tells what it is, or nothing if `tag` was not at `old`.
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
fn an_index_keeps_its_members_as_long_as_it_is_there() {
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
fn an_index_that_is_changed_leaves_no_other_behind() {
    let Place { store, .. } = &place();
    let one = artifact(store, "demo", Some("one"), b"first");
    let two = artifact(store, "demo", None, b"second");
    let first = index(store, None, &[&one, &two], "all").unwrap();
    assert_eq!(index(store, None, &[], "all"), None, "the name is taken");
    let second = index(store, Some(first.digest), &[&one], "all").unwrap();
    assert_eq!(index(store, Some(first.digest), &[], "all"), None, "somebody was faster");
    let digests: Vec<_> = store.entries().unwrap().iter().map(|entry| entry.descriptor.digest).collect();
    assert_eq!(digests, [one.digest, two.digest, second.digest]);
    assert_eq!(index(store, Some(second.digest), &[&one], "all"), Some(second.clone()), "nothing changed");
    assert_eq!(store.reader(names("demo")).unwrap().resolve("all").unwrap(), second);
}

#[test]
fn what_is_about_a_member_stays_with_the_index() {
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

/// Content that fails after some bytes, and remembers where it was opened.
struct Flaky<'a> {
    content: &'a [u8],
    fails_at: usize,
    opened: Mutex<Vec<u64>>,
}

impl Content for Flaky<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        self.opened.lock().unwrap().push(offset);
        let start = usize::try_from(offset).unwrap();
        let good = io::Cursor::new(self.content[start..self.fails_at.max(start)].to_vec());
        if self.fails_at < self.content.len() {
            return Ok(Box::new(good.chain(Broken)));
        }
        Ok(Box::new(good))
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

fn flaky(content: &[u8], fails_at: usize) -> Flaky<'_> {
    Flaky { content, fails_at, opened: Mutex::default() }
}

#[test]
fn an_interrupted_blob_is_continued() {
    let Place { store, .. } = &place();
    let writer = store.writer(names("demo")).unwrap();
    let descriptor = Descriptor::of(MediaType::of("t"), b"content");
    writer.put(&descriptor, &flaky(b"content", 3)).unwrap_err();
    let second = flaky(b"content", 7);
    writer.put(&descriptor, &second).unwrap();
    assert_eq!(*second.opened.lock().unwrap(), [3]);
    assert!(writer.contains(&descriptor).unwrap());
}

#[test]
fn a_wrong_partial_file_is_fetched_once_more() {
    let Place { store, .. } = &place();
    let writer = store.writer(names("demo")).unwrap();
    let descriptor = Descriptor::of(MediaType::of("t"), b"content");
    fs::write(store.ingest().join(descriptor.digest.hex()), "wrong").unwrap();
    let content = flaky(b"content", 7);
    writer.put(&descriptor, &content).unwrap();
    assert_eq!(*content.opened.lock().unwrap(), [5, 0]);
}

#[test]
fn wrong_content_is_refused_and_leaves_nothing() {
    let Place { store, .. } = &place();
    let writer = store.writer(names("demo")).unwrap();
    let descriptor = Descriptor::of(MediaType::of("t"), b"content");
    let error = writer.put(&descriptor, &&b"CONTENT"[..]).unwrap_err();
    assert!(matches!(error, ContentError::Mismatch(_)), "{error:?}");
    assert!(!writer.contains(&descriptor).unwrap());
    assert_eq!(store.unfinished_bytes().unwrap(), 0);
}

#[test]
fn two_that_want_the_same_blob_share_one_download() {
    let Place { store, .. } = &place();
    let writer = store.writer(names("demo")).unwrap();
    let content = vec![7; 3_000_000];
    let descriptor = Descriptor::of(MediaType::of("t"), &content);
    let source = flaky(&content, content.len());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| writer.put(&descriptor, &source).unwrap());
        }
    });
    assert_eq!(*source.opened.lock().unwrap(), [0]);
}

#[test]
fn only_what_nothing_refers_to_is_collected() {
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
fn while_the_store_is_used_the_collection_waits_for_the_last_user() {
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

#[test]
fn many_threads_enter_names_and_none_is_lost() {
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

/// Stores a manifest with a layer about `subject`.
fn referrer(store: &Store, repository: &str, subject: &Descriptor, layer: &[u8]) -> Descriptor {
    let writer = store.writer(names(repository)).unwrap();
    let (config, content) = (blob(&writer, b"{}"), Descriptor::of(MediaType::of("text/plain"), layer));
    let mut manifest = Manifest::new(MediaType::of("r"), config, vec![content.clone()]);
    manifest.subject = Some(subject.clone());
    manifest.annotations.insert("k".to_owned(), "v".to_owned());
    let bytes = manifest.to_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes);
    let documents = vec![(&content, &layer as &dyn Content)];
    let published = Publication { descriptor: &descriptor, manifest: &bytes, tag: None, documents };
    writer.publish_all(&[published]).unwrap();
    descriptor
}

fn digests(descriptors: &[Descriptor]) -> Vec<Digest> {
    descriptors.iter().map(|descriptor| descriptor.digest).collect()
}

#[test]
fn what_refers_to_a_manifest_is_found_in_its_repository() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    let record = referrer(store, "demo", &subject, b"record");
    let signature = referrer(store, "demo", &record, b"signature");
    referrer(store, "demo", &subject, b"record");
    let reader = store.reader(names("demo")).unwrap();
    let found = reader.referrers(&subject).unwrap();
    assert_eq!(digests(&found), [record.digest], "once");
    assert_eq!((found[0].artifact_type.clone(), found[0].annotations["k"].as_str()), (Some(MediaType::of("r")), "v"));
    assert_eq!(found[0].annotations.len(), 1, "those of the manifest");
    assert_eq!(digests(&reader.referrers(&record).unwrap()), [signature.digest]);
    assert_eq!(reader.referrers(&signature).unwrap(), []);
    assert_eq!(store.reader(names("other")).unwrap().referrers(&subject).unwrap(), []);
    assert_eq!(store.writer(names("demo")).unwrap().attached(&subject).unwrap(), found);
    assert_eq!(store.entries().unwrap().len(), 3);
}

#[test]
fn what_refers_to_a_manifest_stays_as_long_as_that() {
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
fn a_manifest_that_loses_its_name_keeps_what_refers_to_it() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"one");
    referrer(store, "demo", &subject, b"record");
    artifact(store, "demo", Some("v1"), b"two");
    assert_eq!(store.reader(names("demo")).unwrap().referrers(&subject).unwrap().len(), 1);
    untag(store, "demo:v1");
    assert_eq!(store.entries().unwrap().len(), 2);
}

#[test]
fn in_a_layout_of_another_tool_what_refers_to_a_manifest_is_found_by_reading() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    let record = referrer(store, "demo", &subject, b"record");
    let index = fs::read_to_string(store.index_file()).unwrap();
    fs::write(store.index_file(), index.replace("ml.kitops.modelkit.subject", "some.other")).unwrap();
    let reader = store.reader(Names::Tags).unwrap();
    assert_eq!(digests(&reader.referrers(&subject).unwrap()), [record.digest]);
}

#[test]
fn a_damaged_referrer_is_left_out_and_told_by_the_check() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    let record = referrer(store, "demo", &subject, b"record");
    fs::write(store.blob_path(&record.digest), "{}").unwrap();
    assert_eq!(store.reader(names("demo")).unwrap().referrers(&subject).unwrap(), []);
    let broken = store.broken_entries(&HashSet::new()).unwrap();
    assert_eq!((broken.len(), broken[0].entry.subject()), (1, Some(subject.digest)));
}

#[test]
fn an_index_that_lies_about_a_subject_attaches_nothing() {
    let Place { store, .. } = &place();
    let (one, two) = (artifact(store, "demo", Some("v1"), b"one"), artifact(store, "demo", Some("v2"), b"two"));
    referrer(store, "demo", &one, b"record");
    let index = fs::read_to_string(store.index_file()).unwrap();
    let subject = |manifest: &Descriptor| format!("modelkit.subject\":\"{}", manifest.digest);
    fs::write(store.index_file(), index.replace(&subject(&one), &subject(&two))).unwrap();
    let reader = store.reader(names("demo")).unwrap();
    assert_eq!((reader.referrers(&one).unwrap(), reader.referrers(&two).unwrap()), (vec![], vec![]));
}
