//! The command lines that other programs run `kit` with, and what they read from its output.
//!
//! `kitops-ts`, the SDK of KitOps for Node, is not in the package registry under a name that can be installed, so its
//! calls and its way of reading tables are repeated here.

use std::collections::BTreeMap;
use std::process::Stdio;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{Access, FakeRegistry};
use kit_testkit::sandbox::{Run, Sandbox};

fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox
}

/// Runs `kit` with a standard input that stays open and never delivers anything, as `kitops-ts` does.
fn with_open_input(sandbox: &Sandbox, args: &[&str]) -> Run {
    let (reader, writer) = std::io::pipe().unwrap();
    let run = sandbox.run(sandbox.command(args).stdin(Stdio::from(reader)));
    drop(writer);
    run
}

/// Runs `kit` with `text` as its standard input.
fn with_input(sandbox: &Sandbox, text: &str, args: &[&str]) -> Run {
    let input = fs_err::File::open(sandbox.write("input", text)).unwrap();
    sandbox.run(sandbox.command(args).stdin(Stdio::from(input.into_file())))
}

/// The rows of a table, split at two or more blanks.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect()
}

/// The `Key: Value` lines of a text; the value ends at the next colon.
fn pairs(text: &str) -> BTreeMap<&str, &str> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(key, rest)| (key, rest.split(':').next().unwrap_or_default().trim())).collect()
}

#[test]
fn the_calls_of_the_sdk_for_node_work() {
    let (sandbox, registry) = (project(), DockerRegistry::start());
    let host = registry.host();
    let (reference, other) = (format!("{host}/team/sample:v1"), format!("{host}/team/sample:v2"));
    let call = |args: &[&str]| with_open_input(&sandbox, args).ok();
    with_input(&sandbox, "right", &["login", host, "--username", "ada", "--password-stdin", "--plain-http"]).ok();
    let pack = ["pack", "project", "--tag", &reference, "--compression=none", "--use-model-pack=false"];
    call(&pack);
    call(&["push", &reference, "--plain-http", "--tls-verify=false"]);
    call(&["pull", &reference, "--plain-http=true", "--tls-verify=true"]);
    call(&["tag", &reference, &other]);
    let table = call(&["list", "--format", "table"]).stdout;
    let rows = rows(&table);
    assert_eq!(rows[0], ["REPOSITORY", "TAG", "MAINTAINER", "NAME", "SIZE", "DIGEST"]);
    assert!(rows.len() == 3 && rows.iter().all(|row| row.len() == 6), "{table}");
    assert_eq!(call(&["list", "--format", "json"]).json()[0]["modelName"], "sample");
    let remote = call(&["list", "--format", "table", &format!("{host}/team/sample"), "--plain-http"]).stdout;
    assert_eq!(remote.lines().count(), 2, "{remote}");
    call(&["info", &reference, "--remote=false", "--filter=model"]).prints("path: weights/model.bin");
    let inspected = call(&["inspect", &reference, "--remote", "--plain-http"]);
    assert_eq!(inspected.stderr, "");
    assert_eq!(inspected.json()["kitfile"]["package"]["name"], "sample");
    let unpack = ["unpack", &reference, "--dir=out", "--overwrite", "--ignore-existing=false", "--filter=model"];
    call(&[&unpack[..], &["--filter=docs"]].concat());
    assert_eq!(sandbox.names("out"), ["README.md", "weights/model.bin", "weights/tokenizer.json"]);
    call(&["init", "out", "--name=net", "--desc=A net", "--author=Ada", "--force"]);
    assert!(sandbox.read("out/Kitfile").contains("name: net"));
    call(&["remove", &other, "--force=false", "--all=false", "--remote=false"]);
    call(&["remove", &reference, "--force", "--all=false", "--remote", "--plain-http"]);
    call(&["remove", "--all", "--force"]);
    call(&["logout", host]);
    let version = call(&["version"]).stdout;
    let version = pairs(&version);
    for key in ["Version", "Commit", "Built", "Go version"] {
        assert!(version.get(key).is_some_and(|value| !value.is_empty()), "{key}: {version:?}");
    }
}

#[test]
fn the_sdk_for_node_finds_its_sections_in_a_comparison() {
    let sandbox = project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.write("project/data/train.csv", "a,b\n5,6\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let diff = with_open_input(&sandbox, &["diff", "sample:v1", "sample:v2"]).ok().stdout;
    let lines: Vec<_> = diff.lines().map(str::trim).collect();
    let place = |start: &str| {
        lines.iter().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}\n{diff}"))
    };
    assert!(place("Configurations:") < place("Configs differ:"));
    for digest in ["ModelKit1 Config Digest: sha256:", "ModelKit2 Config Digest: sha256:"] {
        assert!((place("Configs differ:")..place("Annotations:")).contains(&place(digest)));
    }
    let starts =
        ["Annotations:", "Shared Layers", "Unique Layers to ModelKit1", "Unique Layers to ModelKit2"].map(place);
    assert!(starts.is_sorted(), "{diff}");
    let rows = |from: usize, to: usize| {
        lines[from..to].iter().filter(|line| !line.starts_with("Type") && line.split('|').count() >= 3).count()
    };
    let [_, shared, first, second] = starts;
    assert_eq!((rows(shared, first), rows(first, second), rows(second, lines.len())), (4, 1, 1), "{diff}");
}

#[test]
fn the_calls_of_the_dagger_module_work() {
    let (sandbox, registry) = (project(), FakeRegistry::start());
    registry.configure(|options| options.access = Access::Basic { username: "ada", password: "right" });
    let reference = format!("{}/team/sample:v1", registry.host());
    let host = registry.host();
    let plain = "--plain-http";
    sandbox.kit(&["login", "-v", host, "-u", "ada", "-p", "right", plain]).ok();
    sandbox.kit(&["pack", "project", "-t", &reference, "-f", "project/Kitfile"]).ok();
    sandbox.kit(&["push", &reference, plain]).ok();
    sandbox.kit(&["tag", &reference, &format!("{host}/team/sample:v2"), plain]).ok();
    sandbox.kit(&["pull", &reference, plain]).ok();
    sandbox.kit(&["unpack", &reference, "-d", "all", plain]).ok();
    assert_eq!(sandbox.names("all"), sandbox.names("project"));
    sandbox.kit(&["unpack", &reference, "-d", "some", "--model", "--code", "--kitfile", plain]).ok();
    assert!(sandbox.path("some/weights/model.bin").exists() && sandbox.path("some/Kitfile").exists());
    assert!(!sandbox.path("some/README.md").exists());
}

#[test]
fn the_calls_of_the_containers_for_kserve_work() {
    let (sandbox, registry) = (project(), FakeRegistry::start());
    registry.configure(|options| options.access = Access::Basic { username: "AWS", password: "right" });
    let host = registry.host();
    sandbox.allow_plain_http(host);
    sandbox.kit(&["version"]).ok();
    let reference = format!("{host}/team/sample:v1");
    with_input(&sandbox, "right\n", &["login", "--username", "AWS", "--password-stdin", host]).ok();
    sandbox.kit(&["pack", "project", "-t", &reference]).ok();
    sandbox.kit(&["push", &reference]).ok();
    sandbox.kit(&["logout", host]).ok();
    sandbox.kit(&["remove", "--all", "--force"]).ok();
    with_input(&sandbox, "right\n", &["login", host, "-u", "AWS", "--password-stdin"]).ok();
    // The storage container: flags from a variable after the positional arguments.
    sandbox.kit(&["unpack", &reference, "-d", "kserve", "--filter", "model", "--filter=kitfile", "-o"]).ok();
    assert!(sandbox.path("kserve/Kitfile").exists());
    // The init image, first as its script is, then with a folder among the extra flags.
    let unpack = ["unpack", &reference, "--filter=model", "--ignore-existing"];
    for folder in [["--dir", "init"], ["-d", "extra"]] {
        sandbox.kit(&[&unpack[..], &folder].concat()).ok();
        assert_eq!(sandbox.names(folder[1]), ["weights/model.bin", "weights/tokenizer.json"]);
    }
    sandbox.kit(&[&unpack[..], &["--dir", "init"]].concat()).ok();
}

#[test]
fn the_calls_of_the_kubeflow_components_work() {
    let (sandbox, registry) = (project(), FakeRegistry::start());
    registry.configure(|options| options.access = Access::Basic { username: "ada", password: "right" });
    let host = registry.host();
    sandbox.allow_plain_http(host);
    // The credentials of a Kubernetes secret.
    sandbox.write("docker/config.json", format!(r#"{{"auths":{{"{host}":{{"auth":"YWRhOnJpZ2h0"}}}}}}"#));
    let reference = format!("{host}/team/sample:v1");
    let run = |args: &[&str]| sandbox.run(sandbox.command(args).env("DOCKER_CONFIG", sandbox.path("docker"))).ok();
    run(&["version", "--show-update-notifications=false"]);
    fs_err::remove_file(sandbox.path("project/Kitfile")).unwrap();
    run(&["init", "project", "--name", "net", "--desc", "A net", "--author", "Ada"]);
    run(&["pack", "project", "-t", &reference]);
    run(&["push", &reference]);
    let inspected = run(&["inspect", &reference, "--remote"]);
    assert_eq!(inspected.stderr, "", "the component reads both streams as one JSON document");
    assert!(inspected.json()["digest"].as_str().unwrap().starts_with("sha256:"));
    run(&["unpack", &reference, "-d", "out"]);
    let mut names = sandbox.names("project");
    names.retain(|name| name != ".kitignore");
    assert_eq!(sandbox.names("out"), names);
    // Without a name, and without a terminal to ask at.
    fs_err::remove_file(sandbox.path("project/Kitfile")).unwrap();
    with_open_input(&sandbox, &["init", "project"]).ok();
}
