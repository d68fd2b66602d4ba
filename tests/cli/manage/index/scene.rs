//! A model in two quantizations, and an index of them.

use serde_json::Value;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples::Gguf;
use kit_testkit::sandbox::{Run, Sandbox};

pub(super) const PLAIN: &str = "--plain-http";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A sandbox with the same model in two quantizations, `sample:q4` and `sample:q8`, which share a layer of docs.
pub(super) struct Scene {
    pub(super) sandbox: Sandbox,
    pub(super) q4: String,
    pub(super) q8: String,
}

/// Returns a model with one tensor. Both the type of the tensor and the file type are given as numbers.
pub(super) fn model(file_type: u32, tensor_type: u32) -> Gguf {
    let gguf = Gguf::new(3, false).text_entry("general.architecture", "llama");
    gguf.number_entry("general.file_type", file_type).tensor("blk.0.w", &[256, 8], tensor_type, 0).data(4096)
}

impl Scene {
    pub(super) fn new() -> Self {
        let sandbox = Sandbox::new();
        let pack = |name: &str, weights: Vec<u8>| {
            let kitfile = "manifestVersion: 1.0.0\npackage:\n  name: sample\nmodel:\n  path: model.gguf\n\
                           docs:\n  - path: README.md\n";
            sandbox.write(&format!("{name}/Kitfile"), kitfile);
            sandbox.write(&format!("{name}/README.md"), "# Sample\n");
            sandbox.write(&format!("{name}/model.gguf"), weights);
            sandbox.kit(&["pack", name, "-t", &format!("sample:{name}")]).ok().digest()
        };
        let (q4, q8) = (pack("q4", model(2, 2).bytes()), pack("q8", model(7, 8).bytes()));
        Self { sandbox, q4, q8 }
    }

    /// Creates the scene, and the index `sample:all` of both ModelKits.
    pub(super) fn with_index() -> Self {
        let scene = Self::new();
        scene.kit(&["index", "create", "sample:all", "sample:q4", "sample:q8", "--detect-labels"]).ok();
        scene
    }

    pub(super) fn kit(&self, args: &[&str]) -> Run {
        self.sandbox.kit(args)
    }

    /// Runs `kit` with another home directory.
    pub(super) fn elsewhere(&self, args: &[&str]) -> Run {
        self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path("elsewhere")))
    }

    /// Returns the entries of the index.
    pub(super) fn modelkits(&self) -> Value {
        self.kit(&["index", "info", "sample:all", "--format", "json"]).ok().json()["modelKits"].take()
    }
}

/// Returns a fake registry with the index as `team/sample:all`, and the name of the index.
pub(super) fn pushed(scene: &Scene) -> (FakeRegistry, String) {
    let registry = FakeRegistry::start();
    let name = format!("{}/team/sample:all", registry.host());
    scene.kit(&["index", "push", "sample:all", &name, PLAIN, "--with-modelkits"]).ok();
    (registry, name)
}
