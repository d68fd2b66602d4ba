//! Model folders that other libraries made load in these libraries again after `init`, `pack` and `unpack --filter
//! model`. See `peers.rs` for the installation of the libraries.

use std::path::Path;

use super::peers::{python, run};
use kit_testkit::sandbox::Sandbox;

fn check(python: &Path, kind: &str) {
    let sandbox = Sandbox::new();
    let script = |verb: &str, folder: &str| run(python, &sandbox, "", "model_folders.py", &[verb, kind, folder]);
    let made = script("make", "p");
    sandbox.kit(&["init", "p"]).ok();
    sandbox.kit(&["pack", "p", "-t", "p:v1"]).ok();
    sandbox.kit(&["unpack", "p:v1", "--filter", "model", "-d", "out"]).ok();
    assert_eq!(script("load", "out"), made, "{kind}");
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn models_of_tensor_libraries_load_after_unpacking() {
    let Some(python) = python() else { return };
    for kind in ["sentence_transformers", "diffusers", "peft", "gguf"] {
        check(&python, kind);
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn models_with_external_data_load_after_unpacking() {
    let Some(python) = python() else { return };
    check(&python, "onnx");
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn classical_models_load_after_unpacking() {
    let Some(python) = python() else { return };
    for kind in ["sklearn", "xgboost", "lightgbm"] {
        check(&python, kind);
    }
}
