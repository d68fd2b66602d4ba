//! The local store after a crash of the machine, and commands that wait for the disk. Only Linux reports which
//! run of the system wrote a file; on other systems every command waits.
#![cfg(target_os = "linux")]

use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use kit_testkit::sandbox::Sandbox;

const MARK: u32 = 0o1000;

fn is_pending(path: &Path) -> bool {
    fs_err::metadata(path).unwrap().mode() & MARK != 0
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    entries.unwrap_or_default()
}

fn blobs(sandbox: &Sandbox) -> Vec<PathBuf> {
    files(&sandbox.store().join("blobs/sha256"))
}

/// The store as the next run of the system finds it: the records are those of another one.
fn restart(sandbox: &Sandbox) {
    for record in files(&sandbox.store().join(".kit/pending")) {
        let name = record.file_name().unwrap().to_str().unwrap();
        let (_, file) = name.split_once('.').unwrap();
        fs_err::rename(&record, record.with_file_name(format!("00000000-0000-0000-0000-000000000000.{file}"))).unwrap();
    }
}

/// Overwrites the middle of the largest blob with zeros, as if these bytes had not been written. Keeps its mode.
fn damage(sandbox: &Sandbox) -> PathBuf {
    let size = |path: &PathBuf| fs_err::metadata(path).unwrap().len();
    let largest = blobs(sandbox).into_iter().max_by_key(size).unwrap();
    let file = fs_err::OpenOptions::new().write(true).open(&largest).unwrap();
    file.file().write_all_at(&[0; 600], size(&largest) / 2).unwrap();
    largest
}

#[test]
fn a_layer_that_a_crash_damaged_is_reported_and_packed_again() {
    let sandbox = Sandbox::packed();
    restart(&sandbox);
    let layer = damage(&sandbox);
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).fails();
    run.says("`sample:v1` lost layers in a crash; pull or pack it again");
    assert!(!layer.exists() && !sandbox.path("out").join("Kitfile").exists());
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    sandbox.kit(&["fsck"]).ok();
}

#[test]
fn sound_blobs_are_trusted_after_one_check() {
    let sandbox = Sandbox::packed();
    assert!(blobs(&sandbox).iter().all(|blob| is_pending(blob)));
    restart(&sandbox);
    let run = sandbox.kit(&["fsck"]).ok();
    assert!(!run.stderr.contains("crash"), "{}", run.stderr);
    assert!(!blobs(&sandbox).iter().any(|blob| is_pending(blob)));
    assert!(!is_pending(&sandbox.store().join("index.json")));
}

#[test]
fn an_index_that_a_crash_cut_off_is_restored() {
    let sandbox = Sandbox::packed();
    restart(&sandbox);
    fs_err::write(sandbox.store().join("index.json"), "{\"schemaVersion\"").unwrap();
    let run = sandbox.kit(&["list"]).ok().prints("sample");
    run.says("a crash has damaged the index of the local store");
    let run = sandbox.kit(&["list"]).ok();
    assert!(!run.stderr.contains("crash"), "{}", run.stderr);
}

#[test]
fn nothing_is_pending_if_the_user_wants_to_wait() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--sync"]).ok();
    let is_any_pending = || blobs(&sandbox).iter().any(|blob| is_pending(blob));
    assert!(!is_any_pending());
    assert!(files(&sandbox.store().join(".kit/pending")).is_empty());
    sandbox.write("project/README.md", "another version");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    assert!(is_any_pending());
    sandbox.write("kit/config.toml", "[defaults]\nsync = true\n");
    sandbox.kit(&["tag", "sample:v2", "sample:v3"]).ok();
    assert!(!is_any_pending(), "what an earlier command left is waited for as well");
    sandbox.kit(&["pack", "project", "-t", "sample:v4", "--sync=false"]).ok();
    sandbox.kit(&["unpack", "sample:v4", "-d", "out"]).ok();
}
