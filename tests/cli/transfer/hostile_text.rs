//! Untrusted text in every kind of output: nothing in it is obeyed by a terminal or by the log of a CI system.

use kit_core::problem::is_hidden;
use serde_json::json;

use super::hostile::{Layout, tar};
use kit_testkit::sandbox::{Run, Sandbox};

/// A terminal title, a forged line with a command for a CI system, a reordered and an invisible character, and a C1
/// control.
const HOSTILE: &str = "a\u{1b}]0;title\u{7}\n::error::forged\u{202e}\u{200b}\u{9b}31m ##[error]x";

#[track_caller]
fn is_harmless(run: &Run) {
    for line in [&run.stdout, &run.stderr].into_iter().flat_map(|text| text.split('\n')) {
        assert!(!line.contains(is_hidden), "{line:?}");
        assert!(!line.trim_start().starts_with("::"), "{line:?}");
        let is_json = line.trim_start().starts_with(['"', '{']);
        assert!(is_json || !line.contains("##["), "{line:?}");
    }
}

/// A layout with a ModelKit whose names, annotations and paths are hostile.
fn hostile(sandbox: &Sandbox) {
    let layout = Layout::new(sandbox);
    let path = format!("d{HOSTILE}");
    let mut layer = layout.layer("tar", &tar(&path, b"one\n::error::x\n"));
    layer["annotations"] = json!({ HOSTILE: HOSTILE });
    let config = json!({
        "manifestVersion": "1.0.0",
        "package": { "name": HOSTILE, "authors": [HOSTILE], "description": HOSTILE },
        "model": { "name": HOSTILE, "path": path, "digest": layer["digest"], "parameters": { HOSTILE: HOSTILE } },
        "datasets": [{ "name": HOSTILE, "path": "data", "remotePath": format!("s3://bucket/{HOSTILE}") }],
    });
    layout.publish_annotated(&config, &[layer], &json!({ HOSTILE: HOSTILE }));
}

#[test]
fn nothing_in_a_foreign_name_is_obeyed() {
    let sandbox = Sandbox::new();
    hostile(&sandbox);
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "mine:v1"]).ok();
    let kit = "oci:layout:v1";
    is_harmless(&sandbox.kit(&["pull", kit, "a:v1"]).ok());
    for args in [
        &["ls", kit][..],
        &["ls", kit, "--format", "json"],
        &["list"],
        &["list", "--format", "json"],
        &["inspect", "a:v1"],
        &["info", "a:v1", "--format", "json"],
        &["diff", "mine:v1", kit],
        &["diff", "mine:v1", kit, "--patch"],
        &["diff", "mine:v1", kit, "--format", "json"],
        &["diff", "mine:v1", kit, "--format", "markdown"],
        &["log", "a"],
        &["log", "a", "--files"],
        &["lineage", "a:v1"],
        &["lineage", "a:v1", "--format", "dot"],
        &["report", "a:v1"],
        &["report", "a:v1", "--format", "markdown"],
        &["report", "a:v1", "--format", "json"],
        &["push", "a:v1", "oci:out:v1", "--dry-run"],
        &["verify", "project", "a:v1"],
        &["unpack", kit, "-d", "unpacked", "--filter", "model", "--progress", "json"],
        &["unpack", kit, "-d", "unpacked", "--filter", "model", "-vv"],
        &["unpack", kit, "-d", "unpacked", "--include-remote"],
        &["unpack", kit, "-d", "unpacked", "--filter", "docs"],
        &["copy", kit, "oci:copied:v1"],
        &["fsck"],
    ] {
        let run = sandbox.kit(args);
        assert_ne!(run.code, Some(2), "{args:?}: {}", run.stderr);
        is_harmless(&run);
    }
    let diff = sandbox.kit(&["diff", "mine:v1", kit]).ok();
    let shown = r"a\u{1b}]0;title\u{7}\n::error::forged\u{202e}\u{200b}\u{9b}31m \u{23}#[error]x";
    assert!(diff.stdout.contains(&format!("{shown}={shown}")), "{}", diff.stdout);
}

#[test]
#[cfg_attr(windows, ignore = "makes a folder with control characters in its name")]
fn nothing_in_a_foreign_error_is_obeyed() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    let name = format!("outside{HOSTILE}");
    let layer = layout.layer("tar", &tar(&name, b"content"));
    let config = json!({ "model": { "path": "d", "digest": layer["digest"] } });
    layout.publish_annotated(&config, &[layer], &json!({}));
    is_harmless(&sandbox.kit(&["unpack", "oci:layout:v1", "-d", "out"]).fails());
    is_harmless(&sandbox.kit(&["unpack", "oci:layout:v1", "-d", "out", "--progress", "json"]).fails());
    sandbox.write("project/Kitfile", format!("manifestVersion: 1.0.0\n{:?}: 1\nmodel: {{path: {:?}}}\n", HOSTILE, 7));
    is_harmless(&sandbox.kit(&["pack", "project", "-t", "a:v1"]).fails());
    sandbox.write(&format!("named{}/Kitfile", HOSTILE.replace('/', "")), "nonsense: [\n");
    is_harmless(&sandbox.kit(&["pack", &format!("named{HOSTILE}"), "-t", "a:v1"]).fails());
}
