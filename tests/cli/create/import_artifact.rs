//! `kit import` of artifacts of other tools: of oras, Docker Model Runner and Ollama.

use serde_json::{Value, json};

use crate::inspect::provenance::statements;
use kit_testkit::registry::{FakeRegistry, Fault, sha256};
use kit_testkit::sandbox::{Run, Sandbox};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const TITLE: &str = "org.opencontainers.image.title";
const APACHE: &str = "Apache License\nVersion 2.0, January 2004\n";

struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
}

impl Scene {
    fn new() -> Self {
        Self { sandbox: Sandbox::new(), registry: FakeRegistry::start() }
    }

    /// Adds the artifact `team/net:v1` with layers of the given types, contents and paths; returns its digest.
    fn artifact(&self, kind: &str, config: (&str, &Value), layers: &[(&str, &str, Option<&str>)]) -> String {
        let add = |content: &[u8]| self.registry.add_blob_to("team/net", content);
        let layer = |(media_type, content, path): &(&str, &str, Option<&str>)| {
            let annotations = path.map_or(json!({}), |path| json!({ TITLE: path }));
            let (digest, size) = (add(content.as_bytes()), content.len());
            json!({ "mediaType": media_type, "digest": digest, "size": size, "annotations": annotations })
        };
        let bytes = config.1.to_string().into_bytes();
        let config = json!({ "mediaType": config.0, "digest": add(&bytes), "size": bytes.len() });
        let layers: Vec<_> = layers.iter().map(layer).collect();
        let manifest = json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers });
        self.registry.add_manifest("team/net", "v1", kind, manifest.to_string().as_bytes())
    }

    fn name(&self) -> String {
        format!("oci://{}/team/net:v1", self.registry.host())
    }

    fn import(&self, flags: &[&str]) -> Run {
        self.sandbox.kit(&[&["import", &self.name(), "--plain-http"], flags].concat())
    }

    fn files(&self, name: &str) -> Vec<(String, String)> {
        self.sandbox.kit(&["unpack", name, "-d", "out", "--overwrite"]).ok();
        let files = self.sandbox.tree("out");
        files.into_iter().filter(|(name, _)| name != "Kitfile").collect()
    }
}

#[test]
fn files_that_oras_pushed_keep_their_paths() {
    let scene = Scene::new();
    let digest = scene.artifact(
        MANIFEST,
        ("application/vnd.oci.empty.v1+json", &json!({})),
        &[
            ("application/octet-stream", "weights", Some("weights/model.bin")),
            ("text/plain", "# Net\n", Some("README.md")),
            ("text/csv", "a,b\n", Some("train.csv")),
        ],
    );
    scene.import(&[]).ok().says(&format!("Importing {} at {digest} (3 files,", scene.name()));
    let expected = [("README.md", "# Net\n"), ("train.csv", "a,b\n"), ("weights/model.bin", "weights")];
    assert_eq!(scene.files("team/net:v1"), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let kitfile = scene.sandbox.kit(&["info", "team/net:v1"]).ok().stdout;
    for line in ["  path: weights/model.bin\n", "  - path: train.csv\n", "  name: net\n"] {
        assert!(kitfile.contains(line), "{kitfile}");
    }
    let statement = &statements(&scene.sandbox)[0];
    let source = &statement["predicate"]["buildDefinition"]["resolvedDependencies"][0];
    assert_eq!((&source["uri"], &source["annotations"]["role"]), (&json!(scene.name()), &json!("artifact")));
    assert_eq!(source["digest"]["sha256"], digest.trim_start_matches("sha256:"));

    // Pushed straight away, each layer keeps its digest.
    scene.import(&["--push", "oci:layout:v1"]).ok();
    let listed = scene.sandbox.kit(&["ls", "oci:layout:v1"]).ok();
    assert!(listed.stdout.contains("weights/model.bin"), "{}", listed.stdout);
    let manifest = scene.sandbox.kit(&["inspect", "oci:layout:v1"]).ok().json()["manifest"].take();
    assert_eq!(manifest["layers"][0]["digest"], sha256(b"weights"));
}

#[test]
fn a_model_of_docker_model_runner_gets_names_by_type() {
    let scene = Scene::new();
    let config =
        json!({ "config": { "format": "gguf", "quantization": "Q4_0", "architecture": "llama" }, "rootfs": {} });
    scene.artifact(
        MANIFEST,
        ("application/vnd.docker.ai.model.config.v0.1+json", &config),
        &[
            ("application/vnd.docker.ai.mmproj", "projector", None),
            ("application/vnd.docker.ai.gguf.v3", "GGUF weights", None),
            ("application/vnd.docker.ai.license", APACHE, None),
            ("application/vnd.docker.ai.chat.template.jinja", "{{ a }}", None),
        ],
    );
    scene.import(&["-t", "net:docker"]).ok();
    let names: Vec<_> = scene.files("net:docker").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["LICENSE", "model.gguf", "projector.gguf", "template.jinja"]);
    let kitfile: Value = scene.sandbox.kit(&["inspect", "net:docker"]).ok().json()["kitfile"].take();
    let model = &kitfile["model"];
    assert_eq!(
        (&model["path"], &model["format"], &model["license"]),
        (&json!("model.gguf"), &json!("gguf"), &json!("Apache-2.0"))
    );
    assert_eq!(model["parameters"], json!({ "architecture": "llama", "quantization": "Q4_0" }));
    assert_eq!(model["parts"].as_array().unwrap().len(), 2);
}

#[test]
fn a_model_of_ollama_gets_names_by_type() {
    let scene = Scene::new();
    let config = json!({ "model_format": "gguf", "model_family": "gemma", "model_type": "2B", "file_type": "Q4_K_M" });
    scene.artifact(
        DOCKER_MANIFEST,
        ("application/vnd.docker.container.image.v1+json", &config),
        &[
            ("application/vnd.ollama.image.adapter", "adapter", None),
            ("application/vnd.ollama.image.model", "GGUF weights", None),
            ("application/vnd.ollama.image.template", "{{ .Prompt }}", None),
            ("application/vnd.ollama.image.params", "{}", None),
            ("application/vnd.ollama.image.license", "terms", None),
            ("application/vnd.ollama.image.license", "policy", None),
        ],
    );
    scene.import(&["-t", "net:ollama"]).ok();
    let names: Vec<_> = scene.files("net:ollama").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["LICENSE-1", "LICENSE-2", "adapter.gguf", "model.gguf", "params.json", "template.txt"]);
    let kitfile: Value = scene.sandbox.kit(&["inspect", "net:ollama"]).ok().json()["kitfile"].take();
    assert_eq!(kitfile["model"]["path"], "model.gguf");
    let facts = json!({ "architecture": "gemma", "quantization": "Q4_K_M", "size": "2B" });
    assert_eq!(kitfile["model"]["parameters"], facts);
}

#[test]
fn damaged_and_unsuitable_artifacts_are_refused() {
    let scene = Scene::new();
    let config = ("application/vnd.oci.empty.v1+json", &json!({}));
    scene.artifact(MANIFEST, config, &[("application/vnd.oci.image.layer.v1.tar+gzip", "layer", None)]);
    scene.import(&[]).fails().says("of type `application/vnd.oci.image.layer.v1.tar+gzip` has no usable file name");
    scene.artifact(MANIFEST, config, &[("a/b", "secret", Some("../../secret"))]);
    scene.import(&[]).fails().says("has no usable file name");
    assert!(!scene.sandbox.path("secret").exists());

    scene.artifact(MANIFEST, config, &[("a/b", "weights", Some("model.bin"))]);
    let (_, bytes) = scene.registry.manifest("team/net", "v1").unwrap();
    let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
    let other = sha256(b"others!");
    let wrong = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
    manifest["layers"][0]["digest"] = json!(other);
    scene.registry.add_manifest("team/net", "v1", MANIFEST, manifest.to_string().as_bytes());
    assert_ne!(wrong, other);
    scene.import(&["--retry-for", "1s"]).fails().says("was not found");

    scene.artifact(MANIFEST, config, &[("a/b", "weights", Some("model.bin"))]);
    scene.registry.fail_later("GET", &sha256(b"weights"), 0, usize::MAX, Fault::WrongBytes);
    scene.import(&["--retry-for", "1s"]).fails().says(&sha256(b"weights"));

    scene.sandbox.project();
    scene.sandbox.kit(&["pack", "project", "-t", "net:v1"]).ok();
    let name = scene.name();
    scene.sandbox.kit(&["push", "net:v1", name.trim_start_matches("oci://"), "--plain-http"]).ok();
    scene.import(&[]).fails().says("is a ModelKit or a ModelPack already").says("kit pull");
    scene.import(&["--ref", "main"]).exits(2).says("do not apply to an artifact");
}

#[test]
fn the_rule_for_an_artifact_is_asked_before_its_layers_are_fetched() {
    let scene = Scene::new();
    let empty = ("application/vnd.oci.empty.v1+json", &json!({}));
    let weights = "weights";
    scene.artifact(MANIFEST, empty, &[("application/octet-stream", weights, Some("model.gguf"))]);
    let policy = |lines: &str| {
        let rule = format!("version = 1\n[[rule]]\nmatch = ['{}/team/']\n{lines}\n", scene.registry.host());
        scene.sandbox.write("kit/policy.toml", rule);
    };
    policy("licenses = { allow = ['MIT'], unknown = 'refuse' }");
    let refused = scene.import(&["-t", "net:v1"]).exits(1);
    refused.says("the policy does not allow").says("team/net:v1");
    assert!(scene.registry.requests_of("GET", &sha256(weights.as_bytes())).is_empty());
    policy("licenses = { allow = ['MIT'], unknown = 'allow' }");
    scene.import(&["-t", "net:v1"]).ok();
}
