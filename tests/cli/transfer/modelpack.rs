//! ModelPacks: every command works on either family, converting moves no layer, and what we write others can read.

use expect_test::expect;
use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::samples;
use kit_testkit::sandbox::{Run, Sandbox};

const KITFILE: &str = "manifestVersion: 1.0.0
package:
  name: llama
  version: \"3.1\"
  license: MIT
  authors: [Ada]
model:
  path: model-00001-of-00002.safetensors
  license: Apache-2.0
  parts:
    - path: model-00002-of-00002.safetensors
    - path: config.json
code:
  - path: src
docs:
  - path: README.md
prompts:
  - path: prompt.md
";

/// A language model in two shards of 1,000 weights each.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    for (number, name) in [(1, "model.embed_tokens.weight"), (2, "lm_head.weight")] {
        let header = format!(r#"{{"{name}":{{"dtype":"BF16","shape":[1000],"data_offsets":[0,2000]}}}}"#);
        let file = samples::safetensors(&header, 2000);
        sandbox.write(&format!("project/model-0000{number}-of-00002.safetensors"), file);
    }
    let config = r#"{"architectures":["LlamaForCausalLM"],"quantization_config":{"quant_method":"fp8"}}"#;
    sandbox.write("project/config.json", config);
    sandbox.write("project/src/serve.py", "print('serve')\n");
    sandbox.write("project/prompt.md", "Be brief.\n");
    sandbox.write("project/README.md", "# Llama\n");
    sandbox.write("project/Kitfile", KITFILE);
    sandbox
}

/// The flags that each family is packed with, and the prefix of its media types.
const FAMILIES: [(&[&str], &str); 4] = [
    (&[], "application/vnd.kitops.modelkit."),
    (&["--use-model-pack"], "application/vnd.cncf.model."),
    (&["--use-model-pack", "--layer-format", "tar"], "application/vnd.cncf.model."),
    (&["--use-model-pack", "--compat", "cnai"], "application/vnd.cnai.model."),
];

fn pack(sandbox: &Sandbox, flags: &[&str]) -> Run {
    sandbox.kit(&[&["pack", "project", "-t", "llama:v1"], flags].concat()).ok()
}

fn inspect(sandbox: &Sandbox, name: &str) -> Value {
    sandbox.kit(&["inspect", name]).ok().json()
}

/// Media types without their common beginning, and paths.
fn layers(manifest: &Value, prefix: &str) -> Vec<String> {
    let layers = manifest["layers"].as_array().unwrap().iter();
    let row = |layer: &Value| {
        let title = layer["annotations"]["org.opencontainers.image.title"].as_str().unwrap();
        format!("{} {title}", layer["mediaType"].as_str().unwrap().strip_prefix(prefix).unwrap())
    };
    layers.map(row).collect()
}

fn digests(inspected: &Value) -> Vec<&Value> {
    inspected["manifest"]["layers"].as_array().unwrap().iter().map(|layer| &layer["digest"]).collect()
}

#[test]
fn every_command_works_on_either_family() {
    for (flags, prefix) in FAMILIES {
        let sandbox = project();
        let digest = pack(&sandbox, flags).digest();
        let manifest = inspect(&sandbox, "llama:v1")["manifest"].clone();
        assert!(manifest["artifactType"].as_str().unwrap().starts_with(prefix));
        assert!(manifest["config"]["mediaType"].as_str().unwrap().starts_with(prefix));
        let kit = |args: &[&str]| sandbox.kit(args).ok();

        kit(&["list"]).prints("llama        v1    Ada          llama");
        kit(&["info", "llama:v1"]).prints("path: model-00001-of-00002.safetensors");
        kit(&["info", "llama:v1", "--filter", "model.parts.0.digest"]).prints("sha256:");
        kit(&["inspect", "llama:v1", "--tensors"]).prints("LlamaForCausalLM");
        kit(&["ls", "llama:v1"]).prints("src/serve.py");
        assert_eq!(kit(&["cat", "llama:v1//src/serve.py"]).stdout, "print('serve')\n");
        kit(&["cp", "llama:v1//prompt.md", "copied.md"]);
        assert_eq!(sandbox.read("copied.md"), "Be brief.\n");
        kit(&["diff", "project", "llama:v1"]);
        kit(&["unpack", "llama:v1", "-d", "out"]);
        assert!(sandbox.tree("out") == sandbox.tree("project"), "{flags:?}");
        kit(&["unpack", "llama:v1", "-d", "prompts", "--filter", "prompts"]);
        assert_eq!(sandbox.names("prompts"), ["prompt.md"]);
        kit(&["verify", "project", "llama:v1"]);
        kit(&["tag", "llama:v1", "llama:latest"]);

        let registry = DockerRegistry::start();
        let remote = |name: &str| format!("{}/{name}", registry.host());
        kit(&["push", "llama:v1", &remote("a:v1"), "--plain-http"]).prints(&digest);
        kit(&["copy", &remote("a:v1"), &remote("b:v1"), "--plain-http"]).prints(&digest);
        kit(&["promote", &remote("b:v1"), &remote("b:live"), "--plain-http"]).prints(&digest);
        kit(&["list", &remote("b"), "--plain-http"]).prints("live");
        kit(&["remove", "llama:v1"]);
        kit(&["remove", "llama:latest"]);
        kit(&["pull", &remote("b:live"), "llama:v2", "--plain-http"]).prints(&digest);
        kit(&["fsck"]);

        kit(&["pack", "project", "--push", &remote("c:v1"), "--plain-http"]);
        let pushed = kit(&[&["pack", "project", "--push", &remote("c:v1"), "--plain-http"], flags].concat());
        assert_eq!(pushed.digest(), digest, "{flags:?}");
    }
}

#[test]
fn a_packed_modelpack_is_locked_as_such() {
    let sandbox = project();
    pack(&sandbox, &["--use-model-pack", "--lock"]);
    pack(&sandbox, &["--use-model-pack", "--locked"]);
    let differs = sandbox.kit(&["pack", "project", "-t", "llama:v1", "--locked"]).fails();
    differs.says("the result would not match the lock file");
}

#[test]
fn weights_and_other_files_get_their_media_types() {
    let sandbox = project();
    pack(&sandbox, &["--use-model-pack"]);
    let inspected = inspect(&sandbox, "llama:v1");
    let expected = [
        "weight.v1.raw model-00001-of-00002.safetensors",
        "weight.v1.raw model-00002-of-00002.safetensors",
        "weight.config.v1.raw config.json",
        "code.v1.tar src",
        "doc.v1.raw README.md",
        "code.v1.raw prompt.md",
    ];
    assert_eq!(layers(&inspected["manifest"], "application/vnd.cncf.model."), expected);
    let annotations = &inspected["manifest"]["layers"][0]["annotations"];
    assert_eq!(annotations["org.cncf.model.filepath"], "model-00001-of-00002.safetensors");
    let metadata: Value =
        serde_json::from_str(annotations["org.cncf.model.file.metadata+json"].as_str().unwrap()).unwrap();
    assert_eq!(metadata["mtime"], "1970-01-01T00:00:00Z");
    let digests = digests(&inspected);
    let expected = json!({
        "descriptor": { "name": "llama", "version": "3.1", "title": "llama", "authors": ["Ada"],
            "licenses": ["Apache-2.0", "MIT"] },
        "config": {
            "architecture": "LlamaForCausalLM",
            "format": "safetensors",
            "paramSize": "2K",
            "precision": "bfloat16",
            "quantization": "fp8",
        },
        "modelfs": { "type": "layers", "diffIds": digests },
    });
    assert_eq!(inspected["config"], expected);
}

#[test]
fn compressed_files_are_tars() {
    let sandbox = project();
    pack(&sandbox, &["--use-model-pack", "--compression", "gzip"]);
    let inspected = inspect(&sandbox, "llama:v1");
    assert_eq!(
        layers(&inspected["manifest"], "application/vnd.cncf.model.")[0],
        "weight.v1.tar+gzip model-00001-of-00002.safetensors"
    );
    assert_ne!(inspected["config"]["modelfs"]["diffIds"][0], inspected["manifest"]["layers"][0]["digest"]);
    assert_eq!(inspected["config"]["config"]["paramSize"], "2K");
    let flags = ["--use-model-pack", "--layer-format", "raw", "--compression", "gzip"];
    let refused = sandbox.kit(&[&["pack", "project", "-t", "llama:v1"], &flags[..]].concat());
    refused.exits(2).says("compression for raw layers is not supported for ModelPack");
}

#[test]
fn converting_moves_no_layer_and_converting_back_gives_the_same_modelkit() {
    let sandbox = project();
    for flags in [&[][..], &["--compression", "gzip"], &["--layer-format", "raw"]] {
        let digest = pack(&sandbox, flags).digest();
        let before = sandbox.names("kit/store/blobs").len();
        let converted = sandbox.kit(&["convert", "llama:v1", "--to", "modelpack"]).ok();
        assert_eq!(sandbox.names("kit/store/blobs").len(), before + 2, "{flags:?}: a manifest and a config");
        let pack = inspect(&sandbox, "llama:v1-modelpack");
        assert_eq!(pack["digest"], converted.digest());
        assert_eq!(digests(&pack), digests(&inspect(&sandbox, "llama:v1")));
        let back = ["convert", "llama:v1-modelpack", "--to", "modelkit", "-t", "other/llama:back"];
        assert_eq!(sandbox.kit(&back).ok().digest(), digest, "{flags:?}");
        let again = ["convert", "llama:v1", "--to", "modelkit", "-t", "llama:same"];
        assert_eq!(sandbox.kit(&again).ok().digest(), digest, "{flags:?}");
        sandbox.kit(&["remove", "llama:v1-modelpack"]).ok();
    }
    sandbox.kit(&["fsck"]).ok();
}

#[test]
fn packing_as_a_modelpack_is_packing_and_converting() {
    let sandbox = project();
    for (pack_flags, convert_flags) in [(&[][..], &[][..]), (&["--compat", "cnai"], &["--compat", "cnai"])] {
        let packed = pack(&sandbox, &[&["--use-model-pack"], pack_flags].concat()).digest();
        pack(&sandbox, &["--layer-format", "raw"]);
        let converted = sandbox.kit(&[&["convert", "llama:v1", "--to", "modelpack"], convert_flags].concat()).ok();
        assert_eq!(converted.digest(), packed);
    }
}

#[test]
fn conflicting_flags_are_reported() {
    let sandbox = project();
    let kit = |args: &[&str]| sandbox.kit(args);
    kit(&["pack", "project", "--compat", "cnai"]).exits(2).says("--compat requires --use-model-pack");
    pack(&sandbox, &["--layer-format", "raw", "--compression", "gzip"]);
    expect![[r#"
        error: cannot convert `llama:v1` to a ModelPack
          caused by: the layer `model-00001-of-00002.safetensors` is raw and compressed, and a ModelPack has no media type for such layers
        hint: use `kit pack --layer-format tar` for layers that a ModelKit, a ModelPack and an image can share
    "#]]
    .assert_eq(&kit(&["convert", "llama:v1", "--to", "modelpack"]).fails().redacted_failure());
    kit(&["convert", "llama:v1", "--to", "modelkit", "--compat", "cnai"])
        .exits(2)
        .says("--compat requires `--to modelpack`");
    kit(&["convert", "llama:v9", "--to", "modelpack"]).fails().says("not found in the local store");
    kit(&["convert", "llama:v1", "--to", "image"]).exits(2);
    assert_eq!(sandbox.kit(&["list"]).ok().stdout.lines().count(), 2, "nothing was entered");
}

#[test]
fn a_referenced_model_is_reported_as_missing_for_other_tools() {
    let sandbox = project();
    pack(&sandbox, &[]);
    sandbox.write("child/Kitfile", "manifestVersion: 1.0.0\nmodel:\n  path: llama:v1\ndocs:\n  - path: notes.md\n");
    sandbox.write("child/notes.md", "tuned\n");
    let packed = sandbox.kit(&["pack", "child", "-t", "tuned:v1", "--use-model-pack"]).ok();
    packed.says("the model is a reference to `llama:v1`, which other tools do not follow");
    sandbox.kit(&["unpack", "tuned:v1", "-d", "out"]).ok();
    assert!(sandbox.path("out/model-00001-of-00002.safetensors").exists());
}
