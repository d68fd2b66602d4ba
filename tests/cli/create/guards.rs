//! Guard rails: secrets and empty models stop `pack`, `push`, `save` and `import` before anything is written or sent.

use fs_err as fs;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples;
use kit_testkit::sandbox::{Run, Sandbox};

/// A token, assembled at run time, so that scanners do not report this file.
fn token() -> String {
    format!("hf{}{}", '_', "aB".repeat(17))
}

/// A project whose settings contain a token.
fn with_token() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("project/src/settings.py", format!("import os\nTOKEN = '{}'\n", token()));
    sandbox
}

/// Checks that the secret stopped the command, and that it was not printed.
fn refused(run: Run) {
    let run = run.exits(8).says("src/settings.py:2: this looks like a Hugging Face token (secret)");
    assert!(!run.stdout.contains(&token()) && !run.stderr.contains(&token()), "{}", run.stderr);
    run.says("--allow-secrets");
}

#[test]
fn secrets_are_not_packed() {
    let (sandbox, registry) = (with_token(), FakeRegistry::start());
    let remote = format!("{}/team/sample:v1", registry.host());
    for flags in [&["-t", "a:v1"][..], &["-t", "a:v1", "--link"], &["--push", &remote, "--plain-http"]] {
        refused(sandbox.kit(&[&["pack", "project"], flags].concat()));
    }
    sandbox.kit(&["inspect", "a:v1"]).fails();
    let blobs: Vec<_> = sandbox.names("kit").into_iter().filter(|name| name.contains("blobs/sha256")).collect();
    assert!(blobs.is_empty(), "{blobs:?}");
    assert!(registry.requests().iter().all(|request| request.method == "GET"), "nothing is sent");
    sandbox.write("project/.kitignore", "src/settings.py\n");
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
}

#[test]
fn names_of_secrets_stop_as_well() {
    for name in [".env", "src/.env.local", "data/id_ed25519", "src/.git-credentials"] {
        let sandbox = Sandbox::new();
        sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: .}]\n");
        sandbox.write(&format!("p/{name}"), "TOKEN=1\n");
        let words = format!("{name}: files with this name contain secrets (secret)");
        sandbox.kit(&["pack", "p"]).fails().says(&words);
        sandbox.kit(&["validate", "p"]).fails().prints(&format!("{name}: error: files with this name"));
        sandbox.kit(&["pack", "p", "--allow-secrets"]).ok();
    }
}

#[test]
fn a_packed_modelkit_with_secrets_does_not_leave_the_machine() {
    let registry = FakeRegistry::start();
    for flags in [&[][..], &["--compression", "zstd"], &["--layer-format", "raw"], &["--link"]] {
        let sandbox = with_token();
        sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: src}, {path: README.md}]\n");
        sandbox.kit(&[&["pack", "project", "-t", "a:v1", "--allow-secrets"], flags].concat()).ok();
        let remote = format!("{}/team/sample:v1", registry.host());
        refused(sandbox.kit(&["push", "a:v1", &remote, "--plain-http"]));
        refused(sandbox.kit(&["save", "a:v1", "-o", "a.tar"]));
        assert!(!sandbox.path("a.tar").exists());
        assert!(registry.manifest("team/sample", "v1").is_none());
        sandbox.kit(&["save", "a:v1", "-o", "a.tar", "--allow-secrets"]).ok();
        // Another tool may have packed it.
        sandbox.kit(&["push", "a:v1", "oci:layout:v1", "--allow-secrets"]).ok();
        refused(sandbox.kit(&["push", "oci:layout:v1", &remote, "--plain-http"]));
    }
    assert!(registry.requests().iter().all(|request| request.method == "GET"), "nothing is sent");
}

#[test]
fn a_layer_is_checked_only_once() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let marks = || sandbox.names("kit/store/.kit/secrets").len();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    let layers = sandbox.kit(&["inspect", "a:v1"]).ok().json()["manifest"]["layers"].as_array().unwrap().len();
    assert_eq!(marks(), layers, "packing has checked all layers");
    let marked: Vec<_> = sandbox.names("kit/store/.kit/secrets");
    fs::remove_dir_all(sandbox.path("kit/store/.kit/secrets")).unwrap();
    sandbox.kit(&["push", "a:v1", "oci:layout:v1"]).ok();
    assert_eq!(sandbox.names("kit/store/.kit/secrets"), marked, "pushing records it as well");
    sandbox.kit(&["remove", "a:v1"]).ok();
    assert_eq!(marks(), 0, "layers that are gone are forgotten");
}

#[test]
fn a_checked_layer_is_not_read_again() {
    let sandbox = with_token();
    sandbox.kit(&["pack", "project", "-t", "a:v1", "--allow-secrets"]).ok();
    refused(sandbox.kit(&["push", "a:v1", "oci:layout:v1"]));
    let manifest = sandbox.kit(&["inspect", "a:v1"]).ok().json()["manifest"].clone();
    for layer in manifest["layers"].as_array().unwrap() {
        let digest = layer["digest"].as_str().unwrap().trim_start_matches("sha256:");
        sandbox.write(&format!("kit/store/.kit/secrets/{digest}-1"), "");
    }
    sandbox.kit(&["push", "a:v1", "oci:layout:v1"]).ok();
}

#[test]
fn nothing_empty_succeeds() {
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 7\n", "a".repeat(64));
    let model = |path: &str| format!("manifestVersion: 1.0.0\nmodel: {{path: {path}}}\n");
    for (kitfile, path, content, words) in [
        (model("m.pkl"), "m.pkl", &b""[..], "m.pkl: this file of weights is empty; write or download"),
        (model("m"), "m", b"", "m: this file of weights is empty"),
        (model("."), "sub/m.onnx", b"", "sub/m.onnx: this file of weights is empty"),
        (model("m.bin"), "m.bin", pointer.as_bytes(), "m.bin: this is only a pointer of git LFS"),
        (model("m.bin"), "m.bin", pointer.as_bytes(), "run `git lfs pull`"),
        (model("m.tmp"), "m.tmp", b"x", "m.tmp: the model is listed in the Kitfile but excluded by .kitignore"),
        (
            "manifestVersion: 1.0.0\nmodel: {path: a, parts: [{path: b.bin}]}\n".to_owned(),
            "b.bin",
            b"",
            "b.bin: this file of weights is empty",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("p/Kitfile", kitfile);
        sandbox.write("p/.kitignore", "**/*.tmp\n");
        sandbox.write("p/a", "whole");
        sandbox.write(&format!("p/{path}"), content);
        sandbox.kit(&["pack", "p", "-t", "a:v1"]).fails().says(words).says("use --allow-empty");
        sandbox.kit(&["inspect", "a:v1"]).fails();
        let (message, _) = words.split_once("; ").unwrap_or((words, ""));
        let message = message.rsplit_once(": ").map_or(message, |(_, message)| message);
        if !message.starts_with("run ") {
            sandbox.kit(&["validate", "p"]).fails().prints(message);
        }
        sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-empty"]).ok();
    }
}

#[test]
fn what_may_be_meant_is_a_warning() {
    let weights = samples::small_safetensors();
    let gguf = samples::small_gguf(3, false).bytes();
    let model = "manifestVersion: 1.0.0\nmodel: {path: m}\n";
    for (kitfile, path, content, words) in [
        ("manifestVersion: 1.0.0\n", "m.pkl", &b"x"[..], "ModelKit contains no layers"),
        (model, "m/a.safetensors", &weights[..weights.len() - 1], "a.safetensors: this file of weights is cut off"),
        (model, "m/a.safetensors", &weights[..20], "it ends inside its header; download the file again"),
        (model, "m/a.gguf", &gguf[..gguf.len() - 64], "m/a.gguf: this file of weights is cut off: its tensor"),
        (model, "m/a.tmp", b"x", "No files detected in model layer with path m"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("p/Kitfile", kitfile);
        sandbox.write("p/.kitignore", "**/*.tmp\n");
        sandbox.write(&format!("p/{path}"), content);
        sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok().says("warning: ").says(words);
    }
}

#[test]
fn references_and_data_elsewhere_are_content() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "base:v1"]).ok();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: 'base:v1'}\n");
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    // Empty files beside the weights are usual.
    sandbox.write("q/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\ncode: [{path: src}]\n");
    sandbox.write("q/m/model.bin", "weights");
    sandbox.write("q/m/merges.txt", "");
    sandbox.write("q/src/__init__.py", "");
    sandbox.kit(&["pack", "q", "-t", "b:v1"]).ok();
}
