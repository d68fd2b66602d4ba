//! `kit import` of runs and models of an MLflow tracking server, with a server that answers what a test says.

use serde_json::{Value, json};

use crate::inspect::provenance::statements;
use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::{Run, Sandbox};

/// A server below a path, as behind a proxy.
const PREFIX: &str = "/mlflow/api/2.0";

struct Scene {
    sandbox: Sandbox,
    server: FakeRegistry,
}

impl Scene {
    /// A server with a finished run whose files are in `place`.
    fn new(place: &str) -> Self {
        let scene = Self { sandbox: Sandbox::new(), server: FakeRegistry::start() };
        let info = json!({
            "run_id": "5e1", "run_name": "Wistful ant", "experiment_id": "7", "status": "FINISHED",
            "artifact_uri": place, "start_time": 1_721_450_907_230_u64, "end_time": "1721450908000", "user_id": "ada",
        });
        let data = json!({
            "metrics": [{ "key": "loss", "value": "NaN" }, { "key": "acc", "value": 0.95 }],
            "params": [{ "key": "rate", "value": "1e-05" }],
            "tags": [{ "key": "mlflow.source.git.commit", "value": "0123456789abcdef0123456789abcdef01234567" }],
        });
        scene.answer("/mlflow/runs/get?run_id=5e1", &json!({ "run": { "info": info, "data": data } }));
        scene
    }

    fn answer(&self, target: &str, document: &Value) {
        self.server.add_file(&format!("{PREFIX}{target}"), document.to_string().as_bytes());
    }

    fn import(&self, args: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = self.sandbox.command(&[&["import"], args].concat());
        command.env("MLFLOW_TRACKING_URI", format!("http://{}/mlflow", self.server.host()));
        self.sandbox.run(command.envs(variables.iter().copied()))
    }
}

fn file(path: &str, size: usize) -> Value {
    json!({ "path": path, "is_dir": false, "file_size": size })
}

/// A server whose files are in a bucket, which only the server reads.
fn bucket() -> Scene {
    let scene = Scene::new("s3://bucket/7/5e1/artifacts");
    let first = json!({ "files": [{ "path": "model", "is_dir": true }], "next_page_token": "t/2" });
    scene.answer("/mlflow/artifacts/list?run_id=5e1", &first);
    scene.answer("/mlflow/artifacts/list?run_id=5e1&page_token=t%2F2", &json!({ "files": [file("report.md", 2)] }));
    let inside = json!({ "files": [file("model/MLmodel", 22), file("model/a b.pkl", 8)] });
    scene.answer("/mlflow/artifacts/list?run_id=5e1&path=model", &inside);
    for (path, content) in
        [("report%2Emd", "# "), ("model%2FMLmodel", "flavors: {sklearn: {}}"), ("model%2Fa%20b%2Epkl", "weights\n")]
    {
        scene.server.add_file(&format!("/mlflow/get-artifact?run_id=5e1&path={path}"), content.as_bytes());
    }
    scene
}

#[test]
fn a_run_is_imported_page_by_page_through_its_server() {
    let scene = bucket();
    scene.import(&["mlflow://experiments/7/runs/5e1"], &[]).ok().says("tagged mlflow-exp7/wistful-ant:latest");
    scene.sandbox.kit(&["unpack", "mlflow-exp7/wistful-ant:latest", "-d", "out"]).ok();
    assert_eq!(scene.sandbox.names("out"), ["Kitfile", "model/MLmodel", "model/a b.pkl", "report.md"]);
    let server = format!("http://{}/mlflow", scene.server.host());
    assert_eq!(
        scene.sandbox.read("out/Kitfile").replace(&server, "SERVER"),
        "manifestVersion: 1.0.0\npackage:\n  name: Wistful-ant\n  version: \"20240720044828\"\n  \
         description: Imported from MLFlow run 5e1 — (Wistful ant) — experiment 7 — tracking server SERVER\n  \
         authors: [ada]\nmodel:\n  name: model\n  path: model\n  framework: sklearn\n  parameters:\n    \
         mlflow_provenance:\n      mlflow_end_time: \"2024-07-20T04:48:28Z\"\n      mlflow_experiment_id: \"7\"\n      \
         mlflow_metrics:\n        acc: 0.95\n        loss: NaN\n      mlflow_params:\n        rate: 1e-05\n      \
         mlflow_run_id: \"5e1\"\n      mlflow_run_name: Wistful ant\n      mlflow_run_status: FINISHED\n      \
         mlflow_start_time: \"2024-07-20T04:48:27.23Z\"\n      mlflow_tracking_uri: SERVER\ndocs:\n  \
         - path: report.md\n"
    );
    let sources = &statements(&scene.sandbox)[0]["predicate"]["buildDefinition"]["resolvedDependencies"];
    assert_eq!(sources[1]["uri"], format!("mlflow+{server}/#/experiments/7/runs/5e1"));
    assert_eq!(scene.sandbox.names("kit/imports"), Vec::<String>::new(), "the downloaded files are removed");
}

#[test]
fn a_version_in_a_bucket_is_read_as_files_of_its_run() {
    let scene = bucket();
    let version = json!({ "model_version": { "name": "net", "version": "3", "run_id": "5e1", "status": "READY" } });
    scene.answer("/mlflow/registered-models/alias?name=net&alias=best", &version);
    let place = |uri: &str| {
        scene.answer("/mlflow/model-versions/get-download-uri?name=net&version=3", &json!({ "artifact_uri": uri }));
    };
    place("s3://bucket/7/5e1/artifacts/model");
    scene.import(&["models:/net@best"], &[]).ok().says("tagged mlflow/net:latest");
    scene.sandbox.kit(&["unpack", "mlflow/net:latest", "-d", "out"]).ok();
    assert_eq!(scene.sandbox.names("out"), ["Kitfile", "MLmodel", "a b.pkl"]);
    for elsewhere in ["s3://bucket/7/5e1/artifacts-other/model", "s3://key:s3cret@other/model"] {
        place(elsewhere);
        let run = scene.import(&["models:/net@best"], &[]).fails().says("which the tracking server does not deliver");
        let run = run.says("hint: download the files with `mlflow artifacts download`");
        assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
    }
}

#[test]
fn credentials_are_those_of_the_client_of_mlflow() {
    let scene = bucket();
    let user = [("MLFLOW_TRACKING_USERNAME", "ada"), ("MLFLOW_TRACKING_PASSWORD", "right")];
    let token = [("MLFLOW_TRACKING_TOKEN", "t0ken")];
    for (args, variables, expected) in [
        (&["runs:/5e1"][..], &[][..], None),
        (&["runs:/5e1"], &token[..], Some("Bearer t0ken")),
        (&["runs:/5e1"], &[user[0], user[1], token[0]], Some("Basic YWRhOnJpZ2h0")),
        (&["runs:/5e1", "--token", "other"], &user, Some("Bearer other")),
    ] {
        scene.server.forget_requests();
        scene.import(args, variables).ok();
        let requests = scene.server.requests();
        assert!(requests.iter().all(|request| request.header("authorization") == expected), "{expected:?}");
    }
    scene.server.fail("GET", "/runs/get", Fault::Status(401, Vec::new()));
    let run = scene.import(&["runs:/5e1"], &[]).fails().says("refused access");
    run.says("hint: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD");
}

#[test]
fn files_outside_of_the_folder_are_refused() {
    for (listed, problem) in [
        (json!({ "files": [file("../x", 1)] }), "../x"),
        (json!({ "files": [file("/etc/x", 1)] }), "/etc/x"),
        (json!({ "files": [file(".", 1)] }), "is not in its folder"),
        (json!({ "files": "x" }), "cannot be used"),
        (json!({ "files": [] }), "`runs:/5e1` has no files"),
    ] {
        let scene = Scene::new("/srv/artifacts");
        scene.answer("/mlflow/artifacts/list?run_id=5e1", &listed);
        scene.import(&["runs:/5e1"], &[]).fails().says(problem);
        assert!(!scene.sandbox.path("kit/imports").exists(), "nothing was downloaded");
    }
}

#[test]
fn proxied_files_are_read_from_the_store_behind_the_server() {
    let scene = Scene::new("mlflow-artifacts:/7/5e1/artifacts");
    // MLflow leaves out the size of an empty file.
    let listed = json!({ "files": [file("model.bin", 8), { "path": "empty", "is_dir": false }] });
    scene.answer("/mlflow-artifacts/artifacts?path=7%2F5e1%2Fartifacts", &listed);
    let place = format!("{PREFIX}/mlflow-artifacts/artifacts/7/5e1/artifacts/model.bin");
    let empty = format!("{PREFIX}/mlflow-artifacts/artifacts/7/5e1/artifacts/empty");
    scene.server.add_file(&place, b"weights\n");
    scene.server.add_file(&empty, b"");
    scene.import(&["runs:/5e1", "-t", "net:v1"], &[]).ok();
    scene.sandbox.kit(&["info", "net:v1", "-f", "model.path"]).ok().prints("model.bin");
    for (path, content, changed) in [(&place, "weights\n", "short"), (&empty, "", "full")] {
        scene.server.add_file(path, changed.as_bytes());
        scene.import(&["runs:/5e1", "-t", "net:v2"], &[]).fails().says(path.rsplit('/').next().unwrap());
        scene.server.add_file(path, content.as_bytes());
    }
}

#[test]
fn wrong_addresses_are_wrong_usage() {
    let sandbox = Sandbox::new();
    for (args, message) in [
        (&["mlflow://h/x"][..], "is not the address of an MLflow run or model"),
        (&["models:/net"], "is not the address of an MLflow run or model"),
        (&["runs:/5e1", "--ref", "v1"], "--ref applies to repositories only"),
        (&["https://h/x", "--tool", "mlflow"], "the address of an MLflow run is mlflow://HOST/runs/ID"),
    ] {
        sandbox.kit(&[&["import"], args].concat()).exits(2).says(message);
    }
    let mut command = sandbox.command(&["import", "runs:/5e1"]);
    let run = sandbox.run(command.env("MLFLOW_TRACKING_URI", "sqlite:///x.db")).fails();
    run.says("MLFLOW_TRACKING_URI is `sqlite:///x.db`, which is not the address of a server");
}
