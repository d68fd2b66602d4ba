//! `diff` with a `Kitfile.lock` as a side: the differences that are found without the ModelKit, and those that cannot
//! be.

use expect_test::expect;
use serde_json::json;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::sandbox::Sandbox;

/// A sandbox with `sample:v1`, its lock in `v1.lock`, and `sample:v2`.
fn locked() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--lock"]).ok();
    fs_err::rename(sandbox.path("project/Kitfile.lock"), sandbox.path("v1.lock")).unwrap();
    sandbox.write("project/src/train.py", "print('TRAIN')\n");
    sandbox.write("project/src/new.py", "");
    fs_err::rename(sandbox.path("project/data/train.csv"), sandbox.path("project/data/test.csv")).unwrap();
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    sandbox
}

#[test]
fn a_lock_is_compared_like_its_modelkit() {
    let sandbox = locked();
    sandbox.kit(&["diff", "v1.lock", "sample:v1", "--exit-code"]).ok().prints("ModelKits are identical");
    let registry = DockerRegistry::start();
    let remote = format!("{}/sample:v2", registry.host());
    sandbox.kit(&["push", "sample:v2", &remote, "--plain-http"]).ok();
    let remote = format!("remote://{remote}");
    for second in ["sample:v2", "project", &remote] {
        let run = sandbox.kit(&["diff", "v1.lock", second, "--plain-http"]).ok();
        let text = run.stdout.replace(second, "SECOND");
        let (above, below) = text.split_once("\nComparing:").unwrap();
        expect![[r#"
            v1.lock → SECOND    concerns: datasets, code
            Files              1 changed, 1 added, 1 moved
              ~ data/test.csv  8 B   moved from data/train.csv
              + src/new.py     0 B
              ~ src/train.py   15 B
            No change: model, configuration, docs, deployment
        "#]]
        .assert_eq(above);
        assert!(below.contains("Configs differ:\n  ModelKit1 Config Digest: <not in a lock>\n"));
        assert!(below.contains("\ndocs      | sha256:349816f1eb  | 2.0 KiB    | README.md\n"), "{below}");
        assert!(below.contains("\ncode      | sha256:d4d21f2a0e  | ?          | src\n"), "{below}");
    }
    let run = sandbox.kit(&["diff", "sample:v2", "./v1.lock", "--only", "data", "--exit-code"]);
    assert_eq!(run.code, Some(1));
    run.prints("~ data/train.csv  8 B   moved from data/test.csv");
}

#[test]
fn a_lock_shows_that_the_kitfile_differs_but_not_in_which_fields() {
    let sandbox = locked();
    let kitfile = sandbox.read("project/Kitfile").replace("epochs: 10", "epochs: 12");
    sandbox.write("project/Kitfile", kitfile);
    let run = sandbox.kit(&["diff", "v1.lock", "project"]).ok();
    run.prints("concerns: datasets, code, configuration\n").prints(
        "\nKitfile            differs; the fields are unknown, since a lock contains only the digest of the Kitfile\n",
    );
    let markdown = sandbox.kit(&["diff", "v1.lock", "project", "--format", "markdown"]).ok();
    markdown.prints("\nKitfile: differs; the fields are unknown");
    let diff =
        |only: &str| sandbox.kit(&["diff", "v1.lock", "project", "--only", only, "--exit-code", "--format", "json"]);
    for (only, code, fields) in [("configuration", 1, json!(null)), ("docs", 0, json!([]))] {
        let run = diff(only);
        assert_eq!((run.code, &run.json()["kitfile"]), (Some(code), &fields), "{only}");
    }
}

#[test]
fn the_parents_in_a_lock_are_compared_with_their_current_digests() {
    let sandbox = Sandbox::new();
    let pack_base = |weights: &str| {
        sandbox.write("base/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m.bin}\n");
        sandbox.write("base/m.bin", weights);
        sandbox.kit(&["pack", "base", "-t", "base:v1"]).ok();
    };
    pack_base("one");
    sandbox.write("tuned/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: base:v1}\ncode: [{path: src}]\n");
    sandbox.write("tuned/src/a.py", "");
    sandbox.kit(&["pack", "tuned", "-t", "tuned:v1", "--lock"]).ok();
    let lock = "tuned/Kitfile.lock";
    assert_eq!(sandbox.kit(&["diff", lock, "tuned:v1", "--format", "json"]).ok().json()["parents"], json!([]));
    fs_err::rename(sandbox.path(lock), sandbox.path("old.lock")).unwrap();
    pack_base("two");
    sandbox.kit(&["pack", "tuned", "--lock"]).ok();
    let digests = regex::Regex::new("sha256:[0-9a-f]{12}").unwrap();
    for second in ["tuned", lock] {
        let run = sandbox.kit(&["diff", "old.lock", second, "--only", "model", "--exit-code"]);
        assert_eq!(run.code, Some(1));
        let text = digests.replace_all(&run.stdout, "[DIGEST]").replace(second, "SECOND");
        expect![[r#"
            old.lock → SECOND    concerns: model
            Parents
              ~ base:v1  [DIGEST]… → [DIGEST]…
        "#]]
        .assert_eq(&text);
    }
}

#[test]
fn a_file_that_is_not_a_lock_is_refused() {
    let sandbox = locked();
    let lock = sandbox.read("v1.lock").replace("\nkitfile ", "\nkitfiles ");
    sandbox.write("wrong.lock", lock);
    sandbox
        .kit(&["diff", "wrong.lock", "sample:v1", "--exit-code"])
        .exits(2)
        .says("wrong.lock:3:1: unknown record `kitfiles`; did you mean `kitfile`?");
    sandbox.kit(&["diff", "./project/Kitfile", "sample:v1"]).fails().says("the first line is not `Kitfile.lock 1`");
}
