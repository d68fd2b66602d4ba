//! `fsck --repair`: only damaged blobs are removed, and names of which nothing is left.

use std::path::PathBuf;

use fs_err as fs;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

fn blob(sandbox: &Sandbox, digest: &str) -> PathBuf {
    sandbox.store().join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
}

/// Replaces the first byte of a blob.
fn damage(sandbox: &Sandbox, digest: &str) {
    let path = blob(sandbox, digest);
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn layers(sandbox: &Sandbox) -> Vec<String> {
    let manifest = sandbox.kit(&["inspect", "sample:v1"]).ok().json()["manifest"].clone();
    let layers = manifest["layers"].as_array().unwrap();
    layers.iter().map(|layer| layer["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_repair_removes_only_the_damaged_blob_and_keeps_the_name() {
    let sandbox = Sandbox::packed();
    let layers = layers(&sandbox);
    let (damaged, sound) = layers.split_last().unwrap();
    damage(&sandbox, damaged);
    let planned = sandbox.kit(&["fsck", "--repair", "--dry-run"]).exits(3);
    planned
        .says("1 damaged blob and 0 names would be removed")
        .says("1 ModelKit would stay incomplete: sample:v1; 1 blob missing");
    assert!(blob(&sandbox, damaged).exists(), "a dry run removes nothing");
    let repaired = sandbox.kit(&["fsck", "--repair"]).exits(3).says("1 damaged blob and 0 names removed");
    repaired.says("1 ModelKit is still incomplete: sample:v1; 1 blob missing. Pull or pack it again, or remove it");
    assert!(!blob(&sandbox, damaged).exists());
    for layer in sound {
        assert!(blob(&sandbox, layer).exists(), "{layer} is sound");
    }
    let document = sandbox.kit(&["fsck", "--format", "json"]).fails().json();
    assert_eq!((&document["sound"], &document["broken"][0]["recoverable"]), (&false.into(), &true.into()));
    sandbox.kit(&["fsck", "--repair"]).exits(3).says("1 ModelKit is still incomplete: sample:v1");
    sandbox.kit(&["fsck"]).fails().says("the store has 1 incomplete ModelKit").prints("broken sample:v1");
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.kit(&["fsck"]).ok().prints("The store is sound");
}

#[test]
fn a_repair_of_a_lost_manifest_removes_the_name_but_no_layer() {
    let sandbox = Sandbox::packed();
    let layers = layers(&sandbox);
    let digest = sandbox.kit(&["inspect", "sample:v1"]).ok().json()["digest"].as_str().unwrap().to_owned();
    damage(&sandbox, &digest);
    let run = sandbox.kit(&["fsck", "--repair"]).ok();
    run.says("Pull or pack again: sample:v1").says("belong to no ModelKit; `kit cache clear` frees them");
    for layer in &layers {
        assert!(blob(&sandbox, layer).exists(), "{layer} is sound");
    }
    sandbox.kit(&["fsck"]).ok();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
}

#[test]
fn a_damaged_archive_asks_for_another_copy_of_it() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["save", "sample:v1", "-o", "a.tar"]).ok();
    let mut bytes = fs::read(sandbox.path("a.tar")).unwrap();
    let text = b"# Sample";
    let place = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[place] ^= 1;
    fs::write(sandbox.path("a.tar"), bytes).unwrap();
    fs::remove_dir_all(sandbox.store()).unwrap();
    let run = sandbox.kit(&["load", "a.tar"]).exits(3);
    run.says("does not match its digest").says("hint: the archive is truncated or damaged; copy it again");
    let registry = FakeRegistry::start();
    let run = sandbox.kit(&["load", "a.tar", "--push", registry.host(), "--plain-http"]).exits(3);
    run.says("does not match its digest").says("hint: the archive is truncated or damaged; copy it again");
}
