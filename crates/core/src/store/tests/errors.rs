//! Errors name the store that failed: the local one, or the layout that the user named.

use fs_err as fs;

use super::sandbox::{artifact, place};
use crate::store::error::Error;
use crate::store::layout::{Names, Store};

/// Fails to use what `damage` makes of a store, as the local store and as a layout.
fn check<T>(damage: impl Fn(&Store), operation: impl Fn(Store) -> Result<T, Error>) {
    let place = place();
    let descriptor = artifact(&place.store, "r.example/a", Some("v1"), b"layer");
    place.store.writer(Names::Tags).unwrap().enter(&descriptor, Some("v1")).unwrap();
    damage(&place.store);
    let root = place.store.root();
    let fails = |store: Result<Store, Error>| store.and_then(&operation).map(drop).unwrap_err().to_string();
    assert_eq!(fails(Store::open(root)), "cannot use the local store");
    let expected = format!("cannot use the OCI image layout `{}`", root.display());
    assert_eq!(fails(place.store.open_layout(root)), expected);
}

fn becomes_folder(path: std::path::PathBuf) {
    fs::remove_file(&path).unwrap();
    fs::create_dir(path).unwrap();
}

#[test]
fn an_error_names_the_store_that_failed() {
    check(|store| becomes_folder(store.root().join("oci-layout")), Ok);
    check(|store| becomes_folder(store.index_file()), |store| store.index());
    check(|store| becomes_folder(store.index_file()), |store| store.find(&Names::Tags, "v1"));
    let without_blobs = |store: &Store| {
        fs::remove_dir_all(store.root().join("blobs")).unwrap();
        fs::write(store.root().join("blobs"), "").unwrap();
    };
    check(without_blobs, |store| store.writer(Names::Tags));
    let locked = |store: &Store| {
        fs::remove_dir_all(store.private("")).unwrap();
        fs::write(store.root().join(".kit"), "").unwrap();
    };
    check(locked, |store| store.writer(Names::Tags));
}
