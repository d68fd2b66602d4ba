//! `kit import`: a repository of a hub becomes a ModelKit.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;

use crate::inspect::provenance::statements;
use kit_testkit::registry::{COMMIT, FakeRegistry, Fault, HubRepository, sha256};
use kit_testkit::sandbox::{Run, Sandbox};

const TOKEN: &str = "hf_s3cret";
const OBJECTS: &str = "/objects/";

/// A hub, and the storage of its large files at another place, which takes no credentials.
struct Scene {
    sandbox: Sandbox,
    hub: FakeRegistry,
    storage: FakeRegistry,
    repository: HubRepository,
}

impl Scene {
    fn new() -> Self {
        Self::with_weights(Bytes::from_static(b"weights of a network\n"))
    }

    fn with_weights(weights: Bytes) -> Self {
        let (sandbox, hub, storage) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
        let digest = Some(storage.add_blob(&weights));
        let text = Bytes::from_static;
        let repository = HubRepository {
            kind: "models",
            name: "Ada/Tiny-Net",
            license: Some("apache-2.0"),
            files: vec![
                (".gitattributes", text(b"*.bin filter=lfs\n"), None),
                ("README.md", text(b"# Tiny\n"), None),
                ("config.json", text(b"{}\n"), None),
                ("model.bin", weights, digest),
                ("src/deep/er/run it.py", text(b"print(1)\n"), None),
            ],
            token: None,
            files_per_page: 2,
            storage: format!("http://{}", storage.host()),
        };
        hub.show(repository.clone());
        Self { sandbox, hub, storage, repository }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command(&[&["import"], args].concat());
        command.env("HF_ENDPOINT", format!("http://{}/", self.hub.host()));
        command
    }

    fn import(&self, args: &[&str]) -> Run {
        self.sandbox.run(&mut self.command(args))
    }

    /// The number of bytes that the storage has sent.
    fn fetched(&self) -> u64 {
        self.storage.requests_of("GET", OBJECTS).iter().map(|request| request.answer_bytes).sum()
    }
}

#[test]
fn an_import_drafts_a_kitfile_and_contains_the_files_of_a_commit() {
    let scene = Scene::new();
    let run = scene.import(&["Ada/Tiny-Net"]).ok().says(COMMIT).says("tagged ada/tiny-net:latest");
    assert_eq!(run.stdout, format!("Model saved: {}\n", run.digest()));
    scene.sandbox.kit(&["unpack", "ada/tiny-net:latest", "-d", "out"]).ok();
    let tree = scene.sandbox.tree("out");
    let kitfile = scene.sandbox.read("out/Kitfile");
    let files: Vec<_> = tree.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(files, ["Kitfile", "README.md", "config.json", "model.bin", "src/deep/er/run it.py"]);
    assert_eq!(scene.sandbox.read("out/model.bin"), "weights of a network\n");
    let source = format!("http://{}/Ada/Tiny-Net", scene.hub.host());
    for words in ["name: Tiny-Net", "authors: [Ada]", "license: apache-2.0", COMMIT, &source] {
        assert!(kitfile.contains(words), "no {words} in\n{kitfile}");
    }
    assert_eq!(scene.hub.requests_of("GET", "/tree/").len(), 3, "the list has three pages");
    assert!(scene.sandbox.names("kit/imports").is_empty(), "nothing is left of the work");
    let statement = &statements(&scene.sandbox)[0];
    let checkout = &statement["predicate"]["buildDefinition"]["resolvedDependencies"][0];
    assert_eq!(checkout["digest"]["gitCommit"], COMMIT, "{statement}");
    assert_eq!(checkout["uri"], format!("git+{source}"));
}

#[test]
#[cfg_attr(windows, ignore = "sets the umask, which Windows does not have")]
fn the_same_commit_gives_the_same_modelkit() {
    let scene = Scene::new();
    let first = scene.import(&["Ada/Tiny-Net", "-t", "a:v1,v2"]).ok().digest();
    let page = format!("http://{}/Ada/Tiny-Net/tree/{COMMIT}", scene.hub.host());
    assert_eq!(scene.import(&[&page, "-t", "b:v1"]).ok().digest(), first);
    scene.sandbox.kit(&["inspect", "a:v2"]).ok();
    let import = scene.command(&["Ada/Tiny-Net", "-t", "c:v1"]);
    let mut careful = Command::new("/bin/sh");
    careful.args(["-c", "umask 077 && exec \"$0\" \"$@\""]).arg(import.get_program()).args(import.get_args());
    careful.env_clear().envs(import.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(scene.sandbox.run(&mut careful).ok().digest(), first, "modes are those of the commit");
}

#[test]
fn a_dataset_is_imported_from_its_own_place() {
    let scene = Scene::new();
    scene.hub.show(HubRepository { kind: "datasets", ..scene.repository.clone() });
    scene.import(&["datasets/Ada/Tiny-Net"]).ok();
    scene.import(&["Ada/Tiny-Net"]).fails().says("there is no model `Ada/Tiny-Net`").says("datasets/Ada/Tiny-Net");
}

#[test]
fn only_files_of_layers_are_fetched() {
    let scene = Scene::new();
    scene.sandbox.write("Kitfile", "manifestVersion: 1.0.0\nmodel: {path: config.json}\n");
    scene.import(&["Ada/Tiny-Net", "-f", "Kitfile", "-t", "a:v1"]).ok();
    assert_eq!(scene.hub.requests_of("GET", "/resolve/").len(), 1);
    scene.sandbox.write("Kitfile", "manifestVersion: 1.0.0\nmodel: {path: other.bin}\n");
    scene.import(&["Ada/Tiny-Net", "-f", "Kitfile"]).fails().says("has no file or folder `other.bin`");
}

#[test]
fn files_ignored_by_the_commit_are_left_out() {
    let mut scene = Scene::new();
    scene.repository.files.push((".kitignore", Bytes::from_static(b"src\n"), None));
    scene.hub.show(scene.repository.clone());
    let digest = |args: &[&str]| {
        scene.import(&[&["Ada/Tiny-Net", "-t", "a:v1"], args].concat()).ok();
        scene.sandbox.kit(&["ls", "a:v1"]).ok().stdout
    };
    for listed in [digest(&[]), digest(&["--layer-format", "raw"])] {
        assert!(listed.contains("model.bin") && !listed.contains("run it.py"), "{listed}");
    }
    assert!(scene.hub.requests_of("GET", "/resolve/").iter().all(|request| !request.target.contains("run")));
}

#[test]
fn raw_layers_contain_one_file_each_and_a_model_folder_is_refused() {
    let scene = Scene::new();
    scene.sandbox.write("Kitfile", "manifestVersion: 1.0.0\nmodel: {path: model.bin}\ncode: [{path: .}]\n");
    scene.import(&["Ada/Tiny-Net", "-f", "Kitfile", "-t", "a:v1", "--layer-format", "raw"]).ok();
    let manifest = &scene.sandbox.kit(&["inspect", "a:v1"]).ok().json()["manifest"];
    let path = |layer: &Value| layer["annotations"]["org.cncf.model.filepath"].as_str().unwrap().to_owned();
    let paths: Vec<_> = manifest["layers"].as_array().unwrap().iter().map(path).collect();
    assert_eq!(paths, ["model.bin", "README.md", "config.json", "src/deep/er/run it.py"]);
    scene.sandbox.write("Kitfile", "manifestVersion: 1.0.0\nmodel: {path: src}\n");
    let refused = scene.import(&["Ada/Tiny-Net", "-f", "Kitfile", "--layer-format", "raw"]).fails();
    refused.says("the model `src` is a folder").says("remove --push and --layer-format raw to pack it as a tar layer");
    scene.import(&["Ada/Tiny-Net", "-f", "Kitfile"]).ok();
}

#[test]
fn missing_sources_are_named() {
    let scene = Scene::new();
    scene.import(&["Ada/Tiny-Net", "--ref", "nope"]).fails().says("reference `nope` not found");
    scene.import(&["Ada/Other"]).fails().says("there is no model `Ada/Other`").says("Repository not found");
    scene.import(&["a/b/c"]).exits(2).says("is not a repository of a hub");
    scene.sandbox.write("Ada/Other/a.txt", "");
    scene.hub.forget_requests();
    scene.import(&["Ada/Other"]).fails().says("it is a folder, but").says("`--tool hf` for the repository of the hub");
    assert!(scene.hub.requests().is_empty(), "the hub does not learn the name of the folder");
    scene.import(&["Ada/Other", "--tool", "hf"]).fails().says("there is no model `Ada/Other`");
}

#[test]
fn a_gated_repository_needs_the_token_of_an_authorized_user() {
    let scene = Scene::new();
    scene.hub.show(HubRepository { token: Some(TOKEN), ..scene.repository.clone() });
    scene.import(&["Ada/Tiny-Net"]).fails().says("is gated").says("You must be authenticated").says("HF_TOKEN");
    let refused = scene.sandbox.run(scene.command(&["Ada/Tiny-Net"]).env("HF_TOKEN", "hf_0ther"));
    let refused = refused.fails().says("the owner of this token may not read it");
    assert!(!refused.stderr.contains("hf_0ther"));
    let run = scene.sandbox.run(scene.command(&["Ada/Tiny-Net", "-vv"]).env("HF_TOKEN", TOKEN)).ok();
    assert!(!run.stderr.contains(TOKEN) && !run.stderr.contains("secret-"), "{}", run.stderr);
    scene.import(&["Ada/Tiny-Net", "--token", TOKEN]).ok();
    let carried =
        |registry: &FakeRegistry| registry.requests().iter().filter(|r| r.header("authorization").is_some()).count();
    assert!(carried(&scene.hub) > 0);
    assert_eq!(carried(&scene.storage), 0, "the storage is another host");
}

#[test]
fn the_token_of_the_environment_stays_away_from_other_hubs() {
    let scene = Scene::new();
    let page = format!("http://{}/Ada/Tiny-Net", scene.hub.host());
    let mut command = scene.sandbox.command(&["import", &page, "--tool", "hf"]);
    scene.sandbox.run(command.env("HF_TOKEN", TOKEN)).ok();
    assert!(scene.hub.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn wrong_bytes_are_refused_and_nothing_appears() {
    let scene = Scene::new();
    scene.storage.fail_later("GET", OBJECTS, 0, usize::MAX, Fault::WrongBytes);
    scene.import(&["Ada/Tiny-Net", "-t", "a:v1"]).fails().says("model.bin");
    scene.sandbox.kit(&["inspect", "a:v1"]).fails();
    let registry = FakeRegistry::start();
    let name = format!("{}/a:v1", registry.host());
    scene.import(&["Ada/Tiny-Net", "--push", &name, "--plain-http"]).fails();
    assert!(registry.manifest("a", "v1").is_none());
}

#[test]
fn import_push_queries_the_registry_first_and_stores_nothing() {
    let (scene, registry) = (Scene::new(), FakeRegistry::start());
    let name = format!("{}/team/tiny:v1", registry.host());
    let push = ["Ada/Tiny-Net", "--push", &name, "--plain-http"];
    let run = scene.import(&push).ok();
    let weights = &scene.repository.files[3].1;
    assert_eq!(registry.blob(&sha256(weights)).as_ref(), Some(weights), "the LFS id is the digest of the layer");
    assert!(!scene.sandbox.path("kit").exists(), "nothing is on the disk");
    let fetched = scene.fetched();
    assert_eq!(fetched, weights.len() as u64);
    assert_eq!(scene.import(&push).ok().says("0 B sent").digest(), run.digest());
    assert_eq!(scene.fetched(), fetched, "the registry has it");
    scene.sandbox.kit(&["unpack", &name, "-d", "out", "--plain-http"]).ok();
    assert_eq!(scene.sandbox.read("out/src/deep/er/run it.py"), "print(1)\n");
    let raw = scene.import(&["Ada/Tiny-Net", "--layer-format", "raw"]).ok();
    assert_eq!(raw.digest(), run.digest(), "the same layers here");
    scene.sandbox.kit(&["fsck"]).ok();
}

#[test]
fn remains_of_an_unfinished_import_are_shown_and_cleared() {
    let scene = Scene::new();
    scene.storage.fail("GET", OBJECTS, Fault::DropAnswerAfter(7));
    scene.storage.fail_later("GET", OBJECTS, 1, usize::MAX, Fault::Status(404, Vec::new()));
    scene.import(&["Ada/Tiny-Net"]).fails();
    scene.sandbox.kit(&["cache", "info"]).ok().prints("Unfinished downloads: 7 B");
    scene.sandbox.kit(&["cache", "clear"]).ok().says("7 B freed");
    scene.sandbox.kit(&["cache", "info"]).ok().prints("Cache is currently empty");
    assert!(scene.sandbox.names("kit/imports").is_empty());
}

/// `Settings::default().piece_bytes`
const PIECE: usize = 4 * 1024 * 1024;
const MIB: usize = 1024 * 1024;
const CONNECTIONS: usize = 2;
const DROPPED_AFTER: usize = 1_000_000;

/// The weights of a usual run; `KIT_TEST_IMPORT_MIB=3072 cargo test --test cli each_byte` uses larger ones.
#[allow(clippy::disallowed_methods, reason = "the size of a test does not concern the program")]
fn weights() -> Bytes {
    let mib = std::env::var("KIT_TEST_IMPORT_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(64);
    (0..mib).map(|place: u64| place.to_le_bytes().repeat(MIB / 8)).collect::<Vec<_>>().concat().into()
}

#[test]
fn each_byte_is_fetched_once_but_for_a_piece_per_connection() {
    let scene = Scene::with_weights(weights());
    let size = scene.repository.files[3].1.len();
    scene.storage.configure(|options| options.bytes_per_second = Some(size / 3));
    for spared in [2, 5, 8] {
        scene.storage.fail_later("GET", OBJECTS, spared, 1, Fault::DropAnswerAfter(DROPPED_AFTER));
    }
    let args = ["Ada/Tiny-Net", "-t", "a:v1", "--concurrency", "2"];
    let fetched = || usize::try_from(scene.storage.paced_bytes()).unwrap() + 3 * DROPPED_AFTER;
    let mut child = scene.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| fetched() >= size / 10 * 7);
    child.kill().unwrap();
    child.wait().unwrap();
    scene.import(&args).ok();
    scene.storage.wait_until_idle();
    let most = size + (CONNECTIONS + 3) * PIECE;
    assert!((size..=most).contains(&fetched()), "{} bytes of {size}, {most} at most", fetched());
    assert!(scene.storage.requests_of("GET", OBJECTS).len() > 9, "all three connections were dropped");
    scene.sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    let content = fs_err::read(scene.sandbox.path("out/model.bin")).unwrap();
    assert!(content == scene.repository.files[3].1);
}

#[test]
fn a_killed_push_resumes_where_it_stopped() {
    let (scene, registry) = (Scene::with_weights(Bytes::from(vec![7; 150_000_000])), FakeRegistry::start());
    scene.storage.configure(|options| options.bytes_per_second = Some(1_000_000_000));
    registry.configure(|options| options.any_location = true);
    registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::StallRequestAfter(10_000_000));
    let name = format!("{}/team/tiny:v1", registry.host());
    let args = ["Ada/Tiny-Net", "--push", &name, "--plain-http"];
    let mut child = scene.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| registry.requests_of("PATCH", "").len() >= 2);
    child.kill().unwrap();
    child.wait().unwrap();
    scene.storage.wait_until_idle();
    let fetched = scene.storage.paced_bytes();
    scene.import(&args).ok().says("5.5 MiB sent").says("137.5 MiB resumed");
    let again = scene.storage.paced_bytes() - fetched;
    assert!(again < 10_000_000, "{again} bytes were fetched for the last 5.5 MiB");
}

fn wait_until(is_reached: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_reached() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came so far");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_hub_that_cannot_be_reached_has_a_hint() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["import", "Ada/Tiny-Net", "--retry-for", "0s"]);
    let run = sandbox.run(command.env("HF_ENDPOINT", "http://localhost:1"));
    run.exits(6).says("cannot reach `localhost:1`").says("hint: check the host name and the port; if the network ");
}
