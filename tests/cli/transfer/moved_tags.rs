//! Tags that move while a command reads what they name.

use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::{Run, Sandbox};

/// Two versions in a registry, the tag `current` at the first, which moves to the second after it was asked for once.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
    first: String,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        sandbox.project();
        let push = |sandbox: &Sandbox, tag: &str| {
            sandbox.kit(&["pack", "project", "-t", "net:v"]).ok();
            sandbox.kit(&["push", "net:v", &format!("{}/net:{tag}", registry.host()), "--plain-http"]).ok().digest()
        };
        let first = push(&sandbox, "current");
        sandbox.write("project/weights/model.bin", "other weights\n");
        let second = push(&sandbox, "second");
        registry.forget_requests();
        for method in ["HEAD", "GET"] {
            let (repository, tag) = ("net".to_owned(), "current".to_owned());
            registry.fail(method, "/manifests/current", Fault::MoveTag { repository, tag, digest: second.clone() });
        }
        Self { sandbox, registry, first }
    }

    /// Runs `kit` in a home without the ModelKits, with the name of the tag as the last argument.
    fn run(&self, args: &[&str]) -> Run {
        let name = format!("{}/net:current", self.registry.host());
        let args: Vec<_> = args.iter().copied().chain([&*name, "--plain-http"]).collect();
        self.sandbox.run(self.sandbox.command(&args).env("KIT_HOME", self.sandbox.path("elsewhere")))
    }

    fn requests_of_tag(&self) -> usize {
        ["HEAD", "GET"].iter().map(|method| self.registry.requests_of(method, "/manifests/current").len()).sum()
    }
}

#[test]
fn a_pull_takes_the_version_that_it_saw_first() {
    let scene = Scene::new();
    let pulled = scene.run(&["pull"]).ok();
    assert_eq!(pulled.digest(), scene.first);
    assert_eq!(scene.requests_of_tag(), 1, "{:?}", scene.registry.log());
    let documents = scene.registry.requests_of("GET", &format!("/manifests/{}", scene.first));
    assert_eq!(documents.len(), 0, "the manifest came with the tag: {:?}", scene.registry.log());
}

#[test]
fn an_unpacking_takes_the_version_that_it_saw_first() {
    let scene = Scene::new();
    let unpacked = scene.run(&["unpack", "-d", "out"]).ok();
    assert_eq!(scene.sandbox.read("out/weights/model.bin"), "weights\n", "{}", unpacked.stderr);
    assert_eq!(scene.requests_of_tag(), 1, "{:?}", scene.registry.log());
}

#[test]
fn the_config_is_fetched_once() {
    let scene = Scene::new();
    scene.run(&["pull"]).ok();
    let mut blobs: Vec<_> =
        scene.registry.requests_of("GET", "/blobs/").into_iter().map(|request| request.target).collect();
    let requests = blobs.len();
    blobs.sort();
    blobs.dedup();
    assert_eq!(blobs.len(), requests, "no blob is fetched twice: {:?}", scene.registry.log());
}

#[test]
fn a_destination_with_a_tag_and_a_digest_gets_the_tag_if_the_digest_is_right() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    let digest = sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok().digest();
    let wrong = kit_core::digest::Digest::of(b"");
    let name = |tag: &str, digest: &str| format!("{}/team/sample:{tag}@{digest}", registry.host());
    for args in [["push", "sample:v1"], ["copy", &name("v1", &digest)]] {
        let refused = sandbox.kit(&[&args[..], &[&name("v1", &wrong.to_string()), "--plain-http"]].concat()).fails();
        refused.says("contains another digest than the ModelKit");
        sandbox
            .kit(&[&args[..], &[&name(if args[0] == "push" { "v1" } else { "v2" }, &digest), "--plain-http"]].concat())
            .ok();
    }
    for tag in ["v1", "v2"] {
        assert!(registry.manifest("team/sample", tag).is_some(), "{tag}");
    }
    let into = name("v3", &digest);
    sandbox.kit(&["pack", "project", "--push", &into, "--plain-http"]).exits(2).says("contains a digest");
}

#[test]
fn only_a_tag_that_points_to_the_given_digest_is_removed() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    let digest = sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok().digest();
    sandbox.kit(&["tag", "sample:v1", "sample:v2"]).ok();
    let remote = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["push", "sample:v1", &remote, "--plain-http"]).ok();
    let wrong = kit_core::digest::Digest::of(b"");
    sandbox.kit(&["remove", &format!("sample:v1@{wrong}")]).fails().says("not found in the local store");
    sandbox.kit(&["remove", &format!("sample:v9@{digest}")]).fails().says("not found in the local store");
    let refused = sandbox.kit(&["remove", "--remote", &format!("{remote}@{wrong}"), "--plain-http"]).fails();
    refused.says("points to").says(&format!("expected {wrong}"));
    sandbox.kit(&["remove", &format!("sample:v1@{digest}")]).ok().prints("Untagged sample:v1");
    sandbox.kit(&["inspect", "sample:v2"]).ok();
    sandbox.kit(&["remove", "--remote", &format!("{remote}@{digest}"), "--plain-http"]).ok();
}

/// A sandbox that pulled `net:v1` before the tag moved in the registry; returns the name of the tag too.
fn pulled_before_a_move(registry: &FakeRegistry) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.project();
    let name = format!("{}/net:v1", registry.host());
    sandbox.allow_plain_http(registry.host());
    sandbox.kit(&["pack", "project", "-t", &name]).ok();
    sandbox.kit(&["push", &name]).ok();
    sandbox.write("project/weights/model.bin", "other weights\n");
    sandbox.kit(&["pack", "project", "-t", "net:new"]).ok();
    sandbox.kit(&["push", "net:new", &name]).ok();
    (sandbox, name)
}

#[test]
fn reading_a_moved_tag_from_the_local_store_is_reported() {
    let registry = FakeRegistry::start();
    let (sandbox, name) = pulled_before_a_move(&registry);
    let note = format!("Reading {name} from the local store; --remote reads the registry");
    let repository = name.strip_suffix(":v1").unwrap();
    for args in [
        &["unpack", &name, "-d", "old"][..],
        &["verify", "old", &name],
        &["diff", &name, "old"],
        &["log", &name],
        &["log", repository],
        &["inspect", &name],
        &["inspect", &name, "--tensors"],
        &["info", &name],
        &["lineage", &name],
    ] {
        let run = sandbox.kit(args).ok();
        assert_eq!(run.stderr.matches("from the local store; --remote").count(), 1, "{args:?}: {}", run.stderr);
        let quiet = sandbox.kit(&[args, &["-q"]].concat());
        let is_shown = quiet.stderr.contains("from the local store");
        assert_eq!(is_shown, args[0] == "verify", "{args:?}: {}", quiet.stderr);
    }
    assert_eq!(sandbox.read("old/weights/model.bin"), "weights\n");
    sandbox.kit(&["unpack", &name, "-d", "old"]).ok().says(&note);
    // A digest does not move, and a name without a registry is always local.
    let digest = sandbox.kit(&["inspect", &name, "--format", "{{.Digest}}"]).ok().stdout;
    let pinned = format!("{repository}@{}", digest.trim());
    for name in [&*pinned, "net:new"] {
        let run = sandbox.kit(&["unpack", name, "-o", "-d", "old"]).ok();
        assert!(!run.stderr.contains("from the local store"), "{}", run.stderr);
    }
}

#[test]
fn remote_reads_what_the_tag_points_to_now() {
    let registry = FakeRegistry::start();
    let (sandbox, name) = pulled_before_a_move(&registry);
    sandbox.kit(&["unpack", &name, "-d", "new", "--dry-run", "--remote"]).ok();
    let run = sandbox.kit(&["unpack", &name, "-d", "new", "--remote"]).ok();
    assert_eq!(sandbox.read("new/weights/model.bin"), "other weights\n");
    assert!(!run.stderr.contains("from the local store"), "{}", run.stderr);
    sandbox.kit(&["verify", "new", &name, "--remote"]).ok();
    sandbox.kit(&["verify", "new", &name]).exits(3);
    sandbox.kit(&["diff", &name, "new", "--remote", "--exit-code"]).ok();
    sandbox.kit(&["diff", &name, "new", "--exit-code"]).exits(1);
    let sides = [&*format!("local://{name}"), &name, "--exit-code"];
    sandbox.kit(&[&["diff", "--remote"][..], &sides].concat()).exits(1);
    sandbox.kit(&["diff", "--remote", "net:new", &name, "--exit-code"]).ok();
    sandbox.kit(&["list", "--remote", name.strip_suffix(":v1").unwrap()]).ok().prints("v1");
    sandbox.kit(&["list", "--remote", "net"]).exits(2).says("put the registry host in front");
    sandbox.kit(&["list", "--remote"]).exits(2);
}

/// A project whose first version is in the registry as `v1` with its image form; the second one is `net:new`.
fn with_image_form(registry: &FakeRegistry) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.project();
    let name = format!("{}/net:v1", registry.host());
    sandbox.allow_plain_http(registry.host());
    sandbox.kit(&["pack", "project", "-t", "net:v1"]).ok();
    let first = sandbox.kit(&["push", "net:v1", &name, "--also", "image"]).ok();
    assert!(!first.stderr.contains("moved"), "{}", first.stderr);
    sandbox.write("project/weights/model.bin", "other weights\n");
    sandbox.kit(&["pack", "project", "-t", "net:new"]).ok();
    (sandbox, name)
}

#[test]
fn a_push_that_moves_a_tag_says_so_and_warns_of_its_old_forms() {
    let registry = FakeRegistry::start();
    let (sandbox, name) = with_image_form(&registry);
    let image = sandbox.kit(&["inspect", &format!("{name}-image"), "--format", "{{.Digest}}"]).ok();
    let (_, manifest) = registry.manifest("net", "v1-image").unwrap();
    assert_eq!(image.stdout.trim(), kit_core::digest::Digest::of(&manifest).to_string());
    let again = sandbox.kit(&["push", "net:v1", &name]).ok();
    assert!(!again.stderr.contains("moved"), "the content is the same: {}", again.stderr);
    let moved = format!("{name} moved from sha256:");
    let stale =
        "warning: `v1-image` still holds another version; `--also image` of `kit push` and `kit promote` moves it";
    sandbox.kit(&["push", "net:new", &name]).ok().says(&moved).says(stale);
    sandbox.kit(&["push", "net:v1", &name]).ok().says(&moved);
    let pushed = sandbox.kit(&["push", "net:v1", &name, "--also", "image", "--format", "json"]).ok().json();
    assert_eq!(pushed["references"], serde_json::json!([name, format!("{name}-image")]));
    let listed = sandbox.kit(&["list", name.strip_suffix(":v1").unwrap(), "--format", "json"]).ok().json();
    assert_eq!((&listed[0]["names"], &listed[0]["repo"]), (&serde_json::json!([name]), &serde_json::json!("net")));
    let renewed = sandbox.kit(&["push", "net:new", &name, "--also", "image"]).ok().says(&moved);
    assert!(!renewed.stderr.contains("still holds another version"), "{}", renewed.stderr);
    sandbox.write("project/weights/model.bin", "third weights\n");
    sandbox.kit(&["pack", "project", "--push", &name]).ok().says(&moved).says(stale);
    let other = format!("{}/net:other", registry.host());
    sandbox.kit(&["push", "net:v1", &other]).ok();
    sandbox.kit(&["copy", &other, &name]).ok().says(&moved).says(stale);
}

#[test]
fn a_push_moves_a_tag_only_from_the_expected_digest() {
    let registry = FakeRegistry::start();
    let (sandbox, name) = with_image_form(&registry);
    let (_, current) = registry.manifest("net", "v1").unwrap();
    sandbox.kit(&["push", "net:new", &name, "--expect", "none"]).exits(7).says("expected nothing");
    let wrong = kit_core::digest::Digest::of(b"").to_string();
    sandbox.kit(&["push", "net:new", &name, "--expect", &wrong]).exits(7).says("points to");
    assert_eq!(registry.manifest("net", "v1").unwrap().1, current);
    let digest = kit_core::digest::Digest::of(&current).to_string();
    sandbox.kit(&["push", "net:new", &name, "--expect", &digest]).ok();
    let fresh = format!("{}/net:fresh", registry.host());
    sandbox.kit(&["push", "net:new", &fresh, "--expect", "none"]).ok();
    sandbox.kit(&["push", "net:new", "oci:layout:v1", "--expect", "none"]).exits(2).says("a tag in a registry");
}

#[test]
fn packing_under_an_existing_name_says_that_it_moved() {
    let sandbox = Sandbox::packed();
    let again = sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    assert!(!again.stderr.contains("moved"), "{}", again.stderr);
    sandbox.write("project/weights/model.bin", "other weights\n");
    let moved = sandbox.kit(&["pack", "project", "-t", "sample:v1,new"]).ok().says("sample:v1 moved from sha256:");
    assert_eq!(moved.stderr.matches(" moved from ").count(), 1, "{}", moved.stderr);
    sandbox.kit(&["tag", "sample:new", "sample:other"]).ok();
    sandbox.write("project/weights/model.bin", "moved by a tag\n");
    sandbox.kit(&["pack", "project", "-t", "sample:later"]).ok();
    let retagged = sandbox.kit(&["tag", "sample:later", "sample:other"]).ok().says("sample:other moved from sha256:");
    assert_eq!(retagged.stdout, "Modelkit sample:later tagged as sample:other\n");
}
