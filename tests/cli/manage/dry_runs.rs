//! Dry runs of commands that change the local store, a folder or a registry: they show what would be done, and leave
//! every byte as it is.

use expect_test::expect;
use serde_json::json;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";

/// Checks that a dry run with these arguments succeeds and changes nothing in the sandbox, and returns its output.
#[track_caller]
fn check(sandbox: &Sandbox, args: &[&str]) -> String {
    let before = sandbox.tree(".");
    let run = sandbox.kit(&[args, &["--dry-run"]].concat()).ok();
    assert!(sandbox.tree(".") == before, "{args:?} changed a file");
    run.redacted_stdout()
}

#[test]
fn removing_shows_names_and_modelkits() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["tag", "sample:v1", "sample:v2,v3"]).ok();
    let both = check(&sandbox, &["remove", "sample:v1,v2"]);
    assert_eq!(both, "Would untag sample:v1\nWould untag sample:v2\n");
    let last = check(&sandbox, &["remove", "sample:v1,v2,v3"]);
    assert_eq!(last.lines().last(), Some("Would remove sample:v3 (digest [DIGEST])"));
    assert_eq!(check(&sandbox, &["remove", "--all", "--force"]).lines().count(), 3);
    assert_eq!(check(&sandbox, &["remove", "--all"]), "");
    let document = sandbox.kit(&["remove", "sample:v1", "--dry-run", "--format", "json"]).ok().json();
    assert_eq!((&document["dryRun"], &document["artifacts"][0]["action"]), (&json!(true), &json!("untagged")));
    sandbox.kit(&["remove", "sample:v9", "--dry-run"]).exits(4);
    sandbox.kit(&["remove", "sample:v1,v2,v3"]).ok();
    assert!(!sandbox.kit(&["list"]).ok().stdout.contains("sample"));
}

#[test]
fn removing_from_a_registry_shows_the_tags_and_deletes_none() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    let name = |tag: &str| format!("{}/team/sample:{tag}", registry.host());
    for tag in ["v1", "v2"] {
        sandbox.kit(&["push", "sample:v1", &name(tag), PLAIN]).ok();
    }
    let run = |args: &[&str]| sandbox.kit(&[&["remove", "--remote", "--dry-run", PLAIN], args].concat());
    run(&[&name("v1")]).ok().prints(&format!("Would untag {}", name("v1")));
    run(&[&name("v1"), "--force"]).exits(8).says("has other tags in the registry");
    run(&[&name("v1"), "--force", "--all-tags"]).ok().prints("Would remove ");
    run(&[&name("v9")]).exits(4);
    assert!(registry.requests_of("DELETE", "").is_empty());
}

#[test]
fn packing_shows_the_layers_and_the_digest() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let planned = check(&sandbox, &["pack", "project", "-t", "sample:v1,v2"]);
    expect![[r#"
        send            4096 [DIGEST] datasets data
        send            2560 [DIGEST] model weights/model.bin
        send            2560 [DIGEST] model.parts weights/tokenizer.json
        send            2560 [DIGEST] code src
        send            2048 [DIGEST] docs README.md
        send            1163 [DIGEST] config
        add             2866 [DIGEST] sample:v1
        add             2866 [DIGEST] sample:v2
    "#]]
    .assert_eq(&planned);
    let planned = sandbox.kit(&["pack", "project", "--dry-run"]).ok().stdout;
    let digest = sandbox.kit(&["pack", "project", "-t", "sample:v1", "--lock"]).ok().digest();
    assert!(planned.trim_end().ends_with(&format!("{digest} (no tag)")), "{planned}");
    let planned = check(&sandbox, &["pack", "project", "-t", "sample:v1", "--lock"]);
    assert!(planned.lines().all(|line| line.starts_with("skip ") || line.starts_with("add ")), "{planned}");
    sandbox.write("project/data/train.csv", "a,b\n5,6\n");
    sandbox.kit(&["pack", "project", "--locked", "--dry-run"]).exits(3);
    let registry = FakeRegistry::start();
    let name = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["pack", "project", "--push", &name, PLAIN, "--dry-run"]).ok().prints(&name);
    assert!(registry.requests().iter().all(|request| request.method == "HEAD" || request.method == "GET"));
    sandbox.write("project/.env", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n");
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: .}]\n");
    sandbox.kit(&["pack", "project", "--dry-run"]).fails().says("look like secrets");
}

#[test]
fn unpacking_shows_the_files_and_those_that_exist() {
    let sandbox = Sandbox::packed();
    sandbox.write("out/README.md", sandbox.read("project/README.md"));
    let planned = check(&sandbox, &["unpack", "sample:v1", "-d", "out", "--filter", "kitfile,docs,datasets"]);
    expect![[r#"
        write              312 Kitfile
        exists               9 README.md
        write                8 data/more/val.csv
        write                8 data/train.csv
    "#]]
    .assert_eq(&planned);
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "new", "--dry-run", "--path", "weights/*.json"]).ok();
    run.prints("weights/tokenizer.json").says("1 file (").says("would be written to ");
    assert!(!sandbox.path("new").exists());
    sandbox.kit(&["unpack", "sample:v1", "-d", "new", "--dry-run", "--path", "*.gguf"]).exits(4);
    sandbox.kit(&["unpack", "sample:v1", "-d", "new", "--dry-run", "--filter", "model:none"]).exits(4);
    let all = sandbox.kit(&["unpack", "sample:v1", "-d", "new", "--dry-run", "--format", "json"]).ok().json();
    sandbox.kit(&["unpack", "sample:v1", "-d", "new"]).ok();
    let paths: Vec<_> = all["plannedFiles"].as_array().unwrap().iter().map(|file| file["path"].clone()).collect();
    let names: Vec<_> = sandbox.names("new").into_iter().map(|name| json!(name)).collect();
    assert_eq!(paths, names);
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_dry_run_of_unpack_fails_as_the_unpacking_would() {
    let sandbox = Sandbox::packed();
    // The same size, another size, and a folder at the path of a file.
    sandbox.write("out/README.md", "# Zample\n");
    sandbox.write("out/data/train.csv", "mine");
    sandbox.write("out/weights/model.bin/mine", "");
    let unpack = ["unpack", "sample:v1", "-d", "out"];
    let run = |flags: &[&str]| sandbox.kit(&[&unpack[..], flags].concat());
    let before = sandbox.tree(".");
    let planned = run(&["--dry-run"]).exits(8).prints("differs              9 README.md");
    assert_eq!(planned.redacted_failure(), run(&[]).exits(8).redacted_failure());
    assert!(planned.stderr.contains("3 existing files differ"), "{}", planned.stderr);
    // A folder is never replaced.
    let planned = run(&["--dry-run", "-o"]).exits(8).prints("replace              8 data/train.csv");
    assert_eq!(planned.redacted_failure(), run(&["-o"]).exits(8).redacted_failure());
    let selected = ["--filter", "docs,datasets"];
    run(&[&["--dry-run", "--ignore-existing"][..], &selected].concat())
        .ok()
        .prints("keep                 8 data/train.csv");
    let document = run(&[&["--dry-run", "--format", "json"][..], &selected].concat()).exits(8).json();
    assert_eq!(document["plannedFiles"][0]["action"], "differs");
    let layer = run(&[&["--dry-run", "-o"][..], &selected].concat()).ok();
    layer.says("3 files (25 B) would be written to out, 0 files exist, 2 files replaced; nothing was changed");
    assert!(sandbox.tree(".") == before, "a dry run changed a file");
    // A link, and a path that programs trust.
    kit_testkit::platform::symlink("elsewhere", sandbox.path("out/link")).unwrap();
    for folder in ["out/link", "out/README.md"] {
        let args = ["unpack", "sample:v1", "-d", folder];
        let (planned, real) = (sandbox.kit(&[&args[..], &["--dry-run"]].concat()), sandbox.kit(&args));
        assert_eq!(planned.redacted_failure(), real.redacted_failure(), "{folder}");
    }
}

#[test]
fn a_dry_run_of_unpack_shows_what_delete_deletes() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    fs_err::remove_file(sandbox.path("project/data/more/val.csv")).unwrap();
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let unpack = ["unpack", "sample:v2", "-d", "out", "--delete"];
    let planned = check(&sandbox, &unpack);
    assert!(planned.lines().any(|line| line == "delete               - data/more/val.csv"), "{planned}");
    let document = sandbox.kit(&[&unpack[..], &["--dry-run", "--format", "json"]].concat()).ok().json();
    assert_eq!(document["deletedPaths"], json!(["data/more/val.csv"]));
    sandbox.kit(&unpack).ok();
    assert!(!sandbox.path("out/data/more/val.csv").exists());
}

#[test]
fn clearing_the_cache_shows_the_bytes() {
    let sandbox = Sandbox::packed();
    sandbox.write("kit/store/.kit/ingest/partial", "12345");
    assert_eq!(check(&sandbox, &["cache", "clear"]), "Would free 5 B\n");
    sandbox.kit(&["cache", "clear"]).ok().says("5 B freed");
}
