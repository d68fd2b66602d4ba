//! Pins: a model that comes from another ModelKit by tag and digest, and `kit update`, which moves them.

use expect_test::expect;
use fs_err as fs;
use serde_json::json;

use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";

/// A registry with two versions of a base, of which `v1` is the first; and a project that is tuned from it.
struct Bases {
    sandbox: Sandbox,
    registry: FakeRegistry,
    /// `REGISTRY/base:v1`
    base: String,
    first: String,
}

impl Bases {
    fn new() -> Self {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        sandbox.project();
        sandbox.allow_plain_http(registry.host());
        let base = format!("{}/base:v1", registry.host());
        let mut bases = Self { sandbox, registry, base, first: String::new() };
        bases.first = bases.publish("weights\n");
        bases
    }

    /// Moves the tag in the registry to a base with these weights. Nothing stays here.
    fn publish(&self, weights: &str) -> String {
        self.sandbox.write("project/weights/model.bin", weights);
        self.sandbox.kit(&["pack", "project", "--push", &self.base, PLAIN]).ok().digest()
    }

    fn write_tuned(&self, model: &str) {
        self.sandbox.write("tuned/Kitfile", kitfile(model));
        self.sandbox.write("tuned/app", "app");
    }

    fn update(&self, args: &[&str]) -> Run {
        self.sandbox.kit(&[&["update", "tuned", PLAIN], args].concat())
    }

    fn kitfile(&self) -> String {
        self.sandbox.read("tuned/Kitfile")
    }

    fn pinned(&self, digest: &str) -> String {
        format!("{}@{digest}", self.base)
    }
}

fn kitfile(model: &str) -> String {
    format!(
        "manifestVersion: 1.0.0\n\n# ours\nmodel:\n    name:   net\n    path:   '{model}'   # the base\n\
         code: [{{path: app}}]\n"
    )
}

#[test]
fn the_pin_decides_when_the_tag_has_moved() {
    let bases = Bases::new();
    let (sandbox, tuned) = (&bases.sandbox, format!("{}/tuned:v1", bases.registry.host()));
    bases.write_tuned(&bases.pinned(&bases.first));
    let second = bases.publish("other\n");
    let run = sandbox.kit(&["pack", "tuned", "-t", &tuned, "--lock", PLAIN]).ok();
    assert!(!run.stderr.contains("moved"), "{}", run.stderr);
    let lock = sandbox.read("tuned/Kitfile.lock");
    assert!(lock.contains(&format!("\nparent {} {}\n", bases.first, bases.pinned(&bases.first))), "{lock}");
    sandbox.kit(&["push", &tuned, PLAIN]).ok();
    sandbox.kit(&["remove", &tuned]).ok();
    sandbox.kit(&["unpack", &tuned, "-d", "straight", PLAIN]).ok();
    assert_eq!(sandbox.read("straight/weights/model.bin"), "weights\n");
    // A name here that goes another way than the pin stays as it is.
    sandbox.kit(&["pull", &bases.base, PLAIN]).ok();
    sandbox
        .kit(&["pull", &tuned, PLAIN])
        .ok()
        .says(&format!("Pulling referenced modelkit {}", bases.pinned(&bases.first)));
    assert_eq!(sandbox.kit(&["inspect", &bases.base, "--format", "{{.Digest}}"]).ok().stdout.trim(), second);
    bases.registry.forget_requests();
    sandbox.kit(&["unpack", &tuned, "-d", "here", PLAIN]).ok();
    assert_eq!(sandbox.read("here/weights/model.bin"), "weights\n");
    assert_eq!(bases.registry.log(), Vec::<String>::new());
}

#[test]
fn a_filter_applies_to_a_pinned_parent() {
    let bases = Bases::new();
    let tuned = format!("{}/tuned:v1", bases.registry.host());
    bases.write_tuned(&bases.pinned(&bases.first));
    bases.sandbox.kit(&["pack", "tuned", "-t", &tuned, PLAIN]).ok();
    for (filter, names) in [
        ("model", &["weights/model.bin", "weights/tokenizer.json"][..]),
        ("model:tokenizer", &["weights/tokenizer.json"]),
        ("code", &["app"]),
        ("kitfile,model:net", &["Kitfile", "weights/model.bin"]),
    ] {
        bases.sandbox.kit(&["unpack", &tuned, "-d", filter, "--filter", filter, PLAIN]).ok();
        assert_eq!(bases.sandbox.names(filter), names, "{filter}");
    }
}

#[test]
fn content_that_differs_from_the_pin_is_refused() {
    let bases = Bases::new();
    bases.write_tuned(&bases.pinned(&bases.first));
    bases.registry.fail("GET", &format!("/manifests/{}", bases.first), Fault::WrongBytes);
    let run = bases.sandbox.kit(&["pack", "tuned", "-t", "tuned:v1", PLAIN]).fails();
    run.says(&format!("cannot read the referenced ModelKit `{}`", bases.pinned(&bases.first))).says(&bases.first);
}

#[test]
fn update_moves_the_pin_and_nothing_else() {
    let bases = Bases::new();
    bases.write_tuned(&bases.pinned(&bases.first));
    bases.sandbox.kit(&["pack", "tuned", "--lock", PLAIN]).ok();
    bases.update(&[]).ok().says("No pins to update in");
    let second = bases.publish("other\n");
    let before = bases.kitfile();
    let run = bases.update(&["--dry-run"]).ok().says("1 pin would move in");
    let line = format!("model.path  {}  {}… → {}…\n", bases.base, &bases.first[..19], &second[..19]);
    assert_eq!(run.stdout, line);
    assert_eq!(bases.kitfile(), before);
    let run = bases.update(&[]).ok().says("Kitfile.lock still contains the old digests; `kit pack --lock` updates it");
    assert_eq!(run.stdout, line);
    assert_eq!(bases.kitfile(), kitfile(&bases.pinned(&second)));
    let run = bases.sandbox.kit(&["pack", "tuned", "--locked", PLAIN]).fails().says("the Kitfile: its content is");
    run.says(&format!("parent `{}`: its digest is {second}, not {}", bases.base, bases.first));
    let run = bases.sandbox.kit(&["diff", "tuned/Kitfile.lock", "tuned", PLAIN]).ok();
    run.prints(&format!("  ~ {}  {}… → {}…", bases.base, &bases.first[..19], &second[..19]));
    bases.sandbox.kit(&["pack", "tuned", "--lock", PLAIN]).ok();
    bases.sandbox.kit(&["pack", "tuned", "--locked", PLAIN]).ok();
    bases.update(&[]).ok().says("No pins to update in");
}

#[test]
fn unpinned_references_are_pinned_only_on_request() {
    let bases = Bases::new();
    bases.write_tuned(&bases.base);
    bases.registry.forget_requests();
    let run = bases.update(&[]).ok().says("model.path is not pinned").says("--pin pins it");
    assert_eq!((run.stdout.as_str(), bases.registry.log().len()), ("", 0));
    let run = bases.update(&["--pin"]).ok();
    run.prints("not pinned → ");
    assert_eq!(bases.kitfile(), kitfile(&bases.pinned(&bases.first)));
}

#[test]
fn scripts_get_json_and_an_exit_code() {
    let bases = Bases::new();
    bases.write_tuned(&bases.pinned(&bases.first));
    bases.update(&["--exit-code"]).ok();
    let second = bases.publish("other\n");
    let run = bases.update(&["--exit-code", "--dry-run", "--format", "json", "--quiet"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let row = json!({
        "field": "model.path", "reference": bases.base, "before": bases.first, "now": second, "moved": true,
    });
    assert_eq!(run.json(), json!([row]));
    bases.registry.fail("GET", "/manifests/", Fault::Status(404, Vec::new()));
    bases.registry.fail("HEAD", "/manifests/", Fault::Status(404, Vec::new()));
    bases.update(&["--exit-code"]).exits(4).says("cannot update the pins of `tuned`");
    assert_eq!(bases.kitfile(), kitfile(&bases.pinned(&bases.first)));
}

#[test]
fn only_the_named_pins_move() {
    let bases = Bases::new();
    let (sandbox, pinned) = (&bases.sandbox, bases.pinned(&bases.first));
    let text = format!(
        "manifestVersion: 1.0.0\nmodel: {{path: '{pinned}'}}\n\
         datasets:\n- {{name: train, path: data, remotePath: '{pinned}'}}\n"
    );
    sandbox.write("tuned/Kitfile", &text);
    let second = bases.publish("other\n");
    let moved = format!("remotePath: '{}'", bases.pinned(&second));
    bases.update(&["train"]).ok().prints("datasets[0].remotePath");
    assert_eq!(bases.kitfile(), text.replace(&format!("remotePath: '{pinned}'"), &moved));
    let run = bases.update(&["validation"]).fails();
    run.says("no model or dataset named `validation` refers to another ModelKit").says("hint: ");
    let repository = format!("{}/base", bases.registry.host());
    bases.update(&[&repository]).ok().prints("model.path");
    assert!(!bases.kitfile().contains(&bases.first));
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn pins_of_the_local_store_move_without_a_registry() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let first = sandbox.kit(&["pack", "project", "-t", "base:v1"]).ok().digest();
    sandbox.write("tuned/Kitfile", kitfile(&format!("base:v1@{first}")));
    sandbox.write("project/README.md", "# Sampled\n");
    let second = sandbox.kit(&["pack", "project", "-t", "base:v1"]).ok().digest();
    fs::rename(sandbox.path("tuned/Kitfile"), sandbox.path("real")).unwrap();
    kit_testkit::platform::symlink("../real", sandbox.path("tuned/Kitfile")).unwrap();
    sandbox.kit(&["update", "tuned"]).ok();
    assert_eq!(sandbox.read("real"), kitfile(&format!("base:v1@{second}")), "a link to it stays one");
    sandbox.kit(&["remove", "base:v1"]).ok();
    let run = sandbox.kit(&["update", "tuned", "--local"]).fails();
    expect![[r#"
        error: cannot update the pins of `tuned`
          caused by: cannot read the referenced ModelKit `base:v1`
          caused by: failed to find reference base:v1: not found in the local store
        hint: `kit list` shows local ModelKits; to use a registry, put its host in front: REGISTRY/REPOSITORY:TAG"#]]
    .assert_eq(run.redacted_stderr().trim_end());
}
