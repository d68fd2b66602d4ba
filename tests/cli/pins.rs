//! Pins: a model that comes from another ModelKit by tag and digest.

use crate::registry::{FakeRegistry, Fault};
use crate::sandbox::Sandbox;

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

    fn pinned(&self, digest: &str) -> String {
        format!("{}@{digest}", self.base)
    }
}

fn kitfile(model: &str) -> String {
    format!(
        "manifestVersion: 1.0.0\n\n# ours\nmodel:\n    name:   net\n    path:   '{model}'   # the base\ncode: [{{path: app}}]\n"
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
fn of_a_pinned_parent_what_is_selected_is_taken() {
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
fn a_registry_that_gives_something_else_than_the_pin_is_not_believed() {
    let bases = Bases::new();
    bases.write_tuned(&bases.pinned(&bases.first));
    bases.registry.fail("GET", &format!("/manifests/{}", bases.first), Fault::WrongBytes);
    let run = bases.sandbox.kit(&["pack", "tuned", "-t", "tuned:v1", PLAIN]).fails();
    run.says(&format!("cannot read the referenced ModelKit `{}`", bases.pinned(&bases.first))).says(&bases.first);
}
