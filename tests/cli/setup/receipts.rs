//! The results of commands that change something: as JSON, as a digest, and as a file.

use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples;
use kit_testkit::sandbox::Sandbox;
use serde_json::{Value, json};

const REFERENCE: &str = include_str!("../../../docs/reference/json.md");

/// Expects the reference to describe every member of `document`.
fn expect_documented(document: &Value) {
    for member in document.as_object().unwrap().keys() {
        assert!(REFERENCE.contains(&format!("`{member}`")), "docs/reference/json.md lacks `{member}` of {document}");
    }
}

/// The members that each document has, and those of the command.
fn check(document: &Value, digest: Option<&str>, references: &[&str], facts: &[&str]) {
    assert_eq!(document["digest"], json!(digest), "{document}");
    assert_eq!(document["references"], json!(references), "{document}");
    assert!(document["seconds"].is_f64(), "{document}");
    expect_documented(document);
    for artifact in document["artifacts"].as_array().unwrap() {
        assert!(artifact["digest"].is_string() && artifact["action"].is_string(), "{document}");
    }
    for fact in facts {
        assert!(!document[fact].is_null(), "no {fact} in {document}");
    }
}

#[test]
fn commands_that_change_something_print_one_json_object() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    sandbox.allow_plain_http(registry.host());
    let name = |tag: &str| format!("{}/team/net:{tag}", registry.host());
    let run = |arguments: &[&str]| sandbox.kit(&[arguments, &["--format", "json"]].concat()).ok().json();
    let copied = ["sentBytes", "presentBytes", "mountedBytes", "resumedBytes"];

    let v1 = name("v1");
    let packed = run(&["pack", "project", "-t", &v1]);
    let digest = packed["digest"].as_str().unwrap().to_owned();
    let digest = Some(digest.as_str());
    check(&packed, digest, &[&v1], &["totalBytes", "reusedBytes"]);
    check(&run(&["pack", "project", "--push", &name("direct")]), digest, &[&name("direct")], &copied);
    let planned = run(&["push", &v1, "--dry-run"]);
    assert_eq!((&planned["dryRun"], &planned["digest"]), (&json!(true), &Value::Null), "{planned}");
    assert!(planned["blobs"].as_array().unwrap().iter().all(|blob| blob["bytes"].is_u64()), "{planned}");
    let pushed = run(&["push", &v1, "--also", "image"]);
    check(&pushed, digest, &[&v1, &name("v1-image")], &copied);
    check(&run(&["copy", &v1, &name("v2")]), digest, &[&name("v2"), &name("v2-image")], &copied);
    let promoted = run(&["promote", &v1, &name("live")]);
    check(&promoted, digest, &[&name("live"), &name("live-image")], &copied);
    assert_eq!(promoted["previousDigest"], Value::Null);
    assert_eq!(run(&["promote", &v1, &name("live")])["previousDigest"], json!(digest));
    check(&run(&["tag", &v1, "a:v1,v2"]), digest, &["a:v1", "a:v2"], &[]);
    check(&run(&["save", "a:v1", "-o", "a.tar"]), digest, &["a:v1"], &["totalBytes", "omittedBytes"]);
    check(&run(&["unpack", "a:v1", "-d", "out"]), digest, &["a:v1"], &["folder", "files", "writtenBytes"]);
    check(&run(&["remove", "a:v1"]), digest, &["a:v1"], &["freedBytes"]);
    check(&run(&["load", "a.tar"]), digest, &["a:v1"], &copied);
    check(&run(&["pull", &name("live")]), digest, &[&name("live")], &copied);
    assert_eq!(run(&["convert", "a:v1", "--to", "modelpack"])["references"], json!(["a:v1-modelpack"]));
    assert_eq!(run(&["index", "create", "all:v1", "a:v1"])["artifacts"][0]["action"], "created");
    assert_eq!(run(&["index", "delete", "all:v1"])["references"], json!(["all:v1"]));
    check(&run(&["cache", "info"]), None, &[], &["unfinishedBytes", "unneededBytes"]);
    check(&run(&["cache", "clear"]), None, &[], &["freedBytes"]);
    check(&run(&["fsck"]), None, &[], &["sound", "blobs", "readBytes"]);
    let logged_out = run(&["logout", registry.host()]);
    assert_eq!(logged_out["registry"], registry.host());
    expect_documented(&logged_out);
    expect_documented(&planned["blobs"][0]);
}

/// Expects the row of `command` in the reference to list exactly the members of `document`.
fn check_row(command: &str, document: &Value) {
    let row = REFERENCE.lines().find(|line| line.starts_with(&format!("| `{command}` | "))).unwrap();
    let object = document.get(0).unwrap_or(document).as_object().unwrap();
    for member in object.keys() {
        assert!(row.contains(&format!("`{member}`")), "the row of `{command}` lacks `{member}`");
    }
    let list = row.contains("| list |");
    assert_eq!(document.is_array(), list, "{command}: {document}");
}

/// Expects the row of `command` in the reference to list the members of the objects at `places` in `document`, too.
fn check_nested(command: &str, document: &Value, places: &[&str]) {
    for place in places {
        check_row(command, document.pointer(place).unwrap_or_else(|| panic!("{document} has no {place}")));
    }
}

#[test]
fn the_reference_describes_comparisons_and_tensors() {
    let sandbox = Sandbox::new();
    let tensors = |end: u8| {
        let header = r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        let mut file = samples::safetensors(header, 8);
        *file.last_mut().unwrap() = end;
        file
    };
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m.safetensors}\ncode: [{path: src}]\n");
    sandbox.write("p/m.safetensors", tensors(1));
    sandbox.write("p/src/t.csv", "a,b\n1,2\n");
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    let models = sandbox.kit(&["inspect", "a:v1", "--tensors", "--format", "json"]).ok().json();
    check_row("inspect --tensors", &models);
    let nested = ["/models/0", "/models/0/types/0", "/models/0/estimatedMemory", "/models/0/files/0"];
    check_nested("inspect --tensors", &models, &nested);

    sandbox.write("p/m.safetensors", tensors(2));
    sandbox.write("p/src/t.csv", "a,c\n1,2\n");
    sandbox.kit(&["pack", "p", "-t", "a:v2"]).ok();
    let args = ["diff", "a:v1", "a:v2", "--stats", "--patch", "--format", "json"];
    let diff = sandbox.kit(&args).ok().json();
    check_row("diff", &diff);
    check_nested("diff", &diff, &["/first", "/second", "/uniqueToFirst/0"]);
    for place in ["/files/0", "/files/0/before", "/files/0/tensors", "/files/0/tensors/changes/0"] {
        expect_documented(diff.pointer(place).unwrap_or_else(|| panic!("{diff} has no {place}")));
    }
    for place in ["/files/0/tensors/changes/0/statistics", "/files/1/table", "/files/1/text"] {
        expect_documented(diff.pointer(place).unwrap_or_else(|| panic!("{diff} has no {place}")));
    }
}

#[test]
fn the_reference_describes_the_documents_of_commands_that_show_something() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    sandbox.allow_plain_http(registry.host());
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    sandbox.kit(&["index", "create", "all:v1", "a:v1"]).ok();
    sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    sandbox.write("pinned/Kitfile", "manifestVersion: 1.0.0\nmodel:\n  path: a:v1\n");
    for (command, arguments) in [
        ("list", &["list"] as &[&str]),
        ("ls", &["ls", "a:v1"]),
        ("log", &["log", "a"]),
        ("inspect", &["inspect", "a:v1"]),
        ("verify", &["verify", "out", "a:v1"]),
        ("update", &["update", "pinned", "--local", "--pin", "--dry-run"]),
        ("lineage", &["lineage", "a:v1"]),
        ("report", &["report", "a:v1"]),
        ("doctor REGISTRY", &["doctor", registry.host()]),
        ("config", &["config"]),
        ("index list", &["index", "list"]),
    ] {
        check_row(command, &sandbox.kit(&[arguments, &["--format", "json"]].concat()).ok().json());
    }
    let info = sandbox.kit(&["index", "info", "all:v1", "--format", "json"]).ok().json();
    check_row("index info", &info);
    check_nested("index info", &info, &["/modelKits/0"]);
    let findings = sandbox.kit(&["validate", "project", "--format", "json"]).json();
    check_row("validate", &findings);
}

#[test]
fn a_member_without_a_value_is_null() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode:\n  - path: a.txt\n");
    sandbox.write("p/a.txt", "a");
    sandbox.kit(&["pack", "p"]).ok();
    let listed = sandbox.kit(&["list", "--format", "json"]).ok().json();
    for member in ["repo", "modelName", "author", "tags"] {
        assert_eq!(listed[0][member], Value::Null, "{listed}");
    }
    assert_eq!(sandbox.kit(&["list", "--format", "{{.ModelName}}"]).ok().stdout, "<none>\n");
}

#[test]
fn quiet_prints_the_digest_only() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    sandbox.allow_plain_http(registry.host());
    let name = |tag: &str| format!("{}/team/net:{tag}", registry.host());
    let digest = sandbox.kit(&["pack", "project", "-t", &name("v1")]).ok().digest();
    let line = format!("{digest}\n");
    for arguments in [
        &["pack", "project", "-t", &name("v1"), "-q"] as &[&str],
        &["push", &name("v1"), "--also", "image", "-q"],
        &["copy", &name("v1"), &name("v2"), "--quiet"],
        &["promote", &name("v1"), &name("live"), "-q"],
        &["pull", &name("live"), "-q"],
    ] {
        let run = sandbox.kit(arguments).ok();
        assert_eq!((run.stdout, run.stderr.as_str()), (line.clone(), ""), "{arguments:?}");
    }
    assert_eq!(sandbox.kit(&["tag", &name("v1"), "a:v1", "-q"]).ok().stdout, "");
}

#[test]
fn the_digest_file_exists_only_after_success() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let digest = sandbox.kit(&["pack", "project", "-t", "a:v1", "--digest-file", "digest"]).ok().digest();
    assert_eq!(sandbox.read("digest"), digest);
    sandbox.kit(&["pack", "nothing", "-t", "a:v1", "--digest-file", "digest"]).fails();
    let run = sandbox.kit(&["pack", "project", "-t", "c:v1", "--digest-file", "nope/digest"]).exits(4);
    run.says("cannot write the digest to").says("does not exist");
    sandbox.kit(&["inspect", "c:v1"]).exits(4);
    assert!(!sandbox.path("digest").exists(), "the old digest would be taken for the new one");
}

#[test]
fn a_document_and_data_do_not_share_standard_output() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    let run = sandbox.kit(&["save", "a:v1", "-o", "-", "--format", "json"]).exits(2);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_template_with_an_unknown_field_changes_nothing() {
    let sandbox = Sandbox::packed();
    for command in [
        &["unpack", "sample:v1", "-d", "out"][..],
        &["pack", "project", "-t", "sample:v2"],
        &["tag", "sample:v1", "sample:v2"],
        &["remove", "sample:v1", "--force"],
    ] {
        let run = sandbox.kit(&[command, &["--format", "{{.Nope}}"]].concat());
        assert_eq!(run.says("there is no field `Nope`").code, Some(2), "{command:?}");
    }
    assert!(!sandbox.path("out").exists());
    assert_eq!(sandbox.kit(&["list", "--format", "{{.Tags}}"]).ok().stdout, "[v1]\n");
}

#[cfg(unix)]
#[test]
fn a_digest_goes_into_a_device_or_through_a_link_and_replaces_neither() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap();
    assert!(made.success());
    let reader = std::process::Command::new("cat")
        .arg(sandbox.path("pipe"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let digest = sandbox.kit(&["pack", "project", "-t", "a:v1", "--digest-file", "pipe"]).ok().digest();
    assert_eq!(reader.wait_with_output().unwrap().stdout, digest.as_bytes());
    kit_testkit::platform::symlink("old", sandbox.path("link")).unwrap();
    sandbox.write("old", "sha256:earlier");
    sandbox.kit(&["pack", "project", "-t", "a:v1", "--digest-file", "link"]).ok();
    assert_eq!(sandbox.read("old"), digest);
    assert!(sandbox.path("link").is_symlink());
    sandbox.kit(&["pack", "nothing", "--digest-file", "link"]).fails();
    assert_eq!(sandbox.read("old"), "", "the digest of an earlier run is gone");
    sandbox.kit(&["save", "a:v1", "-o", "pipe.tar"]).ok();
    fs_err::rename(sandbox.path("pipe"), sandbox.path("pipe.tar")).unwrap();
    sandbox.kit(&["save", "a:v1", "-o", "pipe.tar"]).exits(2).says("is not a regular file");
}
