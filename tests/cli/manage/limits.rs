//! Limits on what other people decide: they are checked before anything is written, and they never prevent a removal.

use fs_err as fs;
use serde_json::{Value, json};

use kit_testkit::sandbox::Sandbox;

#[test]
fn layers_that_no_manifest_can_list_are_refused_before_anything_is_written() {
    let sandbox = Sandbox::new();
    let paths = (0..9000).map(|number| format!("{}{number}", "long".repeat(24)));
    let entries = paths.map(|path| {
        sandbox.write(&format!("project/{path}"), "");
        format!("- path: {path}\n")
    });
    let entries: String = entries.collect();
    sandbox.write("project/Kitfile", format!("manifestVersion: 1.0.0\ncode:\n{entries}"));
    for args in [&["pack", "project", "-t", "a:v1"][..], &["pack", "project", "--push", "oci:layout:v1"]] {
        let run = sandbox.kit(args).fails().says("for 9000 layers, and the limit is 4194304");
        run.says("hint: use one entry of the Kitfile for a whole folder");
    }
    assert!(!sandbox.store().join("blobs/sha256").exists_with_files());
    assert!(!sandbox.path("layout/index.json").exists());
}

trait Folder {
    fn exists_with_files(&self) -> bool;
}

impl Folder for std::path::PathBuf {
    fn exists_with_files(&self) -> bool {
        fs::read_dir(self).is_ok_and(|entries| entries.count() > 0)
    }
}

fn two_modelkits() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.project();
    let digest = sandbox.kit(&["pack", "project", "-t", "kept:v1"]).ok().digest();
    sandbox.write("project/README.md", "# Other\n");
    sandbox.kit(&["pack", "project", "-t", "other:v1"]).ok();
    (sandbox, digest)
}

fn blobs(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.store().join("blobs/sha256")).unwrap().count()
}

#[test]
fn removing_a_modelkit_keeps_the_layers_of_one_whose_manifest_cannot_be_read() {
    let (sandbox, digest) = two_modelkits();
    let manifest = sandbox.store().join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let (whole, before) = (fs::read(&manifest).unwrap(), blobs(&sandbox));
    fs::write(&manifest, "no manifest").unwrap();
    let run = sandbox.kit(&["remove", "other:v1"]).ok().prints("Removed other:v1");
    run.says("disk space was not freed: cannot read the manifest `kept:v1`").says("`kit fsck` shows");
    assert_eq!(blobs(&sandbox), before);
    sandbox.kit(&["fsck"]).fails().says("the store is damaged: 1 blob");
    fs::write(&manifest, whole).unwrap();
    sandbox.kit(&["fsck"]).ok();
    sandbox.kit(&["unpack", "kept:v1", "-d", "out"]).ok();
    sandbox.kit(&["remove", "kept:v1"]).ok().says("freed");
    assert_eq!(blobs(&sandbox), 0);
}

#[test]
fn a_manifest_that_cannot_be_read_can_be_removed_and_repaired() {
    for way in [&["remove", "kept:v1"][..], &["fsck", "--repair"]] {
        let (sandbox, digest) = two_modelkits();
        let manifest = sandbox.store().join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
        fs::write(&manifest, "no manifest").unwrap();
        sandbox.kit(way).ok();
        sandbox.kit(&["fsck"]).ok();
        sandbox.kit(&["remove", "other:v1"]).ok();
        assert_eq!(blobs(&sandbox), 0, "{way:?}");
    }
}

/// Fills the index of the store up to its limit, and `more` bytes beyond it.
fn fill_index(sandbox: &Sandbox, more: usize) {
    let path = sandbox.store().join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    index["annotations"] = json!({ "padding": "" });
    let length = index.to_string().len();
    index["annotations"] = json!({ "padding": "x".repeat((64 << 20) + more - length) });
    fs::write(&path, index.to_string()).unwrap();
}

#[test]
fn a_full_index_refuses_additions_before_anything_is_written_and_allows_removals() {
    for more in [0, 1 << 20] {
        let (sandbox, _) = two_modelkits();
        fill_index(&sandbox, more);
        let before = sandbox.names("kit/store/blobs");
        sandbox.write("project/README.md", "# Third\n");
        for args in [&["pack", "project", "-t", "third:v1"][..], &["tag", "kept:v1", "kept:v2"]] {
            let run = sandbox.kit(args).fails().says("is full: with this change it would have");
            run.says("and the limit is 67108864")
                .says("hint: remove ModelKits with `kit remove`, or use another store");
        }
        assert_eq!(sandbox.names("kit/store/blobs"), before);
        sandbox.kit(&["list"]).ok().prints("kept");
        sandbox.kit(&["fsck"]).ok();
        sandbox.kit(&["remove", "other:v1"]).ok().says("freed");
        sandbox.kit(&["unpack", "kept:v1", "-d", "out"]).ok();
    }
}
