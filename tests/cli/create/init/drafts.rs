//! `init`: a draft of a Kitfile from the files of a project.

use bytes::Bytes;
use expect_test::expect;
use serde_json::{Value, json};

use kit_testkit::registry::{FakeRegistry, HubRepository};
use kit_testkit::samples;
use kit_testkit::sandbox::{Run, Sandbox};

const CARD: &str = "---\nlicense: apache-2.0\nmodel_name: Tiny Net\nbase_model: org/base\ntags:\n- text-generation\n\
                    widget:\n- text: x\nauthors: [Ada]\n---\n# Tiny Net\n";
const CONFIG: &str = r#"{"architectures":["LlamaForCausalLM"],"model_type":"llama","max_position_embeddings":2048}"#;
const MIT: &str = "MIT License\n\n\
                   Permission is hereby granted, free of charge, to any person obtaining a copy of this software\n\
                   The above copyright notice and this permission notice shall be included in all copies";

fn shard(elements: usize) -> Vec<u8> {
    let bytes = 2 * elements;
    let tensor = format!(r#"{{"dtype":"BF16","shape":[{elements}],"data_offsets":[0,{bytes}]}}"#);
    samples::safetensors(&format!(r#"{{"__metadata__":{{"format":"pt"}},"a":{tensor}}}"#), bytes)
}

/// The Kitfile that is drafted for the folder `p`.
fn draft(sandbox: &Sandbox) -> String {
    let run = sandbox.kit(&["init", "p", "--force"]).ok();
    let kitfile = sandbox.read("p/Kitfile");
    assert!(run.stdout.starts_with(&format!("Generated Kitfile:\n\n{kitfile}Saved to path '")), "{}", run.stdout);
    kitfile
}

#[test]
fn a_checkout_of_a_hub_is_described_by_its_card_and_its_headers() {
    let sandbox = Sandbox::new();
    sandbox.write("p/README.md", CARD);
    sandbox.write("p/LICENSE.txt", MIT);
    sandbox.write("p/config.json", CONFIG);
    sandbox.write("p/model-00001-of-00002.safetensors", shard(4096));
    sandbox.write("p/model-00002-of-00002.safetensors", shard(1024));
    sandbox.write("p/adapter.safetensors", shard(64));
    sandbox.write("p/tokenizer.model", "pieces");
    sandbox.write("p/.gitattributes", "*.safetensors filter=lfs\n");
    sandbox.write("p/.git/config", "[core]\n");
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: Tiny Net
          license: Apache-2.0
          authors: [Ada]
        model:
          name: model
          path: model-00001-of-00002.safetensors
          license: MIT
          framework: transformers
          format: safetensors
          parts:
            - path: adapter.safetensors
            - path: model-00002-of-00002.safetensors
            - path: config.json
            - path: tokenizer.model
          parameters:
            architecture: LlamaForCausalLM
            base_model: org/base
            context_length: 2048
            parameter_count: 5120
            precision: bfloat16
            tags:
              - text-generation
        docs:
          - path: LICENSE.txt
            description: License file
          - path: README.md
            description: Readme file
    "#]]
    .assert_eq(&draft(&sandbox));
    sandbox.kit(&["pack", "p", "-t", "tiny:v1"]).ok();
    let run = sandbox.kit(&["init", "p", "--force", "--name", "mine", "--author", "Bob"]).ok();
    run.prints("name: mine").prints("authors: [Bob]");
}

#[test]
fn classical_models_are_identified_by_content() {
    let sandbox = Sandbox::new();
    sandbox.write("p/model.joblib", b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x14sklearn.linear_model\x94");
    sandbox.write("p/train.csv", "a,b\n");
    sandbox.write("p/README.md", "# No card\n");
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: p
        model:
          name: model
          # pickle runs code when loaded; prefer skops or ONNX
          path: model.joblib
          framework: scikit-learn
          format: joblib
        datasets:
          - path: train.csv
        docs:
          - path: README.md
            description: Readme file
    "#]]
    .assert_eq(&draft(&sandbox));
    fs_err::remove_file(sandbox.path("p/model.joblib")).unwrap();
    sandbox.write("p/small.gguf", samples::small_gguf(3, false).bytes());
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: p
        model:
          name: small
          path: small.gguf
          framework: llama.cpp
          format: gguf
          parameters:
            architecture: llama
            context_length: 2048
            parameter_count: 352
            precision: float32
            quantization: Q4_0
        datasets:
          - path: train.csv
        docs:
          - path: README.md
            description: Readme file
    "#]]
    .assert_eq(&draft(&sandbox));
}

#[test]
fn a_dataset_card_describes_the_dataset() {
    let sandbox = Sandbox::new();
    sandbox.write("p/README.md", "---\nlicense: cc-by-4.0\npretty_name: Digits\nsize_categories: [n<1K]\n---\n");
    sandbox.write("p/data/train.jsonl", "{}\n");
    sandbox.write("p/data/test.jsonl", "{}\n");
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: Digits
          license: CC-BY-4.0
        datasets:
          - path: data
            parameters:
              size_categories:
                - n<1K
        docs:
          - path: README.md
            description: Readme file
    "#]]
    .assert_eq(&draft(&sandbox));
}

#[test]
fn damaged_weights_are_reported_and_do_not_stop_init() {
    let sandbox = Sandbox::new();
    sandbox.write("p/model.safetensors", "no header at all");
    assert!(draft(&sandbox).contains("  # its weights are damaged: it ends inside its header\n  path: "));
    let later = [&b"GGUF\x04\0\0\0"[..], &[0; 32]].concat();
    sandbox.write("p/later.gguf", later);
    fs_err::remove_file(sandbox.path("p/model.safetensors")).unwrap();
    let unknown = "  # this version of kit cannot read its weights: GGUF version 4 is not supported\n  path: ";
    assert!(draft(&sandbox).contains(unknown), "{}", draft(&sandbox));
    fs_err::remove_file(sandbox.path("p/later.gguf")).unwrap();
    let oid = "1".repeat(64);
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 9\n");
    sandbox.write("p/model.safetensors", pointer);
    sandbox.write("p/config.json", "{");
    sandbox.write("p/README.md", "---\n[\n---\n");
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: p
        model:
          name: model
          # this file is only a pointer of git LFS; run `git lfs pull` to fetch the weights
          path: model.safetensors
          format: safetensors
          parts:
            - path: config.json
        docs:
          - path: README.md
            description: Readme file
    "#]]
    .assert_eq(&draft(&sandbox));
    sandbox.kit(&["init", "nowhere"]).fails().says("cannot draft a Kitfile for `nowhere`");
}

#[test]
fn notebooks_are_code_and_their_inputs_are_noted() {
    let sandbox = Sandbox::new();
    let cell = |tags: &[&str], code: &str| json!({ "cell_type": "code", "metadata": { "tags": tags }, "source": code });
    let notebook = |cells: &[Value]| json!({ "nbformat": 4, "cells": cells }).to_string();
    let train = notebook(&[
        cell(&["parameters"], "epochs = 3\nhf_token = 'x'\n"),
        cell(&[], "pd.read_csv('train.csv')\nAutoModel.from_pretrained('org/base')"),
    ]);
    sandbox.write("p/train.ipynb", train);
    sandbox.write("p/broken.ipynb", "{");
    sandbox.write("p/notebooks/explore.ipynb", notebook(&[cell(&[], "np.load('a\u{2028}b.npy')")]));
    sandbox.write("p/train.csv", "a\n");
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: p
        code:
          - path: broken.ipynb
          # notebooks/explore.ipynb loads a b.npy
          - path: notebooks
          # train.ipynb loads train.csv, org/base
          # train.ipynb has the parameters epochs = 3, hf_token
          - path: train.ipynb
        datasets:
          - path: train.csv
    "#]]
    .assert_eq(&draft(&sandbox));
    sandbox.write("p/train.py", "");
    assert!(draft(&sandbox).contains("  # train.ipynb loads train.csv, org/base\n"));
    sandbox.kit(&["pack", "p", "-t", "p:v1"]).ok();
}

/// A repository of 16 MiB, of which a draft needs some kilobytes.
#[test]
fn a_repository_of_a_hub_is_drafted_for_without_its_weights() {
    let (sandbox, hub, storage) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
    let weights = Bytes::from(shard(8 * 1024 * 1024));
    let digest = Some(storage.add_blob(&weights));
    let card = Bytes::from_static(b"---\nlicense: cc-by-4.0\npipeline_tag: text-generation\n---\n# Tiny\n");
    hub.show(HubRepository {
        kind: "models",
        name: "Ada/Tiny-Net",
        license: Some("cc-by-4.0"),
        files: vec![
            (".gitattributes", Bytes::from_static(b"*.safetensors filter=lfs\n"), None),
            ("README.md", card, None),
            ("config.json", Bytes::from_static(CONFIG.as_bytes()), None),
            ("model.safetensors", weights, digest),
            ("notebooks/deep/er/x.ipynb", Bytes::from_static(b"{}"), None),
        ],
        token: Some("hf_s3cret"),
        files_per_page: 2,
        storage: format!("http://{}", storage.host()),
    });
    let init = |args: &[&str]| -> Run {
        let mut command = sandbox.command(&[&["init", "Ada/Tiny-Net", "--remote"], args].concat());
        sandbox.run(command.env("HF_ENDPOINT", format!("http://{}/", hub.host())))
    };
    let refused = init(&["-o", "-"]).fails().says("cannot draft a Kitfile for `Ada/Tiny-Net`");
    assert_eq!(refused.stdout, "");
    let drafted = init(&["-o", "-", "--token", "hf_s3cret"]).ok();
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: Tiny-Net
          license: CC-BY-4.0
          authors: [Ada]
        model:
          name: model
          path: model.safetensors
          framework: transformers
          format: safetensors
          parts:
            - path: config.json
          parameters:
            architecture: LlamaForCausalLM
            context_length: 2048
            parameter_count: 8388608
            pipeline_tag: text-generation
            precision: bfloat16
        code:
          - path: notebooks
        docs:
          - path: README.md
            description: Readme file
    "#]]
    .assert_eq(&drafted.stdout);
    let fetched: u64 = storage.requests_of("GET", "/objects/").iter().map(|request| request.answer_bytes).sum();
    assert!((1..64 * 1024).contains(&fetched), "{fetched} bytes of weights were fetched");

    init(&["--token", "hf_s3cret"]).ok().prints("Saved to path '");
    assert_eq!(sandbox.read("Kitfile"), drafted.stdout);
    init(&["--token", "hf_s3cret"]).fails().says("already exists");
    let mut import =
        sandbox.command(&["import", "Ada/Tiny-Net", "-f", "Kitfile", "-t", "tiny:v1", "--token", "hf_s3cret"]);
    sandbox.run(import.env("HF_ENDPOINT", format!("http://{}/", hub.host()))).ok();
    sandbox.kit(&["init", "p", "--ref", "v1"]).exits(2);
    sandbox.kit(&["init", "no/such/name", "--remote", "-o", "-"]).exits(2);
}

#[test]
fn a_kitignore_is_drafted_from_the_one_of_git() {
    let sandbox = Sandbox::new();
    for path in ["model.bin", "data/a.csv", "src/a.py", "build/a.py", "mlruns/0/meta.yaml", ".env", "notes.ipynb"] {
        sandbox.write(&format!("p/{path}"), "x");
    }
    sandbox.write("p/.gitignore", "# comment\n\nbuild/\n*.bin\n/data/*.csv\n*.log\n!keep.log\n[\n");
    let run = sandbox.kit(&["init", "p"]).ok();
    expect![[r#"
        # Files that `kit pack` leaves out, in the syntax of .dockerignore.
        **/.env*
        !**/.env.example
        mlruns
        wandb

        # From .gitignore:
        **/build
        # **/*.bin
        # data/*.csv
        **/*.log
        !**/keep.log
        # **/[
    "#]]
    .assert_eq(&sandbox.read("p/.kitignore"));
    run.says("Saved .kitignore (files that `kit pack` skips), with 3 lines from .gitignore")
        .says("Not taken from .gitignore, because the Kitfile names such files: `*.bin`, `/data/*.csv`, `[`");
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: p
        model:
          name: model
          path: model.bin
        code:
          - path: notes.ipynb
          - path: src
        datasets:
          - path: data
    "#]]
    .assert_eq(&sandbox.read("p/Kitfile"));
    sandbox.kit(&["validate", "p"]).ok();
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    let listed = sandbox.kit(&["ls", "a:v1", "--format", "{{.path}}"]).ok().stdout;
    assert_eq!(listed, "Kitfile\ndata/a.csv\nmodel.bin\nnotes.ipynb\nsrc/a.py\n");
}

#[test]
fn an_existing_kitignore_is_kept() {
    let sandbox = Sandbox::new();
    sandbox.write("p/model.bin", "x");
    sandbox.write("p/.kitignore", "mine\n");
    let run = sandbox.kit(&["init", "p"]).ok();
    assert!(!run.stderr.contains(".kitignore"), "{}", run.stderr);
    assert_eq!(sandbox.read("p/.kitignore"), "mine\n");
    sandbox.write("q/model.bin", "x");
    sandbox.kit(&["init", "q", "-o", "Kitfile"]).ok();
    sandbox.kit(&["init", "q", "-o", "-"]).ok();
    assert_eq!(sandbox.names("q"), ["model.bin"]);
}

#[test]
fn folders_of_a_model_of_sentence_transformers_belong_to_it() {
    let sandbox = Sandbox::new();
    let modules = json!([
        { "idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer" },
        { "idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling" },
    ]);
    sandbox.write("p/modules.json", modules.to_string());
    sandbox.write("p/1_Pooling/config.json", "{}");
    sandbox.write("p/other/config.json", "{}");
    sandbox.write("p/model.safetensors", samples::small_safetensors());
    let kitfile = draft(&sandbox);
    assert!(kitfile.contains("    - path: 1_Pooling/config.json\n"), "{kitfile}");
    assert!(kitfile.contains("    - path: other/config.json\n"), "JSON is never code: {kitfile}");
}

#[test]
fn files_of_deeper_folders_are_listed_on_request() {
    let sandbox = Sandbox::new();
    for file in ["a/b/c/net.bin", "a/b/README.md", "a/data.csv"] {
        sandbox.write(&format!("p/{file}"), "x");
    }
    let paths = |depth: &str| {
        let kitfile = sandbox.kit(&["init", "p", "--depth", depth, "-o", "-"]).ok().stdout;
        kitfile
            .lines()
            .filter_map(|line| line.split_once("path: "))
            .map(|(_, path)| path.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths("0"), ["a"]);
    assert_eq!(paths("1"), ["a/b", "a/data.csv"]);
    assert_eq!(paths("-1"), ["a/b/c/net.bin", "a/data.csv", "a/b/README.md"]);
}

#[test]
fn the_current_folder_is_the_default() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let kit = |args: &[&str]| sandbox.run(sandbox.command(args).current_dir(sandbox.path("project")));
    kit(&["init", "--force", "--name", "sample"]).ok();
    kit(&["pack", "-t", "sample:v1", "--lock"]).ok();
    kit(&["verify"]).ok();
    kit(&["validate"]);
}
