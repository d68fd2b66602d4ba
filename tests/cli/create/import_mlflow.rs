//! `kit import` of what MLflow keeps in a folder.

use serde_json::{Value, json};

use crate::inspect::provenance::statements;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

const RUN: &str = "mlruns/0/5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9";
const ID: &str = "5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const MODEL: &str = "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  \
                     sklearn:\n    pickled_model: model.pkl\n    sklearn_version: 1.5.0\nmlflow_version: 2.14.1\n\
                     model_uuid: e694c68e\nrun_id: 5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9\n\
                     utc_time_created: '2024-07-20 04:48:27.221000'\n";

/// A run as the file store of MLflow 2 leaves it behind.
fn run() -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, content) in [
        (
            "meta.yaml",
            "artifact_uri: file:///home/ada/mlruns/0/5e1/artifacts\nend_time: 1721450907230\nentry_point_name: ''\n\
             experiment_id: '0'\nlifecycle_stage: active\nrun_id: 5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9\n\
             run_name: Wistful ant 659\nrun_uuid: 5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9\nsource_type: 4\nstatus: 3\n\
             tags: []\nuser_id: ada\n",
        ),
        ("params/learning_rate", "1e-05"),
        ("params/epochs", "12345678901234567890"),
        ("params/optimizer", "adam"),
        ("params/hub/api_key", "s3cret"),
        ("metrics/accuracy", "1721450907000 0.5 0\n1721450908000 0.95 1\n"),
        ("metrics/val/loss", "1721450907000 nan 0\n"),
        ("tags/team", "blue"),
        ("tags/store", "postgres://ada:s3cret@db.example/x"),
        ("tags/mlflow.user", "ada"),
        ("tags/mlflow.log-model.history", "[]"),
        ("tags/mlflow.source.name", "/home/ada/train.py"),
        ("tags/mlflow.source.git.commit", COMMIT),
        ("tags/mlflow.source.git.repoURL", "https://ada:s3cret@git.example/ada/net.git"),
        ("artifacts/model/MLmodel", MODEL),
        ("artifacts/model/model.pkl", "weights\n"),
        ("artifacts/model/LICENSE", include_str!("../../../LICENSE")),
        ("artifacts/report.md", "# Report\n"),
    ] {
        sandbox.write(&format!("{RUN}/{path}"), content);
    }
    sandbox
}

fn import(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.kit(&[&["import"], args].concat())
}

fn dependencies(sandbox: &Sandbox) -> Value {
    statements(sandbox)[0]["predicate"]["buildDefinition"]["resolvedDependencies"].clone()
}

#[test]
fn a_run_becomes_a_modelkit_with_its_metrics() {
    let sandbox = run();
    let before = sandbox.tree("mlruns");
    import(&sandbox, &[RUN])
        .ok()
        .says(ID)
        .says("tagged wistful-ant-659:latest")
        .says("`params/hub/api_key` looks like a secret and is not imported")
        .says("`tags/store` looks like a secret and is not imported");
    sandbox.kit(&["unpack", "wistful-ant-659:latest", "-d", "out"]).ok();
    assert_eq!(sandbox.names("out"), ["Kitfile", "model/LICENSE", "model/MLmodel", "model/model.pkl", "report.md"]);
    assert_eq!(
        sandbox.read("out/Kitfile"),
        "manifestVersion: 1.0.0\npackage:\n  name: Wistful ant 659\n  description: Imported from the MLflow run \
         5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9\n  authors: [ada]\nmodel:\n  name: model\n  path: model\n  \
         license: Apache-2.0\n  \
         framework: sklearn\n  parameters:\n    metrics:\n      accuracy: 0.95\n      val/loss: nan\n    \
         params:\n      \
         epochs: 12345678901234567890\n      learning_rate: 1e-05\n      optimizer: adam\n    tags:\n      team: blue\n\
         docs:\n  - path: report.md\n"
    );
    assert_eq!(sandbox.tree("mlruns"), before, "nothing is written there");
    let everything: String = sandbox.tree("kit").into_iter().map(|(_, content)| content).collect();
    assert!(!everything.contains("s3cret"));
}

#[test]
fn the_record_names_the_commit_and_the_run() {
    let sandbox = run();
    import(&sandbox, &[RUN]).ok();
    let dependencies = dependencies(&sandbox);
    assert_eq!(dependencies[0]["uri"], "git+https://git.example/ada/net.git");
    assert_eq!(dependencies[0]["digest"]["gitCommit"], COMMIT);
    assert_eq!(
        dependencies[1],
        json!({ "name": "Wistful ant 659", "uri": format!("runs:/{ID}"), "annotations": { "role": "run" } })
    );
    sandbox.kit(&["log", "wistful-ant-659:latest"]).ok().prints(&COMMIT[..7]);
}

#[test]
fn a_model_folder_stays_whole() {
    let sandbox = run();
    import(&sandbox, &[&format!("{RUN}/artifacts/model"), "-t", "net:v1"]).ok();
    sandbox.kit(&["unpack", "net:v1", "-d", "out"]).ok();
    assert_eq!(sandbox.names("out"), ["Kitfile", "LICENSE", "MLmodel", "model.pkl"]);
    let kitfile = sandbox.read("out/Kitfile");
    for words in ["name: model", "path: .", "framework: sklearn", "license: Apache-2.0", ID] {
        assert!(kitfile.contains(words), "no {words} in\n{kitfile}");
    }
    assert_eq!(dependencies(&sandbox)[0]["uri"], format!("runs:/{ID}"));
}

#[test]
fn with_a_kitfile_only_the_attestation_names_the_run() {
    let sandbox = run();
    sandbox.write("Kitfile", "manifestVersion: 1.0.0\nmodel:\n  path: model/model.pkl\n");
    sandbox.write(&format!("{RUN}/metrics/broken"), "not read");
    import(&sandbox, &[RUN, "-t", "net:v1", "-f", "Kitfile"]).ok();
    sandbox.kit(&["unpack", "net:v1", "-d", "out"]).ok();
    assert_eq!(sandbox.names("out"), ["Kitfile", "model/model.pkl"]);
    assert_eq!(dependencies(&sandbox)[1]["uri"], format!("runs:/{ID}"));
}

#[test]
fn a_run_is_pushed_from_its_own_folder() {
    let (sandbox, registry) = (run(), FakeRegistry::start());
    let name = format!("{}/team/net:v1", registry.host());
    let pushed = import(&sandbox, &[RUN, "--push", &name, "--plain-http"]).ok().digest();
    assert_eq!(pushed, import(&sandbox, &[RUN, "-t", "net:v1"]).ok().digest(), "the same as here");
    sandbox.kit(&["unpack", &name, "-d", "out", "--plain-http"]).ok();
    assert_eq!(sandbox.read("out/model/model.pkl"), "weights\n");
    import(&sandbox, &[RUN, "--push", "oci:layout:v1"]).ok();
}

#[test]
fn several_models_and_weights_besides_are_one_model_with_parts() {
    let sandbox = run();
    sandbox.write(&format!("{RUN}/artifacts/second/MLmodel"), MODEL);
    sandbox.write(&format!("{RUN}/artifacts/last.bin"), "weights\n");
    import(&sandbox, &[RUN, "-t", "net:v1"]).ok();
    let model = sandbox.kit(&["info", "net:v1"]).ok().stdout;
    assert!(model.contains("  path: model\n"), "{model}");
    assert!(model.contains("  parts:\n    - path: second\n    - path: last.bin\n"), "{model}");
}

#[test]
fn only_files_are_weights_where_no_model_was_logged() {
    let sandbox = run();
    fs_err::rename(
        sandbox.path(&format!("{RUN}/artifacts/model/model.pkl")),
        sandbox.path(&format!("{RUN}/artifacts/a.pkl")),
    )
    .unwrap();
    fs_err::remove_dir_all(sandbox.path(&format!("{RUN}/artifacts/model"))).unwrap();
    import(&sandbox, &[RUN, "-t", "net:v1"]).ok();
    sandbox.kit(&["info", "net:v1"]).ok().prints("  path: a.pkl\n").prints("accuracy: 0.95");
    fs_err::remove_file(sandbox.path(&format!("{RUN}/artifacts/a.pkl"))).unwrap();
    import(&sandbox, &[RUN, "-t", "net:v2"]).ok();
    sandbox.kit(&["info", "net:v2"]).ok().prints("accuracy: 0.95");
    fs_err::remove_file(sandbox.path(&format!("{RUN}/artifacts/report.md"))).unwrap();
    import(&sandbox, &[RUN, "-t", "net:v3"]).fails().says("the run has no files in").says("models/ID/artifacts");
}

#[test]
fn other_folders_are_not_taken_for_mlflow() {
    let sandbox = run();
    sandbox.write("mlruns/0/meta.yaml", "experiment_id: '0'\nname: Default\n");
    import(&sandbox, &["mlruns/0", "--tool", "mlflow"]).fails().says("neither an `MLmodel` nor").says("EXPERIMENT/RUN");
    import(&sandbox, &["./mlruns/0"]).fails().says("git");
    import(&sandbox, &["absent", "--tool", "mlflow"]).fails().says("cannot import");
    let server = "http://127.0.0.1:1/#/experiments/0/runs/5e1";
    import(&sandbox, &[server, "--tool", "mlflow"]).fails().says("cannot reach `127.0.0.1:1`");
    import(&sandbox, &[RUN, "--ref", "v1"]).exits(2).says("--ref applies to repositories only");
    import(&sandbox, &[RUN, "--token", "a"]).exits(2).says("--token does not apply to an MLflow folder");
    fs_err::create_dir(sandbox.path(&format!("{RUN}/.git"))).unwrap();
    import(&sandbox, &[&format!("./{RUN}")]).fails().says("git");
}

#[test]
fn a_metric_that_a_crash_cut_off_is_a_warning() {
    for (content, warning, expected) in [
        ("1 0.5 0\n2 0.75 1\n3", "line 3 of `metrics/loss` is left out", Some("loss: 0.75")),
        ("1 0.5 0\n2 0.75 1\n3 0.", "", Some("loss: 0.75")),
        ("1 0.5 0\n\0\0\0\0\n2 0.75 1\n", "line 2 of `metrics/loss` is left out", Some("loss: 0.75")),
        ("3", "line 1 of `metrics/loss` is left out", None),
        ("", "`metrics/loss` is empty, so the metric is left out", None),
    ] {
        let sandbox = run();
        sandbox.write(&format!("{RUN}/metrics/loss"), content);
        import(&sandbox, &[RUN, "-t", "m:v1"]).ok().says(warning);
        let kitfile = sandbox.kit(&["info", "m:v1"]).ok().stdout;
        match expected {
            Some(line) => assert!(kitfile.contains(line), "{content:?}: {kitfile}"),
            None => assert!(!kitfile.contains(" loss:"), "{content:?}: {kitfile}"),
        }
    }
}

#[test]
fn files_that_mlflow_did_not_write_like_this_are_one_error() {
    let huge = "1 0.5 0\n".repeat(9 * 1024 * 1024);
    let long = "x".repeat(1024 * 1024 + 1);
    for (path, content, words) in [
        ("meta.yaml", "run_id: a\nrun_id: b\n", "meta.yaml:2:1: the key `run_id` appears twice"),
        ("artifacts/model/MLmodel", "flavors: [", "MLmodel:1:10:"),
        ("metrics/loss", &huge, "`metrics/loss` has more than 32.0 MiB"),
        ("params/a", &long, "`params/a` has more than 1.0 MiB"),
        ("params/a", &long[..1024 * 1024 - 100], "a Kitfile has at most 1048576"),
    ] {
        let sandbox = run();
        sandbox.write(&format!("{RUN}/{path}"), content);
        let failed = import(&sandbox, &[RUN]).fails().says(words);
        assert_eq!(failed.stderr.matches("error: ").count(), 1, "{}", failed.stderr);
    }
    let sandbox = run();
    sandbox.write(&format!("{RUN}/tags/a"), b"\xff");
    import(&sandbox, &[RUN]).fails().says("`tags/a` is not valid UTF-8");
}

#[cfg(unix)]
#[test]
fn links_that_leave_the_folder_are_refused() {
    for (link, words) in [
        ("params/a", "`params/a` is neither a file nor a folder"),
        ("metrics", "`metrics` is not a folder"),
        ("artifacts", "the run has no files in"),
        ("artifacts/model/weights", "weights"),
    ] {
        let sandbox = run();
        sandbox.write("outside/secret", "s3cret");
        fs_err::create_dir(sandbox.path("kit")).unwrap();
        let path = sandbox.path(&format!("{RUN}/{link}"));
        drop(fs_err::remove_dir_all(&path));
        kit_testkit::platform::symlink(sandbox.path("outside"), &path).unwrap();
        import(&sandbox, &[RUN]).fails().says(words);
        let everything: String = sandbox.tree("kit").into_iter().map(|(_, content)| content).collect();
        assert!(!everything.contains("s3cret"), "{link}");
    }
}
