//! The temporary store of a test, and what the tests put into it.

use std::io::Write;

use crate::digest::Digest;
use crate::oci::{Companion, Content, Descriptor, Manifest, MediaType, Publication, Reference, Target};
use crate::store::layout::{Names, Store};
use crate::store::members::Members;
use crate::store::writer::Writer;

pub(super) struct Place {
    pub(super) store: Store,
    _folder: tempfile::TempDir,
}

pub(super) fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { store: Store::open(folder.path().join("store")).unwrap(), _folder: folder }
}

/// Like [`place`]. None if every command waits for the disk: the platform does not report the run of the system.
pub(super) fn place_without_waiting() -> Option<Place> {
    crate::sys::boot_identity().map(|_| place())
}

pub(super) fn names(repository: &str) -> Names {
    Names::Of(repository.parse::<Reference>().unwrap())
}

pub(super) fn blob(writer: &Writer, content: &[u8]) -> Descriptor {
    let mut blob = writer.new_blob(0).unwrap();
    blob.write_all(content).unwrap();
    blob.commit(MediaType::of("text/plain"), None).unwrap().descriptor
}

/// Stores an artifact with one layer and returns its manifest.
pub(super) fn artifact(store: &Store, repository: &str, tag: Option<&str>, layer: &[u8]) -> Descriptor {
    let writer = store.writer(names(repository)).unwrap();
    let config = blob(&writer, b"{}");
    let manifest = Manifest::new(MediaType::of("a"), config, vec![blob(&writer, layer)]).to_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest);
    writer.publish(&descriptor, &manifest, tag).unwrap();
    descriptor
}

pub(super) fn untag(store: &Store, name: &str) {
    let gone = store.remove_entries(Members::Remove, |entry| entry.name() == Some(name)).unwrap();
    assert_eq!(gone.len(), 1);
}

/// Stores a referrer of `subject` with one layer and returns its manifest.
pub(super) fn referrer(store: &Store, repository: &str, subject: &Descriptor, layer: &[u8]) -> Descriptor {
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

pub(super) fn digests(descriptors: &[Descriptor]) -> Vec<Digest> {
    descriptors.iter().map(|descriptor| descriptor.digest).collect()
}

/// Stores a companion of `subject` with one layer under its tag, and returns its manifest.
pub(super) fn companion(
    store: &Store,
    names: Names,
    (subject, kind): (&Descriptor, Companion),
    layer: &[u8],
) -> Descriptor {
    let writer = store.writer(names).unwrap();
    let config = blob(&writer, b"{}");
    let manifest = Manifest::new(MediaType::of("s"), config, vec![blob(&writer, layer)]).to_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest);
    writer.publish(&descriptor, &manifest, Some(&kind.tag(&subject.digest))).unwrap();
    descriptor
}
