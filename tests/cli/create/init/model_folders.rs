//! Folders of models whose files belong together: what a model needs to load is in the layers of the model.

use kit_testkit::samples;
use kit_testkit::sandbox::Sandbox;
use serde_json::json;

/// A project `p` with these files. Weights in safetensors are valid, and all other files have one byte.
fn project(files: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for file in files {
        let is_valid = file.ends_with(".safetensors");
        sandbox.write(&format!("p/{file}"), if is_valid { samples::small_safetensors() } else { b"x".to_vec() });
    }
    sandbox
}

fn drafted(sandbox: &Sandbox) -> String {
    sandbox.kit(&["init", "p", "--force"]).ok();
    sandbox.read("p/Kitfile")
}

/// The files that `unpack --filter model` writes for the draft, and the path of the model.
fn files_of_model(sandbox: &Sandbox) -> (String, Vec<String>) {
    let kitfile = drafted(sandbox);
    let path = kitfile.lines().find_map(|line| line.strip_prefix("  path: ")).unwrap_or_default().to_owned();
    sandbox.kit(&["pack", "p", "-t", "p:v1"]).ok();
    sandbox.kit(&["unpack", "p:v1", "--filter", "model", "-d", "out"]).ok();
    (path, sandbox.names("out"))
}

#[test]
fn files_that_a_model_needs_are_unpacked_with_it() {
    for (files, model, expected) in [
        // A SavedModel of TensorFlow, at the top and two levels deep, as TensorFlow Serving wants it.
        (
            &["saved_model.pb", "fingerprint.pb", "variables/variables.index", "assets/vocab.txt", "train.py"][..],
            "saved_model.pb",
            &["assets/vocab.txt", "fingerprint.pb", "saved_model.pb", "variables/variables.index"][..],
        ),
        (
            &["models/net/1/saved_model.pb", "models/net/1/variables/variables.index", "README.md"],
            "models/net/1/saved_model.pb",
            &["models/net/1/saved_model.pb", "models/net/1/variables/variables.index"],
        ),
        // Tokenizers in folders of their own, and configurations that only programs read.
        (
            &["m.safetensors", "tokenizer/vocab.json", "tokenizer/merges.txt", "conf/a.yaml"],
            "m.safetensors",
            &["m.safetensors", "tokenizer/merges.txt", "tokenizer/vocab.json"],
        ),
        // A folder with a whole model, below the top.
        (
            &["net/model.safetensors", "net/config.json", "net/README.md", "net/tok/tokenizer.json", "src/a.py"],
            "net/model.safetensors",
            &["net/README.md", "net/config.json", "net/model.safetensors", "net/tok/tokenizer.json"],
        ),
        // The state of the training is not the model, however large it is.
        (
            &["model.safetensors", "config.json", "optimizer.pt", "scheduler.pt", "rng_state.pth"],
            "model.safetensors",
            &["config.json", "model.safetensors", "optimizer.pt", "rng_state.pth", "scheduler.pt"],
        ),
        // Core ML, MLflow, Keras.
        (
            &["net.mlpackage/Manifest.json", "net.mlpackage/Data/net/model.mlmodel", "net.mlpackage/Data/net/w/w.bin"],
            "net.mlpackage/Data/net/model.mlmodel",
            &["net.mlpackage/Data/net/model.mlmodel", "net.mlpackage/Data/net/w/w.bin", "net.mlpackage/Manifest.json"],
        ),
        (
            &["MLmodel", "model.pkl", "requirements.txt", "conda.yaml"],
            "model.pkl",
            &["MLmodel", "conda.yaml", "model.pkl", "requirements.txt"],
        ),
        (&["model.keras", "history.csv"], "model.keras", &["model.keras"]),
        // External data of ONNX that exporters number.
        (&["a.onnx", "a.onnx_data", "a.onnx_data_1"], "a.onnx", &["a.onnx", "a.onnx_data", "a.onnx_data_1"]),
    ] {
        let (path, unpacked) = files_of_model(&project(files));
        assert_eq!(path, model, "{files:?}");
        assert_eq!(unpacked, expected, "{files:?}");
    }
}

#[test]
fn code_that_the_configuration_of_a_model_names_belongs_to_it() {
    let sandbox = project(&["model.safetensors", "helper.py", "train.py", "unused.py"]);
    sandbox.write("p/config.json", json!({ "auto_map": { "AutoModel": "modeling_net.Net" } }).to_string());
    sandbox.write("p/modeling_net.py", "from .helper import x\n");
    let (_, unpacked) = files_of_model(&sandbox);
    assert_eq!(unpacked, ["config.json", "helper.py", "model.safetensors", "modeling_net.py"]);
}

#[test]
fn the_final_model_of_a_training_is_the_model() {
    let checkpoint = |step: &str| {
        ["model.safetensors", "optimizer.pt", "trainer_state.json"].map(|name| format!("checkpoint-{step}/{name}"))
    };
    let checkpoints: Vec<_> = checkpoint("500").into_iter().chain(checkpoint("1000")).collect();
    let mut files: Vec<&str> = checkpoints.iter().map(String::as_str).collect();
    let sandbox = project(&files);
    let kitfile = drafted(&sandbox);
    assert!(kitfile.contains("  path: checkpoint-1000/model.safetensors\n"), "{kitfile}");
    assert!(kitfile.contains("  # checkpoint-500 is a checkpoint of the training and not packed\n"), "{kitfile}");
    files.extend(["model.safetensors", "config.json", "log.out"]);
    let sandbox = project(&files);
    let kitfile = drafted(&sandbox);
    assert!(kitfile.contains("  path: model.safetensors\n"), "{kitfile}");
    assert!(kitfile.contains("  # checkpoint-1000, checkpoint-500 are checkpoints of the training and"), "{kitfile}");
    sandbox.kit(&["pack", "p", "-t", "p:v1"]).ok();
    let packed = sandbox.kit(&["ls", "p:v1", "--format", "{{.path}}"]).ok().stdout;
    assert!(packed.contains("log.out") && !packed.contains("checkpoint"), "the code entry is the folder: {packed}");
}

#[test]
fn the_last_checkpoint_of_lightning_is_the_model() {
    let folder = "lightning_logs/version_0/checkpoints";
    let names = ["epoch=9-step=1000", "epoch=10-step=1100", "epoch=1-step=200"];
    let mut files = names.map(|name| format!("{folder}/{name}.ckpt")).to_vec();
    let check = |files: &[String], expected: &str| {
        let kitfile = drafted(&project(&files.iter().map(String::as_str).collect::<Vec<_>>()));
        assert!(kitfile.contains(&format!("  path: {folder}/{expected}.ckpt\n")), "{kitfile}");
    };
    check(&files, "epoch=10-step=1100");
    files.push(format!("{folder}/last.ckpt"));
    check(&files, "last");
}

#[test]
fn a_projector_is_not_the_model_and_variants_are_listed() {
    let sandbox = Sandbox::new();
    let write = |names: &[&str]| {
        for name in names {
            sandbox.write(&format!("p/{name}.gguf"), samples::small_gguf(3, false).bytes());
        }
        drafted(&sandbox)
    };
    let kitfile = write(&["mmproj-net", "net-Q4_0", "net-Q8_0"]);
    let expected = "model:\n  name: net\n  # holds 2 variants: net-Q4_0.gguf, net-Q8_0.gguf\n  path: net-Q4_0.gguf\n";
    assert!(kitfile.contains(expected), "{kitfile}");
    let kitfile = write(&["a/net-F16-00001-of-00002", "a/net-F16-00002-of-00002"]);
    let expected = "  # holds 3 variants: a/net-F16-00001-of-00002.gguf, net-Q4_0.gguf, net-Q8_0.gguf\n  \
                    path: a/net-F16-00001-of-00002.gguf\n";
    assert!(kitfile.contains(expected), "{kitfile}");
}

#[test]
fn json_is_never_code() {
    let kitfile = drafted(&project(&["a.json", "conf/b.json", "empty/c.yaml", "x.ipynb"]));
    assert!(kitfile.contains("datasets:\n  - path: a.json\n  - path: conf\n"), "{kitfile}");
    assert!(kitfile.contains("code:\n  - path: empty\n  - path: x.ipynb\n"), "{kitfile}");
}

#[test]
fn models_in_text_are_recognized_by_their_content() {
    for (name, text, framework) in [
        ("model.json", r#"{"learner":{"attributes":{},"gradient_booster":{}},"version":[3,0,0]}"#, "xgboost"),
        ("model.txt", "tree\nversion=v4\nnum_class=1\n", "lightgbm"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(&format!("p/{name}"), text);
        sandbox.write("p/other.json", r#"{"learner": "gradient_booster"}"#);
        let kitfile = drafted(&sandbox);
        assert!(kitfile.contains(&format!("  path: {name}\n  framework: {framework}\n")), "{kitfile}");
        assert!(kitfile.contains("    - path: other.json\n"), "{kitfile}");
    }
}

#[test]
fn an_adapter_names_its_base_model() {
    let sandbox = project(&["adapter_model.safetensors", "fr/adapter_model.safetensors", "fr/adapter_config.json"]);
    sandbox.write("p/adapter_config.json", json!({ "base_model_name_or_path": "org/base" }).to_string());
    let kitfile = drafted(&sandbox);
    assert!(kitfile.contains("  # an adapter, which is loaded on top of its base model org/base\n"), "{kitfile}");
    assert!(kitfile.contains("  framework: peft\n") && kitfile.contains("    base_model: org/base\n"), "{kitfile}");
    assert!(kitfile.contains("    - path: fr/adapter_config.json\n") && !kitfile.contains("code:"), "{kitfile}");
}

#[test]
fn folders_of_a_pipeline_of_diffusers_belong_to_the_model() {
    let sandbox = project(&["unet/model.safetensors", "unet/net.py", "scheduler/scheduler.txt", "other/a.py"]);
    let index = json!({ "_class_name": "P", "unet": ["diffusers", "U"], "scheduler": ["diffusers", "S"] });
    sandbox.write("p/model_index.json", index.to_string());
    let (path, unpacked) = files_of_model(&sandbox);
    assert_eq!(path, "unet/model.safetensors");
    assert_eq!(unpacked, ["model_index.json", "scheduler/scheduler.txt", "unet/model.safetensors", "unet/net.py"]);
}
