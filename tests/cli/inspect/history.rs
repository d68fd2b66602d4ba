//! `kit log` and `kit lineage`: the order of versions, and the sources of a ModelKit.

use expect_test::{Expect, expect};
use regex::Regex;
use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";

/// Packs the project at a fixed time, given in hours after the beginning of 2026.
fn pack(sandbox: &Sandbox, hours: u32, args: &[&str]) -> String {
    let mut command = sandbox.command(&["pack", "project"]);
    let seconds = 1_767_225_600 + u64::from(hours) * 3600;
    sandbox.run(command.args(args).env("SOURCE_DATE_EPOCH", seconds.to_string())).ok().digest()
}

/// A sandbox with three versions of the project. The tag of the second one moved to the third.
fn versions() -> Sandbox {
    versions_each(&|_, _| ())
}

/// Packs the same versions, and calls `then` with the name of each one after packing it.
fn versions_each(then: &dyn Fn(&Sandbox, &str)) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    pack(&sandbox, 1, &["-t", "sample:v1"]);
    then(&sandbox, "v1");
    sandbox.write("project/data/train.csv", "a,b\n5,6\n");
    sandbox.write("project/data/new.csv", "a,b\n");
    pack(&sandbox, 2, &["-t", "sample:v2"]);
    then(&sandbox, "v2");
    sandbox.write("project/src/train.py", "print('trained')\n");
    let kitfile = sandbox.read("project/Kitfile").replace("epochs: 10", "epochs: 12");
    sandbox.write("project/Kitfile", kitfile.replace("docs:\n  - path: README.md\n", ""));
    pack(&sandbox, 3, &["-t", "sample:v2,latest"]);
    then(&sandbox, "v2");
    then(&sandbox, "latest");
    sandbox
}

/// Returns standard output without digests.
fn table(run: &Run) -> String {
    Regex::new("[0-9a-f]{12}").unwrap().replace_all(&run.stdout, "[12 digits]").into_owned()
}

fn check(run: &Run, expected: &Expect) {
    expected.assert_eq(&table(run));
}

#[test]
fn the_log_shows_what_changed_in_each_version() {
    let sandbox = versions();
    check(
        &sandbox.kit(&["log", "sample"]).ok(),
        &expect![[r#"
            TAGS         DIGEST         TIME (UTC)         AUTHORS   COMMIT   CHANGES
            latest, v2   [12 digits]   2026-01-01 03:00   Ada       -        code ~1, docs -1, kitfile ~
            -            [12 digits]   2026-01-01 02:00   Ada       -        datasets ~1
            v1           [12 digits]   2026-01-01 01:00   Ada       -        first
        "#]],
    );
    check(
        &sandbox.kit(&["log", "sample:v2", "--files"]).ok(),
        &expect![[r#"
            TAGS         DIGEST         TIME (UTC)         AUTHORS   COMMIT   CHANGES
            latest, v2   [12 digits]   2026-01-01 03:00   Ada       -        code ~1, docs -1, kitfile ~
              - README.md     9 B
              ~ src/train.py  15 B → 17 B   +1 −1
            -            [12 digits]   2026-01-01 02:00   Ada       -        datasets ~1
              + data/new.csv    4 B
              ~ data/train.csv  8 B   1 row, +1 −1
            v1           [12 digits]   2026-01-01 01:00   Ada       -        first
        "#]],
    );
    check(
        &sandbox.kit(&["log", "sample:v1"]).ok(),
        &expect![[r#"
            TAGS   DIGEST         TIME (UTC)         AUTHORS   COMMIT   CHANGES
            v1     [12 digits]   2026-01-01 01:00   Ada       -        first
        "#]],
    );
    let data = sandbox.kit(&["log", "sample", "--format", "json", "--files"]).ok().json();
    let second = &data[1];
    assert_eq!((&second["tags"], &second["time"]), (&json!([]), &json!("2026-01-01T02:00:00Z")));
    assert_eq!(second["layers"], json!([{ "kind": "datasets", "added": 0, "removed": 0, "changed": 1 }]));
    assert_eq!(second["files"].as_array().unwrap().len(), 2);
    assert_eq!((&data[0]["previous"], &data[0]["kitfileChanged"]), (&second["digest"], &json!(true)));
    sandbox.kit(&["log", "nothing"]).fails().says("not found in the local store");
    sandbox.kit(&["log", "sample:v9"]).fails().says("cannot show the log of `sample:v9`");
}

#[test]
fn a_version_is_compared_with_the_one_it_replaced() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let first = pack(&sandbox, 1, &["-t", "sample:main"]);
    sandbox.kit(&["tag", "sample:main", "sample:next"]).ok();
    sandbox.write("project/README.md", "# Main\n");
    pack(&sandbox, 2, &["-t", "sample:main"]);
    sandbox.write("project/README.md", "# Next\n");
    pack(&sandbox, 3, &["-t", "sample:next"]);
    let log = sandbox.kit(&["log", "sample", "--format", "json"]).ok().json();
    assert_eq!((&log[0]["tags"], &log[0]["comparedWith"]), (&json!(["next"]), &json!(first)));
    assert_eq!((&log[1]["tags"], &log[2]["digest"]), (&json!(["main"]), &json!(first)));
}

#[test]
fn a_version_that_is_packed_again_keeps_its_place() {
    let (sandbox, mut digests) = (Sandbox::new(), Vec::new());
    sandbox.project();
    for (hours, content) in [(1, "one"), (2, "two"), (3, "three"), (4, "one"), (5, "two")] {
        sandbox.write("project/data/train.csv", content);
        digests.push(pack(&sandbox, hours, &["-t", "sample:latest"]));
    }
    let listed = sandbox.kit(&["log", "sample", "--format", "{{.digest}} {{.time}}"]).ok().stdout;
    let expected: Vec<_> = [(2, "03"), (1, "02"), (0, "01")]
        .map(|(at, hour)| format!("{} 2026-01-01T{hour}:00:00Z", digests[at]))
        .to_vec();
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
    // A name of its own comes first, and the tag that moves comes later.
    sandbox.write("project/data/train.csv", "four");
    pack(&sandbox, 6, &["-t", "sample:v4"]);
    pack(&sandbox, 7, &["-t", "sample:latest"]);
    let log = sandbox.kit(&["log", "sample", "--format", "json"]).ok().json();
    assert_eq!(log[0]["tags"], serde_json::json!(["latest", "v4"]), "{log}");
    assert_eq!(log[0]["previous"], digests[1], "{log}");
}

#[test]
fn the_log_of_a_registry_finds_untagged_versions_by_attestations() {
    let registry = DockerRegistry::start();
    let sandbox = versions_each(&|sandbox, tag| {
        let name = format!("{}/team/sample:{tag}", registry.host());
        sandbox.kit(&["push", &format!("sample:{tag}"), &name, PLAIN]).ok();
    });
    let name = format!("{}/team/sample", registry.host());
    check(
        &sandbox.kit(&["log", "--remote", &name, PLAIN]).ok(),
        &expect![[r#"
            TAGS         DIGEST         TIME (UTC)         AUTHORS   COMMIT   CHANGES
            latest, v2   [12 digits]   2026-01-01 03:00   Ada       -        code ~1, docs -1, kitfile ~
            -            [12 digits]   2026-01-01 02:00   Ada       -        datasets ~1
            v1           [12 digits]   2026-01-01 01:00   Ada       -        first
        "#]],
    );
    let stored = sandbox.kit(&["log", "sample:latest", "--files"]).ok().stdout;
    let remote = sandbox.kit(&["log", "--remote", &format!("{name}:latest"), "--files", PLAIN]).ok().stdout;
    assert_eq!(remote, stored);
    sandbox.kit(&["log", "--remote", "sample", PLAIN]).exits(2).says("has no registry host");
    sandbox.kit(&["list", &name, PLAIN]).ok().prints("latest");
}

#[test]
fn a_log_reads_only_documents_and_works_with_a_registry_that_lists_no_records() {
    let (sandbox, registry) = (versions(), FakeRegistry::start());
    let name = format!("{}/team/sample", registry.host());
    for tag in ["v1", "v2"] {
        sandbox.kit(&["push", &format!("sample:{tag}"), &format!("{name}:{tag}"), PLAIN]).ok();
    }
    registry.forget_requests();
    sandbox.kit(&["log", "--remote", &name, PLAIN]).ok().prints("2026-01-01 03:00");
    let read: u64 = registry.requests().iter().map(|request| request.answer_bytes).sum();
    assert!(read < 20_000, "{read} bytes");
    registry.fail_later("GET", "/referrers/", 0, 100, Fault::Status(403, Vec::new()));
    let run =
        sandbox.kit(&["log", "--remote", &name, PLAIN]).ok().says("warning: cannot read the provenance of `sha256:");
    assert_eq!(run.stdout.lines().count(), 3);
}

#[test]
fn modelkits_of_kitops_have_a_log_without_records() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let layout = kit_testkit::sandbox::repository().join("tests/golden/layouts");
    let first = fs_err::read_dir(layout).unwrap().next().unwrap().unwrap().path();
    let run = sandbox.kit(&["log", &format!("oci:{}", first.display())]).ok();
    assert!(run.stdout.lines().nth(1).is_some_and(|line| line.ends_with("first")), "{}", run.stdout);
}

/// A model built on two others, with datasets of all kinds.
fn family() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    pack(&sandbox, 1, &["-t", "base:v1"]);
    let pack_kitfile = |folder: &str, name: &str, kitfile: &str| {
        sandbox.write(&format!("{folder}/Kitfile"), format!("manifestVersion: 1.0.0\n{kitfile}"));
        sandbox.kit(&["pack", folder, "-t", name]).ok();
    };
    pack_kitfile("tuned", "tuned:v1", "model:\n  path: base:v1\n");
    sandbox.write("top/rows.csv", "1\n");
    // With a SHA-256 digest, packing does not ask the object store.
    let hash = format!("sha256:{}", "a".repeat(64));
    let datasets = "datasets:\n  - name: rows\n    path: rows.csv\n  - name: shared\n    remotePath: base:v1\n  \
                    - name: gone\n    remotePath: other:v1\n  \
                    - name: bucket\n    remotePath: s3://key:s3cret@bucket/rows\n    remoteHash: HASH\n"
        .replace("HASH", &hash);
    pack_kitfile("top", "top:v1", &format!("model:\n  path: tuned:v1\n{datasets}"));
    sandbox
}

#[test]
fn the_lineage_is_a_tree_whose_branches_are_verified_or_declared() {
    let sandbox = family();
    check(
        &sandbox.kit(&["lineage", "top:v1"]).ok(),
        &expect![[r#"
            top:v1  sha256:[12 digits]
            ├── parent tuned:v1  sha256:[12 digits]  verified by digest
            │   └── base model base:v1  sha256:[12 digits]  verified by digest
            │       └── dataset training  sha256:[12 digits]  verified by digest
            ├── dataset rows  sha256:[12 digits]  verified by digest
            ├── dataset base:v1  sha256:[12 digits]  verified by digest (see above)
            ├── dataset other:v1  declared
            └── dataset s3://bucket/rows  sha256:[12 digits]  declared
        "#]],
    );
    let json = sandbox.kit(&["lineage", "top:v1", "--format", "json"]).ok().json();
    let (nodes, edges) = (json["nodes"].as_array().unwrap(), json["edges"].as_array().unwrap());
    let names: Vec<_> = nodes.iter().map(|node| node["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["top:v1", "tuned:v1", "base:v1", "training", "rows", "other:v1", "s3://bucket/rows"]);
    assert_eq!(edges[0], json!({ "from": 0, "to": 1, "kind": "parent", "proof": "verified by digest" }));
    sandbox
        .kit(&["lineage", "top:v1", "--format", "dot"])
        .ok()
        .prints("n0 -> n1 [label=\"parent, verified by digest\"]");
    sandbox.kit(&["lineage", "top:v1", "--format", "mermaid"]).ok().prints("n0 -->|\"parent, verified by digest\"| n1");
    sandbox.kit(&["lineage", "nothing:v1"]).fails().says("cannot show the lineage of `nothing:v1`");
}

#[test]
fn a_recorded_pin_is_verified_instead_of_the_moved_tag() {
    let sandbox = family();
    let proofs = || -> Vec<Value> {
        let json = sandbox.kit(&["lineage", "tuned:v1", "--format", "json"]).ok().json();
        vec![json["edges"][0]["proof"].clone(), json["nodes"][1]["digest"].clone()]
    };
    let before = proofs();
    sandbox.write("project/README.md", "# Another\n");
    pack(&sandbox, 5, &["-t", "base:v1"]);
    assert_eq!(proofs(), before, "the tag moved, the record did not");
    sandbox.kit(&["remove", "--all"]).ok();
    assert_eq!(proofs(), [json!("declared"), before[1].clone()], "what was pinned is gone");
}

#[test]
fn a_cycle_of_modelkits_ends() {
    let sandbox = Sandbox::new();
    sandbox.write("one/rows.csv", "1\n");
    let kitfile =
        |other: &str| format!("manifestVersion: 1.0.0\ndatasets:\n  - name: other\n    remotePath: {other}\n");
    for (folder, other) in [("one", "two:v1"), ("two", "one:v1")] {
        sandbox.write(&format!("{folder}/Kitfile"), kitfile(other));
        sandbox.kit(&["pack", folder, "-t", &format!("{folder}:v1")]).ok();
    }
    sandbox.kit(&["pack", "one", "-t", "one:v1"]).ok();
    check(
        &sandbox.kit(&["lineage", "one:v1"]).ok(),
        &expect![[r#"
        one:v1  sha256:[12 digits]
        └── dataset two:v1  sha256:[12 digits]  verified by digest
            └── dataset one:v1  sha256:[12 digits]  verified by digest (see above)
    "#]],
    );
}

#[test]
fn other_forms_are_not_versions_of_their_own() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    let name = format!("{}/net", registry.host());
    sandbox.allow_plain_http(registry.host());
    let push = |from: &str, to: &str, also: &[&str]| {
        sandbox.kit(&[&["push", from, &format!("{name}:{to}")], also].concat()).ok();
    };
    pack(&sandbox, 1, &["-t", "net:v1"]);
    push("net:v1", "v1", &["--also", "image,modelpack"]);
    let tags = |wanted: &str| {
        let versions = sandbox.kit(&["log", "--remote", wanted, "--format", "json"]).ok().json();
        versions.as_array().unwrap().iter().map(|version| version["tags"].clone()).collect::<Value>()
    };
    assert_eq!(tags(&name), json!([["v1"]]));
    // A ModelKit with other files that only has such a name is a version.
    sandbox.write("project/src/train.py", "print('other')\n");
    pack(&sandbox, 2, &["-t", "net:other"]);
    push("net:other", "v1-modelpack", &[]);
    assert_eq!(tags(&name), json!([["v1-modelpack"], ["v1"]]));
    push("net:v1", "v1", &["--also", "modelpack"]);
    assert_eq!(tags(&format!("{name}:v1-modelpack"))[0], json!(["v1-modelpack"]), "it is named");
}

#[test]
fn one_warning_is_about_all_unverified_tables_of_a_log_or_a_comparison() {
    let registry = FakeRegistry::start();
    let name = format!("{}/net", registry.host());
    let sandbox = versions_each(&|sandbox, tag| {
        sandbox.kit(&["push", &format!("sample:{tag}"), &format!("{name}:{tag}"), PLAIN]).ok();
    });
    let (v1, v2) = (format!("{name}:v1"), format!("{name}:v2"));
    for args in [&["log", "--remote", "--files", &name][..], &["diff", &v1, &v2]] {
        let mut command = sandbox.command(&[args, &[PLAIN]].concat());
        let run = sandbox.run(command.env("KIT_HOME", sandbox.path("elsewhere"))).ok();
        let warnings: Vec<_> = run.stderr.lines().filter(|line| line.contains("not verified")).collect();
        assert_eq!(warnings.len(), 1, "{args:?}: {}", run.stderr);
        assert!(warnings[0].contains(" more are shown by their tables of contents"), "{}", run.stderr);
    }
}
