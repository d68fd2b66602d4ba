//! Documents of registries: kept, verified, and bounded.

use fs_err as fs;

use super::sandbox::{Place, names, place};
use crate::limits;
use crate::oci::{Descriptor, MediaType};

fn document(content: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::of("m"), content)
}

#[test]
fn a_document_is_kept_until_it_is_cleared() {
    let Place { store, .. } = &place();
    let fetched = store.fetched_documents();
    fetched.keep(&document(b"config").digest, b"config");
    assert_eq!(fetched.get(&document(b"config")), None, "a store that does not exist keeps nothing");
    drop(store.writer(names("demo")).unwrap());
    fetched.keep(&document(b"config").digest, b"config");
    assert_eq!(fetched.get(&document(b"config")).as_deref(), Some(&b"config"[..]));
    assert_eq!(store.fetched_bytes().unwrap(), 6);
    assert_eq!(store.clear_unfinished().unwrap().bytes, 6);
    assert_eq!(fetched.get(&document(b"config")), None);
}

#[test]
fn a_damaged_document_is_not_used() {
    let Place { store, .. } = &place();
    drop(store.writer(names("demo")).unwrap());
    let (fetched, document) = (store.fetched_documents(), document(b"config"));
    fetched.keep(&document.digest, b"config");
    for damaged in [&b""[..], b"confi", b"CONFIG", b"config and more"] {
        fs::write(store.private("fetched").join(document.digest.hex()), damaged).unwrap();
        assert_eq!(fetched.get(&document), None);
    }
}

#[test]
fn the_oldest_documents_make_room_for_others() {
    let Place { store, .. } = &place();
    drop(store.writer(names("demo")).unwrap());
    let fetched = store.fetched_documents();
    let content = |number: u64| {
        let mut content = vec![0; usize::try_from(limits::FETCHED_DOCUMENT_BYTES).unwrap()];
        content[..8].copy_from_slice(&number.to_le_bytes());
        content
    };
    let count = limits::FETCHED_BYTES / limits::FETCHED_DOCUMENT_BYTES + 2;
    for number in 0..count {
        fetched.keep(&document(&content(number)).digest, &content(number));
    }
    assert!(store.fetched_bytes().unwrap() <= limits::FETCHED_BYTES);
    assert!(fetched.get(&document(&content(count - 1))).is_some());
    assert!(fetched.get(&document(&content(0))).is_none());
    fetched.keep(&document(&[0; 1]).digest, &vec![0; content(0).len() + 1]);
    assert!(fetched.get(&document(&[0; 1])).is_none(), "it is too large");
}
