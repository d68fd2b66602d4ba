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
    assert!(registry.requests().iter().all(|request| ["GET", "HEAD"].contains(&&*request.method)), "nothing is sent");
    sandbox.write("project/.kitignore", "src/settings.py\n");
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
}

#[test]
fn names_of_secrets_stop_as_well() {
    for name in [".env", "src/.env.local", "data/id_ed25519", "src/.git-credentials"] {
        let sandbox = Sandbox::new();
        sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: .}]\n");
        sandbox.write(&format!("p/{name}"), "TOKEN=1\n");
        let words = format!("{name}: a file with this name usually holds secrets (secret)");
        sandbox.kit(&["pack", "p"]).fails().says(&words);
        sandbox.kit(&["validate", "p"]).fails().prints(&format!("{name}: error: a file with this name"));
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
    assert!(registry.requests().iter().all(|request| ["GET", "HEAD"].contains(&&*request.method)), "nothing is sent");
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
        sandbox.write(&format!("kit/store/.kit/secrets/{digest}-7"), "");
    }
    sandbox.kit(&["push", "a:v1", "oci:layout:v1"]).ok();
}

#[test]
fn nothing_empty_succeeds() {
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 7\n", "a".repeat(64));
    let model = |path: &str| format!("manifestVersion: 1.0.0\nmodel: {{path: {path}}}\n");
    let (weights, gguf) = (samples::small_safetensors(), samples::small_gguf(3, false).bytes());
    let data = "manifestVersion: 1.0.0\ndatasets: [{path: data}]\n";
    for (kitfile, path, content, words) in [
        (model("m.pkl"), "m.pkl", &b""[..], "m.pkl: this file of weights is empty; write or download"),
        (model("m"), "m", b"", "m: this file of weights is empty"),
        (model("."), "sub/m.onnx", b"", "sub/m.onnx: this file of weights is empty"),
        (model("m.bin"), "m.bin", pointer.as_bytes(), "m.bin: this is only a pointer of git LFS"),
        (model("m.bin"), "m.bin", pointer.as_bytes(), "run `git lfs pull`"),
        (model("m.tmp"), "m.tmp", b"x", "m.tmp: the Kitfile lists it, but .kitignore excludes it"),
        (model("m/"), "m/vocab.json", pointer.as_bytes(), "m/vocab.json: this is only a pointer of git LFS"),
        (data.to_owned(), "data/a.parquet", pointer.as_bytes(), "data/a.parquet: this is only a pointer of git LFS"),
        (
            model("m"),
            "m/a.safetensors",
            &weights[..weights.len() - 1],
            "a.safetensors: this file of weights is cut off",
        ),
        (model("m"), "m/a.safetensors", &weights[..20], "it ends inside its header; download the file again"),
        (model("m"), "m/a.gguf", &gguf[..gguf.len() - 64], "m/a.gguf: this file of weights is cut off: its tensor"),
        (model("m"), "m/a.pt", b"PK\x03\x04 the first half", "m/a.pt: this file is cut off: the directory"),
        (model("m"), "m/a.gguf", &gguf[..30], "m/a.gguf: this file of weights is cut off: it ends inside its header"),
        (model("m.pkl"), "m.pkl", b"\x80\x04 half", "m.pkl: this file is cut off: its pickle has no end; download"),
        (
            data.to_owned(),
            "data/a.parquet",
            b"PAR1 half",
            "data/a.parquet: this file is cut off: its footer is missing",
        ),
        (data.to_owned(), "data/a.pickle", b"\x80\x02 half", "data/a.pickle: this file is cut off: its pickle has no"),
        (model("m"), "m/a.bin", b"<!doctype html>\n<html>", "m/a.bin: this is a web page (HTML), not the file itself"),
        (data.to_owned(), "data/a.csv", b"<HTML>", "data/a.csv: this is a web page (HTML), not the file itself"),
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
        sandbox.kit(&["pack", "p", "-t", "a:v1"]).fails().says(words).says("to pack it anyway, use --allow-empty");
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
fn a_model_without_some_of_its_shards_is_not_packed() {
    let shard = |number| format!("m/model-{number:05}-of-00003.safetensors");
    let index = r#"{"weight_map": {"a": "x.bin", "b": "y.bin", "c": "z.bin"}}"#;
    let one = "manifestVersion: 1.0.0\nmodel: {path: m}\n".to_owned();
    let parts = format!("manifestVersion: 1.0.0\nmodel: {{path: {}, parts: [{{path: {}}}]}}\n", shard(1), shard(3));
    let code = "manifestVersion: 1.0.0\nmodel: {path: m/x.bin}\ncode: [{path: m}]\n".to_owned();
    let named = format!("{}: this model is not complete: `{}` is missing; download it again", shard(1), shard(2));
    let listed = "m/i.index.json: this model is not complete: `m/y.bin` and 1 other file are missing; download them";
    for (kitfile, files, words) in [
        (&one, vec![(shard(1), ""), (shard(3), "")], &*named),
        (&parts, vec![(shard(1), ""), (shard(3), "")], &named),
        (&one, vec![("m/i.index.json".to_owned(), index), ("m/x.bin".to_owned(), "x")], listed),
        (&code, vec![("m/i.index.json".to_owned(), index), ("m/x.bin".to_owned(), "x")], listed),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("p/Kitfile", kitfile);
        for (path, content) in files {
            let weights = samples::small_safetensors();
            sandbox.write(&format!("p/{path}"), if content.is_empty() { &weights } else { content.as_bytes() });
        }
        let run = sandbox.kit(&["pack", "p", "-t", "a:v1"]).exits(8).says("files that are not complete").says(words);
        run.says("use --allow-empty");
        let (place, rest) = words.split_once(": ").unwrap();
        let run = sandbox.kit(&["validate", "p"]).fails().prints(&format!("{place}: error: "));
        assert_eq!(run.stdout.matches(rest.split_once("; ").unwrap().0).count(), 1, "{}", run.stdout);
        sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-empty"]).ok();
        if words == named {
            sandbox.kit(&["import", "p", "-t", "a:v2"]).exits(8).says(words);
            sandbox.write(&format!("p/{}", shard(2)), samples::small_safetensors());
            sandbox.kit(&["validate", "p"]).ok();
        }
    }
}

#[test]
fn what_may_be_meant_is_a_warning() {
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 7\n", "a".repeat(64));
    let model = "manifestVersion: 1.0.0\nmodel: {path: m}\n";
    let data = "manifestVersion: 1.0.0\ndatasets: [{path: data}]\n";
    let code = "manifestVersion: 1.0.0\ncode: [{path: src}]\n";
    for (kitfile, path, content, words) in [
        ("manifestVersion: 1.0.0\n", "m.pkl", &b"x"[..], "ModelKit contains no layers"),
        (model, "m/a.safetensors", b"weights, later", "this file does not begin like a safetensors file; check"),
        (model, "m/a.gguf", b"GG", "m/a.gguf: this file does not begin like a GGUF file"),
        (data, "data/a.csv", b"", "data: all files of this dataset are empty; write or download"),
        (code, "src/logo.png", pointer.as_bytes(), "`src/logo.png` is only a pointer of git LFS"),
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

#[test]
fn what_may_be_a_secret_is_a_warning_until_it_is_left_out() {
    let sandbox = Sandbox::new();
    let registry = FakeRegistry::start();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: src}]\ndatasets: [{path: data}]\n");
    sandbox.write("p/src/db.py", "\nURL = 'postgresql://ada:s3cret@db.internal/x'\n");
    sandbox.write("p/src/doc.py", "URL = 'postgresql://user:password@host/x'\n");
    sandbox.write("p/data/kaggle.json", "{}");
    let names = "warning: a file with this name usually holds secrets: `data/kaggle.json` (a line in .kitignore leaves";
    let addresses = "warning: addresses with a password: `src/db.py:2` (revoke it if it is real)";
    let warns = |run: Run| {
        let run = run.ok().says(names).says(addresses);
        assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
    };
    warns(sandbox.kit(&["pack", "p", "-t", "a:v1"]));
    warns(sandbox.kit(&["pack", "p", "-t", "a:v1", "--quiet"]));
    warns(sandbox.kit(&["save", "a:v1", "-o", "a.tar"]));
    let remote = format!("{}/team/sample:v1", registry.host());
    warns(sandbox.kit(&["push", "a:v1", &remote, "--plain-http"]));
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-secrets"]).ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    sandbox.write("p/.kitignore", "data/kaggle.json\nsrc/db.py\n");
    sandbox.write("p/data/a.csv", "x");
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
}

#[test]
fn a_packed_modelkit_with_cut_off_weights_is_sent_with_a_warning() {
    let sandbox = Sandbox::new();
    let weights = samples::small_safetensors();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m.safetensors}\n");
    sandbox.write("p/m.safetensors", &weights[..weights.len() - 1]);
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-empty"]).ok();
    // As if an earlier version had packed it.
    fs::remove_dir_all(sandbox.path("kit/store/.kit/secrets")).unwrap();
    for _ in 0..2 {
        let run = sandbox.kit(&["push", "a:v1", "oci:layout:v1"]).ok();
        run.says("warning: m.safetensors: this file of weights is cut off: its tensor");
    }
}

#[test]
fn a_large_notebook_is_searched() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: a.ipynb}]\n");
    sandbox.write("p/a.ipynb", format!("{}{}\n", "\"image/png\": \"iVBORw0KGgo\"\n".repeat(120_000), token()));
    let words = "a.ipynb:120001: this looks like a Hugging Face token (secret)";
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).fails().says(words);
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-secrets"]).ok();
    sandbox.kit(&["push", "a:v1", "oci:layout:v1"]).fails().says(words);
}

#[test]
fn a_text_that_is_too_large_to_be_searched_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: log.txt}]\n");
    let file = fs::File::create(sandbox.path("p/log.txt")).unwrap();
    file.set_len(257 * 1024 * 1024).unwrap();
    sandbox.kit(&["pack", "p", "--dry-run"]).ok().says("warning: not searched for secrets: log.txt (257.0 MiB)");
}

#[test]
fn weights_and_data_in_a_folder_of_code_are_named() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m.bin}\ncode: [{path: .}]\n");
    sandbox.write("p/m.bin", "weights");
    sandbox.write("p/train.py", "import os\n");
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    sandbox.write("p/old/m.safetensors", samples::small_safetensors());
    let words =
        "in code `.` looks like weights or data: list it under `model` or `datasets` of the Kitfile, or exclude";
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok().says("warning: `old/m.safetensors` (").says(words);
    for (path, size) in [("a.csv", 9 << 20), ("b.tar.gz", 8 << 20), ("notes.txt", 101 << 20)] {
        fs::File::create(sandbox.path("p").join(path)).unwrap().set_len(size).unwrap();
    }
    let words = "`notes.txt` (101.0 MiB), `a.csv` (9.0 MiB), `b.tar.gz` (8.0 MiB), 1 more in code `.` look like";
    for flags in [&["--dry-run"][..], &["-q"], &["--push", "oci:layout:v1"]] {
        sandbox.kit(&[&["pack", "p"], flags].concat()).ok().says(words);
    }
    sandbox.kit(&["validate", "p"]).prints("warning: among the files: `notes.txt` (101.0 MiB), `a.csv`");
    sandbox.write("p/.kitignore", "*.csv\n*.tar.gz\nnotes.txt\nold\n");
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
}

#[test]
fn all_secrets_of_a_file_are_named_at_once() {
    let sandbox = with_token();
    let key = format!("AKIA{}", "Q7".repeat(8));
    let text = format!("A = '{}'\n\nB = '{key}'\n{}", token(), format!("C = '{key}'\n").repeat(11));
    sandbox.write("project/src/settings.py", text);
    let run = sandbox.kit(&["pack", "project", "-t", "a:v1"]).exits(8);
    let run = run.says("src/settings.py:1: this looks like a Hugging Face token (secret)");
    let run = run.says("src/settings.py:3: this looks like an AWS access key (secret)");
    let run = run.says("src/settings.py:11: this looks like an AWS access key (secret)");
    run.says("src/settings.py: 3 more lines like these (secret)");
}

#[test]
fn literals_that_look_like_secrets_are_one_warning() {
    let sandbox = Sandbox::new();
    let value = "Zq7".repeat(5);
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: src}]\n");
    sandbox.write("p/src/a.py", format!("\nAPI_KEY = '{value}'\nKEY = os.environ['API_KEY']\npassword = '{value}'\n"));
    sandbox.write("p/src/b.ipynb", format!("{{\"source\": [\"token = \\\"{value}\\\"\\n\"]}}"));
    sandbox.write("p/src/c.yaml", "api_key: \"your-api-key-1234\"\npassword: \"${PASSWORD_OF_DB}\"\n");
    let words = "warning: literals that look like secrets: `src/a.py:2`, `src/a.py:4`, `src/b.ipynb:1` (read them";
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok().says(words);
    assert!(!run.stderr.contains(&value), "{}", run.stderr);
    sandbox.kit(&["push", "a:v1", "oci:layout:v1"]).ok().says(words);
    sandbox.kit(&["validate", "p"]).prints("src/a.py:4: warning: this literal looks like a secret");
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-secrets"]).ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
}
