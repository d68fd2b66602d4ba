//! Blobs on their way into a store: interrupted, wrong, or written twice.

use std::io::{self, Read, Write};
use std::sync::Mutex;

use fs_err as fs;

use super::sandbox::{Place, artifact, names, place};
use crate::digest::Digest;
use crate::oci::{Content, ContentError, Descriptor, MediaType, Target};

#[test]
fn an_uncommitted_blob_leaves_nothing() {
    let Place { store, .. } = &place();
    let writer = store.writer(names("demo")).unwrap();
    let mut half = writer.new_blob(0).unwrap();
    half.write_all(b"half").unwrap();
    drop(half);
    assert_eq!(store.unfinished_bytes().unwrap(), 0);
    assert!(store.blobs_on_disk().unwrap().is_empty());
}

#[test]
fn the_next_writer_removes_the_files_of_a_killed_one() {
    let Place { store, .. } = &place();
    artifact(store, "demo", Some("v1"), b"layer");
    fs::write(store.ingest().join("tmp-dead"), "dead").unwrap();
    fs::write(store.ingest().join(Digest::of(b"x").hex()), "partial").unwrap();
    drop(store.writer(names("demo")).unwrap());
    assert!(!store.ingest().join("tmp-dead").exists());
    assert_eq!(store.unfinished_bytes().unwrap(), 7, "a partial download is kept");
}

/// Content that fails after some bytes, and records the offsets at which it was opened.
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
fn an_interrupted_blob_is_resumed() {
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
fn a_wrong_partial_file_is_fetched_again() {
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
fn writers_of_the_same_blob_share_one_download() {
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
