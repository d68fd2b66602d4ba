//! `kit deploy`.

mod drift;
mod forms;

use expect_test::Expect;
use regex::Regex;
use serde_json::json;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples::small_safetensors;
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";

/// A registry with `team/net:v1`, a model of transformers with its image form.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { sandbox: Sandbox::new(), registry: FakeRegistry::start() };
        let config = json!({ "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096 });
        scene.sandbox.write("net/model/config.json", config.to_string());
        scene.sandbox.write("net/model/model.safetensors", small_safetensors());
        scene.sandbox.write("net/data.csv", "a\n");
        let kitfile = "manifestVersion: 1.0.0\npackage: {name: My Net, license: Apache-2.0}\nmodel: {path: model}\n\
                       datasets: [{path: data.csv}]\n";
        scene.sandbox.write("net/Kitfile", kitfile);
        scene.push("net", "team/net:v1", &["--also", "image"]);
        scene
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }

    fn push(&self, folder: &str, name: &str, flags: &[&str]) {
        let name = self.name(name);
        self.sandbox.kit(&["pack", folder, "-t", &name]).ok();
        self.sandbox.kit(&[&["push", &name, PLAIN], flags].concat()).ok();
    }

    fn deploy(&self, name: &str, args: &[&str]) -> Run {
        self.sandbox.kit(&[&["deploy", &self.name(name), PLAIN], args].concat())
    }

    fn digest(&self, repository: &str, tag: &str) -> String {
        kit_testkit::registry::sha256(&self.registry.manifest(repository, tag).unwrap().1)
    }
}

fn check(run: &Run, expected: &Expect) {
    let text = Regex::new(r"127-0-0-1-\d+").unwrap().replace_all(&run.redacted_stdout(), "[HOST]").into_owned();
    expected.assert_eq(&text);
}

const SERVER: [&str; 2] = ["--image", "registry.example/server:1.0"];
