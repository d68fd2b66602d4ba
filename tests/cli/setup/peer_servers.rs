//! Servers from the Python package index that `kit` reads from: an object store (moto), and the tracking server of
//! MLflow.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::peers::{python, run};
use kit_testkit::sandbox::Sandbox;

/// A server as a child process. It ends when this is dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Runs a module of Python with `args` and a free port. Another process may take the port first, so it tries again.
    fn start(python: &Path, sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let started = (0..3).find_map(|_| Self::try_start(python, sandbox, args, variables));
        started.unwrap_or_else(|| panic!("{args:?}: {}", sandbox.read("server.log")))
    }

    fn try_start(python: &Path, sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Option<Self> {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = fs_err::File::create(sandbox.path("server.log")).unwrap().into_file();
        let mut command = Command::new(python);
        command.args(["-B", "-m"]).args(args).args(["-p", &address.port().to_string()]).current_dir(sandbox.path(""));
        command
            .env_clear()
            .env("HOME", sandbox.path("home"))
            .env("PATH", "/usr/bin:/bin")
            .envs(variables.iter().copied());
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut server = Self { child, url: format!("http://{address}") };
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(90) && server.child.try_wait().unwrap().is_none() {
            if TcpStream::connect(address).is_ok() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn datasets_are_read_from_an_object_store() {
    let Some(python) = python() else { return };
    let sandbox = Sandbox::new();
    let server = Server::start(&python, &sandbox, &["moto.server", "-H", "127.0.0.1"], &[]);
    let objects = run(&python, &sandbox, "", "s3_objects.py", &[&server.url, "team-data"]);
    let pack = |path: &str, hash: &str| {
        let dataset = json!({ "path": "data/far", "remotePath": format!("s3://team-data/{path}"), "remoteHash": hash });
        let kitfile = json!({ "manifestVersion": "1.0.0", "docs": [{ "path": "a.md" }], "datasets": [dataset] });
        sandbox.write("project/Kitfile", kitfile.to_string());
        sandbox.write("project/a.md", "a");
        with_keys(&sandbox, &server, &["pack", "project", "-t", "far:v1"])
    };
    let unpack = || with_keys(&sandbox, &server, &["unpack", "far:v1", "-d", "out", "--include-remote", "-o"]);
    let first = format!("raw data/train+é.csv?versionId={}", text(&objects["version"]));
    for (path, hash, content) in [
        ("raw data/train+é.csv", text(&objects["second"]), "a,b\n3,4\n"),
        ("raw%20data/train+é.csv", text(&objects["second"]), "a,b\n3,4\n"),
        (&first, text(&objects["first"]), "a,b\n1,2\n"),
        ("/large.bin", text(&objects["large"]), &format!("{}y", "x".repeat(5 << 20))),
    ] {
        pack(path, hash).ok().says("Verified remote S3 dataset for path data/far");
        unpack().ok().says("Downloaded remote S3 dataset for path data/far");
        assert!(sandbox.read("out/data/far") == content, "{path}");
    }
    assert!(text(&objects["large"]).ends_with("-2"), "an ETag of two parts");
    pack(&first, text(&objects["second"])).fails().says("object in s3 bucket does not match hash: ETag = ");
    pack("missing.csv", text(&objects["second"])).fails().says("`s3://team-data/missing.csv` was not found");
}

/// Runs `kit` with the server as its object store, and the keys in a file.
fn with_keys(sandbox: &Sandbox, server: &Server, args: &[&str]) -> kit_testkit::sandbox::Run {
    sandbox.write("home/.aws/credentials", "[work]\naws_access_key_id = ada\naws_secret_access_key = s3cret\n");
    sandbox.write("home/.aws/config", "[profile work]\nregion = eu-west-1\n");
    let mut command = sandbox.command(args);
    sandbox.run(command.env("AWS_PROFILE", "work").env("S3_API_ENDPOINT", &server.url))
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn a_web_identity_is_exchanged_for_keys() {
    let Some(python) = python() else { return };
    let sandbox = Sandbox::new();
    let server = Server::start(&python, &sandbox, &["moto.server", "-H", "127.0.0.1"], &[]);
    let objects = run(&python, &sandbox, "", "s3_objects.py", &[&server.url, "team-data"]);
    let (path, hash) = ("s3://team-data/raw data/train+é.csv", &objects["second"]);
    let dataset = json!({ "path": "data/far", "remotePath": path, "remoteHash": hash });
    sandbox.write("project/Kitfile", json!({ "manifestVersion": "1.0.0", "datasets": [dataset] }).to_string());
    sandbox.write("token", "header.payload.signature\n");
    let mut command = sandbox.command(&["pack", "project", "-t", "far:v1", "--log-level", "trace"]);
    command.env("AWS_ENDPOINT_URL", &server.url).env("AWS_REGION", "eu-west-1");
    command.env("AWS_WEB_IDENTITY_TOKEN_FILE", sandbox.path("token"));
    let run = sandbox.run(command.env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/reader")).ok();
    assert!(!run.stderr.contains("payload"), "{}", run.stderr);
    let log = sandbox.read("server.log");
    assert!(log.contains("\"POST / HTTP/1.1\" 200") && log.contains("X-Amz-Security-Token="), "{log}");
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn runs_and_models_are_imported_from_a_tracking_server() {
    let Some(python) = python() else { return };
    let sandbox = Sandbox::new();
    let folder = |name: &str| sandbox.path(name).display().to_string();
    // The application of `mlflow server`, with files as its database, as others take much longer to start.
    let variables = [
        ("MLFLOW_ALLOW_FILE_STORE", "true"),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("_MLFLOW_SERVER_SERVE_ARTIFACTS", "true"),
        ("_MLFLOW_SERVER_ARTIFACT_ROOT", "mlflow-artifacts:/"),
        ("_MLFLOW_SERVER_FILE_STORE", &folder("runs")),
        ("_MLFLOW_SERVER_ARTIFACT_DESTINATION", &folder("artifacts")),
    ];
    let server = Server::start(&python, &sandbox, &["flask", "--app", "mlflow.server:app", "run"], &variables);
    let host = server.url.strip_prefix("http://").unwrap();
    let seen = run(&python, &sandbox, "", "mlflow_runs.py", &[&server.url]);
    let (experiment, id) = (text(&seen["experiment"]), text(&seen["run"]));
    let model = ["MLmodel", "data & more/empty", "data & more/größe.csv", "model.pkl"];
    let check = |name: &str, folder: &str, expected: &[String]| {
        sandbox.kit(&["unpack", name, "-d", folder, "-f", "model,datasets,code,docs"]).ok();
        assert_eq!(sandbox.names(folder), expected, "{name}");
    };
    let import = sandbox.kit(&["import", &format!("mlflow://{host}/experiments/{experiment}/runs/{id}")]).ok();
    import.says("`params/api_key` looks like a secret and is not imported");
    let name = format!("mlflow-exp{experiment}/wistful-ant-659:latest");
    let mut expected: Vec<_> = model.iter().map(|path| format!("model/{path}")).collect();
    expected.push("report.md".to_owned());
    check(&name, "run", &expected);
    let info = sandbox.kit(&["info", &name, "--format", "json"]).ok().json();
    assert_eq!(info["package"]["name"], "Wistful-ant-659");
    let provenance = &info["model"]["parameters"]["mlflow_provenance"];
    assert_eq!(provenance["mlflow_metrics"], json!({ "accuracy": 0.95 }));
    assert_eq!((&provenance["mlflow_params"], &provenance["mlflow_run_id"]), (&json!({ "epochs": 10 }), &json!(id)));
    let expected: Vec<_> = model.map(str::to_owned).to_vec();
    for (address, name) in [
        (format!("mlflow://{host}/models/ant%20net/1"), "version:v1"),
        ("models:/ant net@champion".to_owned(), "alias:v1"),
        (format!("models:/{}", text(&seen["logged"])), "logged:v1"),
    ] {
        let mut command = sandbox.command(&["import", &address, "-t", name]);
        sandbox.run(command.env("MLFLOW_TRACKING_URI", &server.url)).ok();
        check(name, name.split(':').next().unwrap(), &expected);
    }
    let run = sandbox.kit(&["import", &format!("mlflow://{host}/runs/{}", text(&seen["running"]))]).fails();
    run.says("has the status RUNNING; only finished runs can be imported");
    sandbox.kit(&["import", &format!("mlflow://{host}/models/other/1")]).fails().says("was not found");
}
