//! Datasets that stay where they are: on the web, in an object store, or in another ModelKit.

use expect_test::expect;
use serde_json::json;

use kit_testkit::registry::{FakeRegistry, Fault, sha256};
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const DATA: &str = "a,b\n1,2\n";
const FILE: &str = "/data/train.csv";

/// A server with a file, and a project that refers to it.
struct Scene {
    sandbox: Sandbox,
    server: FakeRegistry,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { sandbox: Sandbox::new(), server: FakeRegistry::start() };
        scene.server.add_file(FILE, DATA.as_bytes());
        scene.sandbox.write("project/src/train.py", "print()\n");
        scene.sandbox.allow_plain_http(scene.server.host());
        scene
    }

    fn url(&self) -> String {
        format!("http://{}{FILE}", self.server.host())
    }

    /// A project whose code is the whole folder, and which has one dataset, at `data/train.csv`.
    fn refer_to(&self, place: &str, hash: &str) {
        let dataset = json!({ "name": "train", "path": "data/train.csv", "remotePath": place, "remoteHash": hash });
        let kitfile = json!({ "manifestVersion": "1.0.0", "code": [{ "path": "." }], "datasets": [dataset] });
        self.sandbox.write("project/Kitfile", kitfile.to_string());
    }

    fn pack(&self, args: &[&str]) -> Run {
        self.with_keys(&[&["pack", "project", "-t", "sample:v1", PLAIN], args].concat())
    }

    fn unpack(&self, args: &[&str]) -> Run {
        self.with_keys(&[&["unpack", "sample:v1", "-d", "out", "--include-remote", PLAIN], args].concat())
    }

    /// Runs `kit` with the server as its object store.
    fn with_keys(&self, args: &[&str]) -> Run {
        let mut command = self.sandbox.command(args);
        command.env("AWS_ENDPOINT_URL", format!("http://{}", self.server.host()));
        self.sandbox.run(command.env("AWS_ACCESS_KEY_ID", "ada").env("AWS_SECRET_ACCESS_KEY", "s3cret"))
    }

    fn is_unpacked(&self) -> bool {
        self.sandbox.path("out").exists()
    }
}

#[test]
fn a_file_is_fetched_when_that_is_asked_for() {
    let scene = Scene::new();
    scene.refer_to(&scene.url(), &sha256(DATA.as_bytes()));
    scene.pack(&[]).ok().says("is not packed; the ModelKit refers to");
    assert_eq!(scene.server.log(), Vec::<String>::new());
    let run = scene.sandbox.kit(&["unpack", "sample:v1", "-d", "without"]).ok();
    run.says(&format!(
        "the dataset `train` at `{}` is not downloaded; use --include-remote to download it",
        scene.url()
    ));
    assert_eq!(scene.sandbox.names("without"), ["Kitfile", "src/train.py"]);
    scene.unpack(&["--filter", "code"]).ok();
    assert_eq!(scene.server.log(), Vec::<String>::new());
    scene.unpack(&["--filter", "datasets:train"]).ok();
    assert_eq!(scene.sandbox.read("out/data/train.csv"), DATA);
    scene.server.forget_requests();
    let run = scene.unpack(&[]).ok();
    assert_eq!(scene.server.log(), [format!("GET {FILE} 206")], "what is there is not fetched again");
    assert!(!run.stderr.contains("Fetching"), "{}", run.stderr);
}

#[test]
fn a_fetched_dataset_is_not_packed_again() {
    let scene = Scene::new();
    scene.refer_to(&scene.url(), &sha256(DATA.as_bytes()));
    scene.sandbox.write("project/data/notes.md", "");
    let digest = scene.pack(&["--lock"]).ok().digest();
    scene.sandbox.write("project/data/train.csv", DATA);
    assert_eq!(scene.pack(&["--locked"]).ok().digest(), digest);
    scene.sandbox.kit(&["verify", "project"]).ok();
    scene.sandbox.kit(&["verify", "project", "sample:v1"]).ok();
    scene.sandbox.write("project/data/train.csv", "a,b\n1,3\n");
    scene.sandbox.kit(&["verify", "project"]).fails().prints("data/train.csv");
}

#[test]
fn another_content_is_not_kept() {
    let scene = Scene::new();
    scene.refer_to(&scene.url(), &sha256(b"a,b\n1,3\n"));
    scene.pack(&[]).ok();
    let run = scene.unpack(&[]).fails();
    expect![[r#"
        Unpacking to [FOLDER]/out
        Fetching http://[REGISTRY]/data/train.csv to data/train.csv
        error: cannot unpack `sample:v1` into `out`
          caused by: cannot read `http://[REGISTRY]/data/train.csv`
          caused by: the content does not match its digest: expected [DIGEST], found [DIGEST]
        hint: the file has changed; if the new one is right, update its digest in the Kitfile or in the lock"#]]
    .assert_eq(run.redacted_stderr().trim_end());
    assert!(!scene.is_unpacked());
}

#[test]
fn a_lock_needs_no_network_if_the_kitfile_gives_the_digest() {
    let scene = Scene::new();
    let digest = sha256(DATA.as_bytes());
    scene.refer_to(&scene.url(), &digest);
    scene.server.forget_requests();
    scene.pack(&["--lock"]).ok();
    scene.pack(&["--locked"]).ok();
    assert!(scene.server.requests().is_empty());
    let record = format!("\nremote - {digest} data/train.csv {}\n", scene.url());
    assert!(scene.sandbox.read("project/Kitfile.lock").contains(&record));
    scene.unpack(&["--lock", "project/Kitfile.lock"]).ok();
    assert_eq!(scene.sandbox.read("out/data/train.csv"), DATA);
}

#[test]
fn a_file_without_a_digest_is_verified_against_the_lock() {
    let scene = Scene::new();
    scene.refer_to(&scene.url(), "");
    scene.pack(&["--lock"]).ok();
    let lock = scene.sandbox.read("project/Kitfile.lock");
    let record = format!("\nremote 8 {} data/train.csv {}\n", sha256(DATA.as_bytes()), scene.url());
    assert!(lock.contains(&record), "{lock}");
    let run = scene.unpack(&[]).fails().says("no digest is known for `").says("refusing to fetch unverified data");
    run.says("hint: create a lock with `kit pack --lock`");
    let locked = ["--lock", "project/Kitfile.lock"];
    scene.unpack(&locked).ok();
    assert_eq!(scene.sandbox.read("out/data/train.csv"), DATA);
    scene.server.add_file(FILE, b"a,b\n1,3\n");
    let run = scene.pack(&["--locked"]).fails();
    run.says(&format!("dataset `data/train.csv` from `{}`: its content is", scene.url()));
    scene.sandbox.write("out/data/train.csv", "");
    scene.unpack(&[&locked[..], &["-o"]].concat()).fails().says("the content does not match its digest");
    scene.server.add_file(FILE, b"a\n");
    scene.unpack(&[&locked[..], &["-o"]].concat()).fails().says("has the wrong size: expected 8, found 2");
    assert_eq!(scene.sandbox.read("out/data/train.csv"), "");
}

#[test]
fn a_digest_in_the_kitfile_that_is_not_that_of_the_lock_is_named() {
    let scene = Scene::new();
    scene.refer_to(&scene.url(), "");
    scene.pack(&["--lock"]).ok();
    let other = sha256(b"other");
    scene.refer_to(&scene.url(), &other);
    scene.pack(&[]).ok();
    let run = scene.unpack(&["--lock", "project/Kitfile.lock"]).fails();
    run.says(&format!("has the wrong digest: expected {}, found {other}", sha256(DATA.as_bytes())));
    let run = scene.pack(&["--locked"]).fails();
    run.says(&format!("its content is {other}, not {}", sha256(DATA.as_bytes())));
}

#[test]
fn an_object_is_fetched_with_a_signed_url_that_is_never_shown() {
    let scene = Scene::new();
    scene.refer_to("s3://data/train.csv", &sha256(DATA.as_bytes())[7..]);
    scene.pack(&[]).ok();
    let run = scene.unpack(&["-v", "--log-level", "trace"]).ok();
    assert_eq!(scene.sandbox.read("out/data/train.csv"), DATA);
    let request = &scene.server.requests()[0];
    assert!(request.target.contains("&X-Amz-Signature="), "{}", request.target);
    let signature = request.target.rsplit_once('=').unwrap().1;
    assert!(!run.stderr.contains(signature) && !run.stderr.contains("s3cret"), "{}", run.stderr);
}

#[test]
fn a_remote_hash_of_kitops_is_the_etag_of_the_object() {
    let scene = Scene::new();
    let tag = &sha256(DATA.as_bytes())[7..39];
    scene.refer_to("s3://data/train.csv", tag);
    scene.pack(&[]).ok().says("Verified remote S3 dataset for path data/train.csv\n");
    let run = scene.unpack(&[]).ok().says("cannot be verified: its remoteHash is an ETag");
    run.says("Downloaded remote S3 dataset for path data/train.csv\n");
    let request = scene.server.requests().pop().unwrap();
    assert_eq!(request.header("if-match"), Some(&*format!("\"{tag}\"")));
    assert_eq!(scene.sandbox.read("out/data/train.csv"), DATA);
    scene.server.add_file(FILE, b"other");
    scene.unpack(&["-o"]).fails().says(&format!("wrong ETag: expected {tag}"));
    assert_eq!(scene.sandbox.read("out/data/train.csv"), DATA);
    let differs = format!("object in s3 bucket does not match hash: ETag = {}, hash = {tag}", &sha256(b"other")[7..39]);
    scene.pack(&[]).fails().says(&differs);
    let remote = format!("{}/team/sample:v1", scene.server.host());
    scene.with_keys(&["pack", "project", "--push", &remote, PLAIN]).fails().says(&differs);
    assert_eq!(scene.server.requests_of("PUT", "/").len(), 0);
}

#[test]
fn keys_come_from_the_files_of_the_aws_tools() {
    let scene = Scene::new();
    let endpoint = format!("http://{}", scene.server.host());
    scene.sandbox.write(
        "home/.aws/config",
        format!("[profile work]\nregion = eu-west-1\nendpoint_url = {endpoint}\n[profile sso]\nsso_session = a\n"),
    );
    scene.sandbox.write("home/.aws/credentials", "[work]\naws_access_key_id=ada\naws_secret_access_key=s3cret\n");
    scene.refer_to("s3://data/train.csv", &sha256(DATA.as_bytes()));
    scene.pack(&[]).ok();
    let unpack = |variables: &[(&str, &str)]| {
        let mut command = scene.sandbox.command(&["unpack", "sample:v1", "-d", "out", "--include-remote", "-o"]);
        scene.sandbox.run(command.envs(variables.iter().copied()))
    };
    unpack(&[("AWS_PROFILE", "work")]).ok();
    let target = scene.server.requests()[0].target.clone();
    assert!(target.contains("=ada%2F") && target.contains("%2Feu-west-1%2F"), "{target}");
    scene.server.forget_requests();
    unpack(&[("AWS_PROFILE", "work"), ("S3_ACCESS_KEY_ID", "own"), ("S3_SECRET_KEY", "s3cret")]).ok();
    assert!(scene.server.requests()[0].target.contains("=own%2F"));
    unpack(&[("AWS_PROFILE", "other")]).fails().says("the profile `other` is neither in");
    let run = unpack(&[("AWS_PROFILE", "sso")]).fails().says("gets its keys by `sso_session`");
    run.says("hint: set `credential_process = aws configure export-credentials --profile sso --format process`");
}

#[test]
fn a_refusal_is_not_answered_with_a_login() {
    let scene = Scene::new();
    for (place, status, hint) in [
        (scene.url(), 401, "use a signed URL to read private files"),
        (
            "s3://data/train.csv".to_owned(),
            403,
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to access the object store",
        ),
    ] {
        scene.refer_to(&place, &sha256(DATA.as_bytes()));
        scene.pack(&[]).ok();
        scene.server.fail("GET", FILE, Fault::Status(status, Vec::new()));
        let run = scene.unpack(&[]).fails().says(&format!("({status})")).says(hint);
        assert!(
            run.stderr.contains(&format!("cannot read `{place}`")) && !run.stderr.contains("kit login"),
            "{}",
            run.stderr
        );
    }
    scene.refer_to(&format!("{}.gz", scene.url()), "");
    scene.pack(&["--lock"]).fails().says("train.csv.gz` was not found");
}

#[test]
fn secrets_in_an_address_are_not_shown() {
    let scene = Scene::new();
    scene.refer_to(&format!("{}?X-Amz-Signature=s3cret", scene.url()), "");
    let packed = scene.pack(&["--lock"]).ok();
    let unpacked = scene.unpack(&["--lock", "project/Kitfile.lock", "--log-level", "trace"]);
    let lock = scene.sandbox.read("project/Kitfile.lock");
    // The server of the tests knows no such file with a query, and says so.
    for text in [&packed.stderr, &unpacked.stderr, &lock] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    scene.refer_to("https://ada:s3cret@data.example/a", "");
    let run = scene.pack(&["--lock"]).fails();
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
}

#[test]
fn the_datasets_of_another_modelkit_go_below_the_path() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    let corpus = format!("{}/corpus:v1", scene.server.host());
    let kitfile =
        "manifestVersion: 1.0.0\ncode: [{path: src}]\ndatasets: [{name: a, path: parts/a}, {name: b, path: b.csv}]\n";
    let publish = |content: &str| {
        for (path, content) in [("Kitfile", kitfile), ("src/x.py", ""), ("parts/a/1.csv", content), ("b.csv", "b\n")] {
            sandbox.write(&format!("corpus/{path}"), content);
        }
        sandbox.kit(&["pack", "corpus", "--push", &corpus, PLAIN]).ok().digest()
    };
    let first = publish("one\n");
    scene.refer_to(&corpus, "");
    scene.pack(&["--lock"]).ok();
    let lock = sandbox.read("project/Kitfile.lock");
    assert!(lock.contains(&format!(" {first} data/train.csv {corpus}\n")), "{lock}");
    publish("two\n");
    scene.unpack(&["--filter", "datasets"]).ok().says(&format!("Unpacking referenced ModelKit {corpus}"));
    assert_eq!(sandbox.names("out"), ["data/train.csv/b.csv", "data/train.csv/parts/a/1.csv"]);
    assert_eq!(sandbox.read("out/data/train.csv/parts/a/1.csv"), "two\n");
    // With the lock, the locked content is fetched.
    scene.unpack(&["--lock", "project/Kitfile.lock", "-o"]).ok();
    assert_eq!(sandbox.read("out/data/train.csv/parts/a/1.csv"), "one\n");
    scene.pack(&["--locked"]).fails().says(&format!("dataset `data/train.csv` from `{corpus}`: its content is"));
}

#[test]
fn datasets_of_datasets_are_fetched_too_but_not_in_circles() {
    let scene = Scene::new();
    let (sandbox, host) = (&scene.sandbox, scene.server.host());
    let inner = format!("{host}/inner:v1");
    let dataset = json!({ "path": "far.csv", "remotePath": scene.url(), "remoteHash": sha256(DATA.as_bytes()) });
    let kitfile = json!({ "manifestVersion": "1.0.0", "datasets": [dataset] });
    sandbox.write("inner/Kitfile", kitfile.to_string());
    sandbox.kit(&["pack", "inner", "--push", &inner, PLAIN]).ok();
    scene.refer_to(&inner, "");
    scene.pack(&[]).ok();
    scene.unpack(&["--filter", "datasets"]).ok();
    assert_eq!(sandbox.tree("out"), [("data/train.csv/far.csv".to_owned(), DATA.to_owned())]);
    sandbox.write("inner/Kitfile", kitfile.to_string().replace(&scene.url(), &inner));
    sandbox.kit(&["pack", "inner", "--push", &inner, PLAIN]).ok();
    scene.unpack(&[]).fails().says(&format!("found cycle in modelkit references: [sample:v1=>{inner}=>{inner}]"));
}

#[test]
fn an_address_with_keys_is_refused_without_showing_them() {
    let scene = Scene::new();
    scene.refer_to("s3://key:s3cret@bucket/rows", "etag");
    let run = scene.pack(&[]).fails().says("cannot read `s3://bucket/rows`").says("not the address of an object");
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
}
