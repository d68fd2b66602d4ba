//! Interoperability with other tools from the Python package index: they read artifacts that `kit` wrote, or run `kit`.
//!
//! `scripts/test.sh` installs them (`tests/peers/requirements.txt`). If it cannot, it reports that at its end, and sets
//! `KIT_TEST_PEERS=missing`, which makes these tests do nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{Access, FakeRegistry};
use kit_testkit::sandbox::{Sandbox, repository};

/// Returns the Python interpreter that has the packages; `None` if they could not be installed.
#[allow(clippy::disallowed_methods, reason = "the rule is for the program, not for tests")]
pub(crate) fn python() -> Option<PathBuf> {
    if std::env::var("KIT_TEST_PEERS").is_ok_and(|text| text == "missing") {
        return None;
    }
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers/bin/python");
    assert!(python.exists(), "{} is missing: scripts/test.sh installs the tools of others", python.display());
    Some(python)
}

/// Runs a script of `tests/peers` in the sandbox, with the tested `kit` on its path, and returns its output.
pub(crate) fn run(python: &Path, sandbox: &Sandbox, folder: &str, script: &str, args: &[&str]) -> Value {
    let kit = Path::new(env!("CARGO_BIN_EXE_kit")).parent().unwrap();
    let mut command = Command::new(python);
    command.arg("-B").arg(repository().join("tests/peers").join(script)).args(args).current_dir(sandbox.path(folder));
    command.env_clear().env("HOME", sandbox.path("home")).env("KIT_HOME", sandbox.path("kit")).env("NO_PROXY", "*");
    command.env("PATH", format!("{}:/usr/bin:/bin", kit.display())).stdin(Stdio::null());
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script} {args:?}\n{stdout}\n{stderr}");
    serde_json::from_str(stdout.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{script}: {stdout}"))
}

fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn modelpack_client_pulls_a_pushed_modelpack() {
    let Some(python) = python() else { return };
    let registry = DockerRegistry::start();
    for (name, flags) in [
        ("raw", &[][..]),
        ("tar", &["--layer-format", "tar"]),
        ("gzip", &["--compression", "gzip"]),
        ("zstd", &["--compression", "zstd"]),
    ] {
        let sandbox = project();
        let remote = format!("{}/team/sample:{name}", registry.host());
        let pack = [&["pack", "project", "--use-model-pack", "--push", &remote, "--plain-http"], flags].concat();
        sandbox.kit(&pack).ok();
        let config = run(&python, &sandbox, "", "modelpack_client_pull.py", &[&remote, "out"]);
        assert_eq!(
            config["descriptor"],
            json!({ "name": "sample", "version": "0.1.0", "title": "sample", "authors": ["Ada"] })
        );
        let mut expected = sandbox.tree("project");
        expected.retain(|(path, _)| path != "Kitfile");
        assert!(sandbox.tree("out") == expected, "{name}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn modelpack_client_pulls_the_modelpack_beside_a_modelkit() {
    let Some(python) = python() else { return };
    let (sandbox, registry) = (project(), DockerRegistry::start());
    let remote = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["pack", "project", "-t", &remote]).ok();
    sandbox.kit(&["push", &remote, "--also", "modelpack", "--plain-http"]).ok();
    run(&python, &sandbox, "", "modelpack_client_pull.py", &[&format!("{remote}-modelpack"), "out"]);
    assert_eq!(sandbox.read("out/weights/model.bin"), "weights\n");
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn oras_lists_and_fetches_either_family() {
    let Some(python) = python() else { return };
    let (sandbox, registry) = (project(), DockerRegistry::start());
    for (tag, flags) in [("kit", &[][..]), ("pack", &["--use-model-pack"])] {
        let remote = format!("{}/team/sample:{tag}", registry.host());
        sandbox.kit(&[&["pack", "project", "--push", &remote, "--plain-http"], flags].concat()).ok();
        let seen = run(&python, &sandbox, "", "oras_fetch.py", &[&remote, tag]);
        assert!(seen["tags"].as_array().unwrap().contains(&tag.into()), "{seen}");
        assert_eq!(seen["fetched"], seen["expected"]);
        assert_eq!(seen["fetched"].as_object().unwrap().len(), 5);
    }
    assert_eq!(sandbox.read("pack/weights/model.bin"), "weights\n", "a raw layer is the file");
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn the_sdk_of_kitops_runs_its_workflow_on_our_binary() {
    let Some(python) = python() else { return };
    let (sandbox, registry) = (project(), FakeRegistry::start());
    registry.configure(|options| options.access = Access::Basic { username: "ada", password: "right" });
    let host = registry.host();
    sandbox.write("kit/config.toml", format!("[registry.\"{host}\"]\nplain-http = true\n"));
    let reference = format!("{host}/team/sample:v1");
    let folder = sandbox.path("out");
    let seen = run(&python, &sandbox, "project", "kitops_workflow.py", &[&reference, folder.to_str().unwrap()]);
    assert_eq!(seen["unpacked"], "sample");
    assert_eq!((&seen["info"], &seen["part"]), (&"net".into(), &"sample".into()));
    assert!(seen["digest"].as_str().unwrap().starts_with("sha256:"));
    assert!(seen["listed"].as_str().unwrap().contains("v1-again"), "{seen}");
    assert_eq!(seen["generated"], "weights/model.bin");
    assert!(!seen["left"].as_str().unwrap().contains("sample"), "{seen}");
    let files =
        json!(["Kitfile", "README.md", "data/more/val.csv", "data/train.csv", "src/train.py", "weights/model.bin"]);
    assert_eq!(seen["files"], files);
    assert!(registry.manifest("team/sample", "v1").is_none(), "it was removed there");
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn each_function_of_the_sdk_of_kitops_works_with_its_documented_options() {
    let Some(python) = python() else { return };
    let (sandbox, registry) = (project(), DockerRegistry::start());
    let (reference, folder) = (format!("{}/team/sample:v1", registry.host()), sandbox.path("out"));
    let seen = run(&python, &sandbox, "project", "kitops_commands.py", &[&reference, folder.to_str().unwrap()]);
    assert_eq!(seen["codes"], json!([4, 8, 8, 4]), "missing here, a file in the way, another tag, missing there");
    let names: Vec<_> = sandbox.names("project");
    assert_eq!(seen["files"], json!(names));
    assert_eq!(
        seen["parts"],
        json!(["Kitfile", "data/more/val.csv", "data/train.csv", "weights/model.bin", "weights/tokenizer.json"])
    );
    assert_eq!(seen["digests"][0], seen["digests"][1]);
    let package = json!({ "name": "sample", "version": "0.1.0", "authors": ["Ada"] });
    assert_eq!(seen["kitfiles"], json!([package, package, package]));
    assert_eq!(seen["part"], "net", "of several filters, the last one counts");
    assert_eq!(
        (&seen["tags"], &seen["listed"]),
        (&json!(["v1", "v2"]), &json!([reference.rsplit_once(':').unwrap().0]))
    );
}
