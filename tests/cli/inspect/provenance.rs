//! The provenance attestation of a ModelKit: the facts that it records, and the data that it must not contain.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use kit_testkit::registry::{FakeRegistry, Fault, sha256};
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Runs git in the sandbox's project, without the configuration of the user who runs the tests.
fn git(sandbox: &Sandbox, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", sandbox.path("home")).env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
    }
    let output = command.current_dir(sandbox.path("project")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A project in a git repository with one commit.
fn checkout() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    git(&sandbox, &["init", "-q", "-b", "main"]);
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "-q", "-m", "first"]);
    sandbox
}

/// Returns all attached statements in the store, in the order of the index.
pub fn statements(sandbox: &Sandbox) -> Vec<Value> {
    statements_in(&sandbox.store())
}

fn statements_in(store: &Path) -> Vec<Value> {
    let read = |digest: &Value| -> Value {
        let name = digest.as_str().unwrap().trim_start_matches("sha256:");
        serde_json::from_slice(&fs_err::read(store.join("blobs/sha256").join(name)).unwrap()).unwrap()
    };
    let index: Value = serde_json::from_slice(&fs_err::read(store.join("index.json")).unwrap()).unwrap();
    let entries = index["manifests"].as_array().unwrap().iter().filter(|entry| entry["artifactType"] == IN_TOTO);
    entries.map(|entry| read(&read(&entry["digest"])["layers"][0]["digest"])).collect()
}

fn dependencies(statement: &Value) -> &Vec<Value> {
    statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap()
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn packing_records_the_commit_the_datasets_and_the_time() {
    let sandbox = checkout();
    git(&sandbox, &["remote", "add", "origin", "https://ada:s3cret@git.example/team/sample.git?token=s3cret"]);
    let mut command = sandbox.command(&["pack", "project", "-t", "sample:v1"]);
    let digest = sandbox.run(command.env("SOURCE_DATE_EPOCH", "1700000000")).ok().digest();
    let [statement] = &statements(&sandbox)[..] else { panic!("one statement") };
    assert_eq!(statement["subject"][0]["digest"]["sha256"], digest.trim_start_matches("sha256:"));
    assert_eq!(statement["predicate"]["runDetails"]["metadata"], json!({ "finishedOn": "2023-11-14T22:13:20Z" }));
    let [source, dataset] = &dependencies(statement)[..] else { panic!("{statement:#}") };
    assert_eq!(source["uri"], "git+https://git.example/team/sample.git@refs/heads/main");
    assert_eq!(source["digest"]["gitCommit"], git(&sandbox, &["rev-parse", "HEAD"]));
    assert_eq!(source["annotations"]["dirty"], false);
    assert_eq!((&dataset["name"], dataset["digest"]["sha256"].as_str().unwrap().len()), (&json!("training"), 64));
    let everything: String = sandbox.tree("kit").into_iter().map(|(_, content)| content).collect();
    assert!(!everything.contains("s3cret"));
    sandbox.kit(&["fsck"]).ok();
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn the_attestation_does_not_change_the_modelkit() {
    let (sandbox, plain) = (checkout(), Sandbox::new());
    plain.project();
    let digest = sandbox.kit(&["pack", "project"]).ok().digest();
    assert_eq!(digest, plain.kit(&["pack", "project"]).ok().digest());
    assert_eq!((dependencies(&statements(&sandbox)[0]).len(), dependencies(&statements(&plain)[0]).len()), (2, 1));
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn untracked_and_changed_files_make_a_checkout_dirty() {
    let sandbox = checkout();
    let dirty = |change: &dyn Fn()| {
        change();
        sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
        dependencies(statements(&sandbox).last().unwrap())[0]["annotations"]["dirty"].clone()
    };
    assert_eq!(dirty(&|| ()), false);
    assert_eq!(dirty(&|| drop(sandbox.write("elsewhere", "not in the folder"))), false);
    assert_eq!(dirty(&|| drop(sandbox.write("project/src/new.py", "new"))), true);
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "-q", "-m", "second"]);
    assert_eq!(dirty(&|| drop(sandbox.write("project/src/new.py", "newer"))), true);
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn packing_the_same_again_leaves_one_record() {
    let sandbox = checkout();
    for seconds in ["1700000000", "1800000000"] {
        let mut command = sandbox.command(&["pack", "project", "-t", "sample:v1"]);
        sandbox.run(command.env("SOURCE_DATE_EPOCH", seconds)).ok();
    }
    assert_eq!(statements(&sandbox).len(), 1);
    git(&sandbox, &["commit", "-q", "--allow-empty", "-m", "second"]);
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    assert_eq!(statements(&sandbox).len(), 2, "another commit is another record");
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--no-git"]).ok();
    assert_eq!(dependencies(&statements(&sandbox)[2])[0]["annotations"]["role"], "dataset");
}

#[test]
fn the_version_before_under_the_same_name_is_recorded() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let first = sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok().digest();
    sandbox.write("project/data/train.csv", "a,b\n5,6\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    let previous =
        |statement: &Value| statement["predicate"]["buildDefinition"]["internalParameters"]["previous"].clone();
    assert_eq!(statements(&sandbox).iter().map(previous).collect::<Vec<_>>(), [Value::Null, json!(first)]);
}

#[test]
fn parents_and_datasets_that_are_modelkits_are_recorded_by_digest() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let base = sandbox.kit(&["pack", "project", "-t", "base:v1"]).ok().digest();
    let hash = format!("sha256:{}", "a".repeat(64));
    let kitfile = format!(
        "manifestVersion: 1.0.0\nmodel:\n  path: base:v1\ndatasets:\n  - name: here\n    remotePath: base:v1\n  \
         - name: far\n    remotePath: far.example/data:v1\n  \
         - name: bucket\n    remotePath: https://key:s3cret@bucket/data?signature=s3cret\n    remoteHash: {hash}\n"
    );
    sandbox.write("child/Kitfile", kitfile);
    sandbox.kit(&["pack", "child", "-t", "child:v1"]).ok();
    let statements = statements(&sandbox);
    let hex = |digest: &str| digest.trim_start_matches("sha256:").to_owned();
    let found: Vec<_> = dependencies(statements.last().unwrap())
        .iter()
        .map(|one| {
            (
                one["annotations"]["role"].as_str().unwrap(),
                one["uri"].as_str().unwrap(),
                one["digest"]["sha256"].clone(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("parent", "oci://base:v1", json!(hex(&base))),
            ("dataset", "oci://base:v1", json!(hex(&base))),
            ("dataset", "oci://far.example/data:v1", Value::Null),
            ("dataset", "https://bucket/data", json!(hex(&hash))),
        ]
    );
}

#[test]
fn the_run_of_a_workflow_is_recorded() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let mut command = sandbox.command(&["pack", "project"]);
    command.env("JENKINS_URL", "https://ci.example/").env("BUILD_URL", "https://ci.example/job/pack/7/");
    sandbox.run(&mut command).ok();
    let details = &statements(&sandbox)[0]["predicate"]["runDetails"];
    assert_eq!(details["builder"]["id"], "https://ci.example/");
    assert_eq!(details["metadata"]["invocationId"], "https://ci.example/job/pack/7/");
    sandbox.run(sandbox.command(&["pack", "project"]).env("SOURCE_DATE_EPOCH", "soon")).fails();
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn pack_push_attaches_one_attestation_in_the_registry() {
    let (sandbox, registry) = (checkout(), FakeRegistry::start());
    let name = format!("{}/team/sample:v1", registry.host());
    for _ in 0..2 {
        sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok();
        let published = registry.requests_of("PUT", "/manifests/sha256:");
        let is_record = |body: &[u8]| String::from_utf8_lossy(body).contains(IN_TOTO);
        assert_eq!(published.iter().filter(|request| is_record(&request.body)).count(), 1);
    }
    let pulled = sandbox.kit(&["pull", &name, PLAIN]).ok();
    pulled.says("provenance record: copied");
    assert_eq!(dependencies(&statements(&sandbox)[0]).len(), 2);
    // A registry that refuses the attestation still has the ModelKit.
    let other = FakeRegistry::start();
    other.fail_later("PUT", "/manifests/sha256:", 0, 2, Fault::Status(400, Vec::new()));
    let name = format!("{}/team/sample:v1", other.host());
    let run = sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok();
    run.says("warning: cannot attach `application/vnd.in-toto+json` to the ModelKit: ");
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn the_log_shows_the_clean_commit_of_files_that_were_packed_before_and_after_it() {
    let sandbox = checkout();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    let first = sandbox.kit(&["log", "sample:v1", "--format", "json"]).ok().json()[0]["digest"].clone();
    sandbox.write("project/src/train.py", "print('better')\n");
    let packed = |tag: &str| {
        sandbox.kit(&["pack", "project", "-t", tag]).ok();
        sandbox.kit(&["log", tag, "--format", "json"]).ok().json()[0].clone()
    };
    assert_eq!(packed("sample:v1")["commit"]["dirty"], true);
    git(&sandbox, &["commit", "-q", "-a", "-m", "second"]);
    let clean = packed("sample:v1");
    assert_eq!(clean["commit"]["dirty"], false);
    assert_eq!(clean["commit"]["id"], git(&sandbox, &["rev-parse", "HEAD"]));
    assert_eq!(clean["previous"], first, "the first packing replaced it");

    // Only the record that counts is published.
    let registry = FakeRegistry::start();
    let name = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["push", "sample:v1", &name, PLAIN]).ok();
    let published = registry.requests_of("PUT", "/manifests/sha256:");
    let is_record = |body: &[u8]| String::from_utf8_lossy(body).contains(IN_TOTO);
    assert_eq!(published.iter().filter(|request| is_record(&request.body)).count(), 1);
    let remote = sandbox.kit(&["log", "--remote", &name, PLAIN, "--format", "json"]).ok().json()[0].clone();
    assert_eq!((&remote["commit"], &remote["previous"]), (&clean["commit"], &first));
}

/// A repository from an untrusted archive can contain any git configuration.
#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn nothing_that_a_repository_names_is_run() {
    let sandbox = checkout();
    let program = |name: &str| format!("touch {}", sandbox.path(&format!("ran/{name}")).display());
    fs_err::create_dir(sandbox.path("ran")).unwrap();
    let dirty = || {
        sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
        assert_eq!(sandbox.names("ran"), Vec::<String>::new());
        let source = dependencies(statements(&sandbox).last().unwrap())[0].clone();
        assert_eq!(source["digest"]["gitCommit"], git(&sandbox, &["rev-parse", "HEAD"]));
        source["annotations"].get("dirty").cloned()
    };
    let hook = sandbox.write("project/.git/hooks/post-index-change", format!("#!/bin/sh\n{}\n", program("hook")));
    kit_testkit::platform::set_mode(hook, 0o755);
    for key in ["core.fsmonitor", "core.pager", "core.sshCommand"] {
        git(&sandbox, &["config", key, &program(key)]);
    }
    // A new timestamp and the same content: git has to read the file, and would normally update its index.
    sandbox.write("project/weights/model.bin", "weights\n");
    assert_eq!(dirty(), Some(json!(false)));
    for key in ["filter.evil.clean", "filter.evil.process"] {
        git(&sandbox, &["config", key, &program(key)]);
    }
    sandbox.write("project/.gitattributes", "* filter=evil\n");
    sandbox.write("project/weights/model.bin", "WEIGHTS\n");
    assert_eq!(dirty(), None, "it cannot be determined without the filter");
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_folder_outside_git_and_a_machine_without_git_are_recorded_without_a_commit() {
    let sandbox = checkout();
    sandbox.run(sandbox.command(&["pack", "project"]).env("PATH", "/nowhere")).ok();
    fs_err::remove_file(sandbox.path("project/.git/HEAD")).unwrap();
    sandbox.kit(&["pack", "project"]).ok();
    let statements = statements(&sandbox);
    assert_eq!((statements.len(), dependencies(&statements[0]).len()), (1, 1));
}

#[test]
fn the_digest_of_a_dataset_that_stays_elsewhere_is_that_of_the_lock() {
    let (sandbox, server) = (Sandbox::new(), FakeRegistry::start());
    server.add_file("/train.csv", b"a,b\n");
    let kitfile =
        format!("manifestVersion: 1.0.0\ndatasets: [{{path: d, remotePath: 'http://{}/train.csv'}}]\n", server.host());
    sandbox.write("project/Kitfile", kitfile);
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--lock"]).ok();
    let statement = &statements(&sandbox)[0];
    assert_eq!(dependencies(statement)[0]["digest"]["sha256"], json!(&sha256(b"a,b\n")[7..]));
}
