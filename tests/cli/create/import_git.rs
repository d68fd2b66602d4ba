//! `kit import` of a git repository, whose large files are in LFS.

use std::process::Command;

use bytes::Bytes;

use crate::inspect::provenance::statements;
use kit_testkit::platform::assert_mode;
use kit_testkit::registry::{FakeRegistry, Fault, HubRepository, sha256};
use kit_testkit::sandbox::{Run, Sandbox};

const OBJECTS: &str = "/objects/";
const WEIGHTS: &[u8] = b"weights of a network\n";
/// `ada:s3cret`
const BASIC: &str = "Basic YWRhOnMzY3JldA==";

/// A repository that git reaches through its address, and the server of its large files, which are at another place.
struct Scene {
    sandbox: Sandbox,
    server: FakeRegistry,
    storage: FakeRegistry,
    address: String,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, server, storage) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
        let address = format!("http://{}/ada/net", server.host());
        let scene = Self { sandbox, server, storage, address };
        let digest = scene.storage.add_blob(WEIGHTS);
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid {digest}\nsize {}\n", WEIGHTS.len());
        scene.show(None);
        for (path, content) in [
            (".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt text eol=crlf\n"),
            ("README.md", "# Net\n"),
            ("model.bin", &pointer),
            ("notes.txt", "a\nb\n"),
            ("run.sh", "#!/bin/sh\n"),
        ] {
            scene.sandbox.write(&format!("repository/{path}"), content);
        }
        scene.sandbox.write("home/.gitconfig", scene.settings());
        scene.git(&["init", "-q", "-b", "main"]);
        scene.git(&["add", "."]);
        scene.git(&["update-index", "--chmod=+x", "run.sh"]);
        scene.git(&["commit", "-q", "-m", "first"]);
        scene
    }

    /// A git configuration that maps the address to the folder, with a smudge filter that always fails.
    fn settings(&self) -> String {
        let folder = self.sandbox.path("repository");
        let server = self.server.host();
        format!(
            "[user]\nname = Ada\nemail = ada@example.com\n[url \"{}\"]\ninsteadOf = {}\n\
             insteadOf = git@git.example:ada/net.git\n\
             [filter \"lfs\"]\nsmudge = false\nclean = cat\nrequired = true\n\
             [credential \"http://{server}\"]\nhelper = \"!f() {{ echo username=ada; echo password=s3cret; }}; f\"\n",
            folder.display(),
            self.address
        )
    }

    fn show(&self, token: Option<&'static str>) {
        let content = Bytes::from_static(WEIGHTS);
        let digest = Some(sha256(&content));
        self.server.show(HubRepository {
            kind: "models",
            name: "ada/net",
            license: None,
            files: vec![("model.bin", content, digest)],
            token,
            files_per_page: 1,
            storage: format!("http://{}", self.storage.host()),
        });
    }

    fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.env_clear().env("HOME", self.sandbox.path("home")).env("PATH", "/usr/bin:/bin");
        let output = command.current_dir(self.sandbox.path("repository")).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn import(&self, args: &[&str]) -> Run {
        self.sandbox.kit(&[&["import"], args].concat())
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_commit_is_imported_with_its_large_files() {
    let scene = Scene::new();
    scene.sandbox.write("repository/LICENSE", include_str!("../../../LICENSE"));
    scene.git(&["add", "."]);
    scene.git(&["commit", "-q", "-m", "second"]);
    let commit = scene.git(&["rev-parse", "HEAD"]);
    scene.import(&[&scene.address]).ok().says(&commit).says("tagged ada/net:latest");
    scene.sandbox.kit(&["unpack", "ada/net:latest", "-d", "out"]).ok();
    let names: Vec<_> = scene.sandbox.tree("out").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Kitfile", "LICENSE", "README.md", "model.bin", "notes.txt", "run.sh"]);
    assert_eq!(scene.sandbox.read("out/model.bin").as_bytes(), WEIGHTS);
    assert_eq!(scene.sandbox.read("out/notes.txt"), "a\nb\n", "as git has it");
    let kitfile = scene.sandbox.read("out/Kitfile");
    for words in ["name: net", "authors: [ada]", "license: Apache-2.0", &commit, &scene.address] {
        assert!(kitfile.contains(words), "no {words} in\n{kitfile}");
    }
    let statement = &statements(&scene.sandbox)[0];
    let checkout = &statement["predicate"]["buildDefinition"]["resolvedDependencies"][0];
    assert_eq!(checkout["digest"]["gitCommit"], commit, "{statement}");
    assert!(scene.sandbox.names("kit/imports").is_empty(), "nothing is left of the work");
    let signed = scene.storage.requests_of("GET", OBJECTS);
    assert!(signed.iter().all(|request| request.header("x-signed") == Some("yes")) && !signed.is_empty());
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn programs_stay_programs() {
    let scene = Scene::new();
    for format in ["tar", "raw"] {
        scene.import(&[&scene.address, "-t", "a:v1", "--layer-format", format]).ok();
        scene.sandbox.kit(&["unpack", "a:v1", "-d", format]).ok();
        assert_mode(scene.sandbox.path(&format!("{format}/run.sh")), 0o755);
        assert_mode(scene.sandbox.path(&format!("{format}/notes.txt")), 0o644);
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_branch_a_tag_and_a_commit_are_found() {
    let scene = Scene::new();
    let first = scene.git(&["rev-parse", "HEAD"]);
    scene.git(&["tag", "-a", "v1", "-m", "one"]);
    scene.git(&["checkout", "-q", "-b", "next"]);
    scene.sandbox.write("repository/notes.txt", "c\n");
    scene.git(&["commit", "-q", "-a", "-m", "second"]);
    let second = scene.git(&["rev-parse", "HEAD"]);
    scene.git(&["checkout", "-q", "main"]);
    for (revision, commit) in [("v1", &first), ("next", &second), ("main", &first), (&*second, &second)] {
        scene.import(&[&scene.address, "--ref", revision, "-t", "a:v1"]).ok().says(commit);
    }
    scene.import(&[&scene.address, "--ref", "nope", "-t", "a:v1"]).fails().says("git cannot fetch `nope`");
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn the_kitfile_of_the_repository_is_the_default() {
    let scene = Scene::new();
    scene.sandbox.write("repository/Kitfile", "manifestVersion: 1.0.0\ndocs: [{path: README.md}]\n");
    scene.git(&["add", "."]);
    scene.git(&["commit", "-q", "-m", "second"]);
    scene.import(&[&scene.address, "-t", "a:v1"]).ok();
    assert!(!scene.sandbox.kit(&["ls", "a:v1"]).ok().stdout.contains("model"));
    assert!(scene.storage.requests_of("GET", OBJECTS).is_empty(), "only what is in a layer is fetched");
    scene.sandbox.write("Own", "manifestVersion: 1.0.0\nmodel: {path: model.bin}\n");
    scene.import(&[&scene.address, "-t", "a:v1", "-f", "Own"]).ok();
    assert!(scene.sandbox.kit(&["ls", "a:v1"]).ok().stdout.contains("model.bin"));
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn large_files_of_a_folder_are_read_from_it() {
    let scene = Scene::new();
    scene.import(&["./repository"]).fails().says("only the Git LFS pointer of `model.bin`").says("git lfs fetch");
    let hex = sha256(WEIGHTS).replace("sha256:", "");
    let place = format!("repository/.git/lfs/objects/{}/{}/{hex}", &hex[..2], &hex[2..4]);
    scene.sandbox.write(&place, WEIGHTS);
    scene.import(&["./repository"]).ok().says("tagged repository:latest");
    scene.sandbox.kit(&["unpack", "repository:latest", "-d", "out"]).ok();
    assert_eq!(scene.sandbox.read("out/model.bin").as_bytes(), WEIGHTS);
    assert!(!scene.sandbox.read("out/Kitfile").contains("repository/"), "no path of this disk");
    assert!(scene.server.requests().is_empty());
    let mut here = scene.sandbox.command(&["import", "."]);
    scene.sandbox.run(here.current_dir(scene.sandbox.path("repository"))).ok().says("tagged repository:latest");
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn an_object_whose_bytes_are_not_those_of_its_identifier_is_refused() {
    let scene = Scene::new();
    scene.storage.fail_later("GET", OBJECTS, 0, usize::MAX, Fault::WrongBytes);
    scene.import(&[&scene.address]).fails().says("does not match its digest");
    let hex = sha256(WEIGHTS).replace("sha256:", "");
    let place = format!("repository/.git/lfs/objects/{}/{}/{hex}", &hex[..2], &hex[2..4]);
    scene.sandbox.write(&place, vec![0; WEIGHTS.len()]);
    scene.import(&["./repository"]).fails().says("does not match its digest");
    assert_eq!(scene.sandbox.kit(&["list", "--format", "json"]).ok().json(), serde_json::json!([]));
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn credentials_of_git_are_sent_only_to_the_server() {
    let scene = Scene::new();
    scene.show(Some(BASIC));
    let run = scene.import(&[&scene.address, "-vv"]).ok();
    assert!(!run.stderr.contains("s3cret") && !run.stderr.contains("secret-"), "{}", run.stderr);
    assert!(scene.storage.requests().iter().all(|request| request.header("authorization").is_none()));
    scene.show(Some("Basic b3RoZXI="));
    scene.import(&[&scene.address]).fails().says("requires credentials that git does not have");
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_push_sends_only_what_the_registry_lacks() {
    let (scene, registry) = (Scene::new(), FakeRegistry::start());
    registry.add_blob(WEIGHTS);
    let name = format!("{}/team/net:v1", registry.host());
    scene.import(&[&scene.address, "--push", &name, "--plain-http"]).ok();
    assert!(scene.storage.requests_of("GET", OBJECTS).is_empty(), "the registry has it");
    scene.sandbox.kit(&["unpack", &name, "-d", "out", "--plain-http"]).ok();
    assert_eq!(scene.sandbox.read("out/model.bin").as_bytes(), WEIGHTS);
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_revision_or_object_that_git_lacks_is_named() {
    let scene = Scene::new();
    scene.server.show(HubRepository {
        kind: "models",
        name: "ada/net",
        license: None,
        files: Vec::new(),
        token: None,
        files_per_page: 1,
        storage: String::new(),
    });
    scene.import(&[&scene.address]).fails().says("does not have `model.bin`").says("Object does not exist");
    scene.import(&["./nothing"]).fails().says("cannot import `./nothing`: it does not exist");
    scene.sandbox.write("plain/a.txt", "");
    scene.import(&["./plain"]).fails().says("it is a folder, but neither a git repository nor an MLflow run");
    let secret = scene.import(&["http://me:s3cret@127.0.0.1:1/ada/net"]).fails();
    assert!(!secret.stderr.contains("s3cret"), "{}", secret.stderr);
    secret.says("'http://127.0.0.1:1/ada/net/'");
    scene.import(&[&scene.address, "--token", "x"]).exits(2).says("git uses its own credentials");
    let mut command = scene.sandbox.command(&["import", &scene.address]);
    scene.sandbox.run(command.env("PATH", "/nowhere")).fails().says("cannot run `git`").says("install git");
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_repository_may_name_another_server_for_its_large_files() {
    let scene = Scene::new();
    scene.sandbox.write("repository/.lfsconfig", format!("[lfs]\nurl = {}.git/info/lfs\n", scene.address));
    scene.git(&["add", "."]);
    scene.git(&["commit", "-q", "-m", "second"]);
    let host = scene.server.host();
    let repository = "git@git.example:ada/net.git";
    scene
        .import(&[repository])
        .fails()
        .says(&format!("the repository keeps its large files on another host, `{host}`"))
        .says(&format!("`--lfs-host {host}`"));
    assert!(!scene.server.log().iter().any(|line| line.contains("objects/batch")), "nothing is sent");
    scene.import(&[repository, "--lfs-host", host]).ok().says("Importing ssh://git.example/ada/net.git");
    assert!(!scene.sandbox.kit(&["ls", "ada/net:latest"]).ok().stdout.contains(".lfsconfig"));
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn an_address_that_programs_read_differently_is_refused() {
    let scene = Scene::new();
    let host = scene.server.host();
    for address in [format!("http:\\\\{host}\\://trusted.example/x"), format!("http://{host}?@trusted.example/")] {
        let file = scene.sandbox.path("repository/.lfsconfig");
        let set = ["config", "--file", file.to_str().unwrap(), "lfs.url", &address];
        scene.git(&set);
        scene.git(&["add", "."]);
        scene.git(&["commit", "-q", "-m", "second"]);
        scene.import(&[&scene.address, "--lfs-host", host]).fails().says("`.lfsconfig` has an invalid address");
        assert!(!scene.server.log().iter().any(|line| line.contains("objects/batch")), "{address}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn links_are_skipped_with_a_warning() {
    let scene = Scene::new();
    scene.git(&["config", "core.symlinks", "true"]);
    let secret = scene.sandbox.write("secret", "s3cret\n");
    kit_testkit::platform::symlink(secret, scene.sandbox.path("repository/link.md")).unwrap();
    scene.git(&["add", "."]);
    scene.git(&["commit", "-q", "-m", "second"]);
    scene.import(&[&scene.address, "-t", "a:v1"]).ok().says("`link.md` is a symbolic link");
    assert!(!scene.sandbox.kit(&["ls", "a:v1"]).ok().stdout.contains("link"));
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn the_attestation_of_an_import_is_a_predicate_to_sign() {
    let scene = Scene::new();
    let commit = scene.git(&["rev-parse", "HEAD"]);
    let import = |args: &[&str]| scene.import(&[&[&*scene.address], args].concat());
    let run = import(&["-t", "net:v1", "--attestation-output", "import.json", "--depth", "-1"]).ok();
    let predicate: serde_json::Value = serde_json::from_str(&scene.sandbox.read("import.json")).unwrap();
    let parameters = &predicate["buildDefinition"]["externalParameters"];
    assert_eq!(parameters["source"]["uri"], format!("git+{}", scene.address));
    assert_eq!(parameters["source"]["digest"]["gitCommit"], commit.trim());
    let manifest = scene.sandbox.kit(&["inspect", "net:v1"]).ok().json()["manifest"].take();
    let config = manifest["config"]["digest"].as_str().unwrap().trim_start_matches("sha256:");
    assert_eq!(parameters["kitfile"]["digest"]["sha256"], config);
    let digest = run.digest();
    run.says(&format!("ModelKit manifest digest: {digest}"));

    let printed = import(&["-t", "net:v1", "--attestation-output", "-"]).ok();
    assert_eq!(printed.json()["runDetails"]["builder"]["id"], "https://kitops.org/kit");
    import(&["-t", "net:v2", "--attestation-output", "no/such/folder.json"]).fails();
    scene.sandbox.kit(&["inspect", "net:v2"]).fails();
}
