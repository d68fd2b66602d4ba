//! `inspect --tensors`: the facts that it prints of models, and the amount of data that is read for them.

use std::io::Write;

use expect_test::expect;
use kit_core::compression::Compression;
use serde_json::json;

use crate::transfer::published::publish_model;
use kit_testkit::registry::{FakeRegistry, Recorded};
use kit_testkit::samples;
use kit_testkit::sandbox::{Sandbox, repository};

const MEBIBYTE: u64 = 1024 * 1024;

/// A language model in two shards of 16 MiB, and a small one as a GGUF file.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/model/model-00001-of-00002.safetensors", shard("model.embed_tokens.weight"));
    sandbox.write("project/model/model-00002-of-00002.safetensors", shard("lm_head.weight"));
    sandbox.write("project/model/tokenizer.json", vec![b' '; 300_000]);
    sandbox.write("project/config.json", CONFIG);
    sandbox.write("project/small.gguf", samples::small_gguf(3, false).bytes());
    sandbox.write("project/Kitfile", KITFILE);
    sandbox
}

fn shard(name: &str) -> Vec<u8> {
    let (elements, bytes) = (8 * MEBIBYTE, 16 * MEBIBYTE);
    let entry = format!(r#"{{"dtype":"BF16","shape":[{elements}],"data_offsets":[0,{bytes}]}}"#);
    let header = format!(r#"{{"__metadata__":{{"format":"pt"}},"{name}":{entry}}}"#);
    samples::safetensors(&header, usize::try_from(bytes).unwrap())
}

const CONFIG: &str = r#"{"architectures":["LlamaForCausalLM"],"hidden_size":4096,"num_attention_heads":32,
"num_key_value_heads":8,"num_hidden_layers":32,"max_position_embeddings":8192,"vocab_size":128256}"#;

const KITFILE: &str = "manifestVersion: 1.0.0
model:
  path: model
  parts:
    - path: small.gguf
docs:
  - path: config.json
";

fn check_table(text: &str) {
    expect![[r#"
        FILE                                     FORMAT        TENSORS   PARAMETERS   SIZE       TYPES
        model/model-00001-of-00002.safetensors   safetensors   1         8.38M        16.0 MiB   BF16 1
        model/model-00002-of-00002.safetensors   safetensors   1         8.38M        16.0 MiB   BF16 1
        small.gguf                               GGUF          2         352          832 B      Q4_0 1, F32 1
        total                                                  4         16.7M        32.0 MiB

        model/model
          architecture        LlamaForCausalLM
          parameters          16.7M
          context length      8192 tokens
          vocabulary          128256 tokens
          layers              32
          heads               32, 8 of keys and values
          memory (estimate)   1.0 GiB: 32.0 MiB of weights, 1.0 GiB of cache for one full context

        small
          architecture        llama
          parameters          352
          quantisation        Q4_0
          context length      2048 tokens
          vocabulary          3 tokens
          layers              2
          heads               4, 2 of keys and values
          memory (estimate)   192.3 KiB: 308 B of weights, 192.0 KiB of cache for one full context
    "#]]
    .assert_eq(text);
}

#[test]
fn the_output_does_not_depend_on_compression() {
    let sandbox = project();
    for compression in ["none", "gzip-fastest", "zstd"] {
        sandbox.kit(&["pack", "project", "-t", compression, "--compression", compression]).ok();
        check_table(&sandbox.kit(&["inspect", compression, "--tensors"]).ok().stdout);
    }
    let plain = sandbox.kit(&["inspect", "none"]).ok().json();
    assert!(plain["manifest"].is_object(), "without the flag, what was always shown is shown");
}

#[test]
fn only_headers_of_remote_weights_are_fetched() {
    let (sandbox, registry) = (project(), FakeRegistry::start());
    sandbox.kit(&["pack", "project", "-t", "llm:v1"]).ok();
    let remote = format!("{}/llm:v1", registry.host());
    sandbox.kit(&["push", "llm:v1", &remote, "--plain-http"]).ok();
    let inspect = ["inspect", "-r", &remote, "--tensors", "--plain-http"];
    registry.forget_requests();
    check_table(&sandbox.kit(&inspect).ok().stdout);
    let requests = registry.requests_of("GET", "/blobs/");
    let moved: u64 = requests.iter().map(|request| sent_bytes(&registry, request)).sum();
    assert!(moved < MEBIBYTE / 4, "{moved} bytes in {} requests", requests.len());
    assert!(requests.len() < 16, "{} requests", requests.len());
    registry.configure(|options| options.ranges = false);
    check_table(&sandbox.kit(&inspect).ok().stdout);
}

/// Returns the number of bytes of a blob that were sent.
fn sent_bytes(registry: &FakeRegistry, request: &Recorded) -> u64 {
    let digest = request.target.rsplit('/').next().unwrap();
    let Some(range) = request.header("range") else { return registry.blob(digest).unwrap().len() as u64 };
    let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    last.parse::<u64>().unwrap() + 1 - first.parse::<u64>().unwrap()
}

#[test]
fn json_contains_the_position_of_each_tensor() {
    let sandbox = project();
    sandbox.kit(&["pack", "project", "-t", "llm:v1"]).ok();
    let inspected = sandbox.kit(&["inspect", "llm:v1", "--tensors", "--format", "json"]).ok().json();
    let model = &inspected["models"][0];
    assert_eq!(
        model["estimatedMemory"],
        json!({ "weights": 33_554_432, "cache": 1_073_741_824, "total": 1_107_296_256 })
    );
    let file = &model["files"][1];
    assert_eq!(file["path"], "model/model-00002-of-00002.safetensors");
    assert_eq!(file["metadata"], json!({ "format": "pt" }));
    let tensor = &file["tensors"][0];
    assert_eq!((&tensor["name"], &tensor["type"]), (&json!("lm_head.weight"), &json!("BF16")));
    assert_eq!(tensor["shape"], json!([8 * MEBIBYTE]));
    let layer = file["layer"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let blob = fs_err::read(sandbox.store().join("blobs/sha256").join(layer)).unwrap();
    let begin = usize::try_from(file["offset"].as_u64().unwrap()).unwrap();
    let header = usize::try_from(tensor["offset"].as_u64().unwrap()).unwrap();
    assert!(blob[begin..begin + header] == shard("lm_head.weight")[..header]);
    let run = sandbox.kit(&["inspect", "llm:v1", "--tensors", "--format", "{{range .models}}{{.name}} {{end}}"]).ok();
    assert_eq!(run.stdout, "model/model small \n");
    sandbox
        .kit(&["inspect", "llm:v1", "--tensors", "--format", "yaml"])
        .ok()
        .prints("  architecture: LlamaForCausalLM\n");
}

#[test]
fn modelkits_of_kitops_are_inspected() {
    let sandbox = Sandbox::new();
    let layouts = repository().join("tests/golden/layouts");
    for name in ["every-section-plain", "every-section-gzip", "every-section-gzip-fastest"] {
        let layout = format!("oci:{}:v1", layouts.join(name).display());
        let run = sandbox.kit(&["inspect", &layout, "--tensors"]).ok();
        // That file is safetensors only by its name, and the output says so.
        expect![[r#"
            FILE                        FORMAT        TENSORS   PARAMETERS   SIZE        TYPES
            weights/model.safetensors   safetensors   ?         ?            263.6 KiB   ?
        "#]]
        .assert_eq(&run.stdout);
        expect![[r#"
            warning: skipping `weights/model.safetensors`: it ends inside its header
        "#]]
        .assert_eq(&run.stderr);
    }
    for name in ["long-names", "nested-layers", "non-ascii-names"] {
        let layout = format!("oci:{}:v1", layouts.join(name).display());
        assert_eq!(sandbox.kit(&["inspect", &layout, "--tensors"]).ok().stdout, "No safetensors or GGUF files\n");
    }
}

#[test]
fn the_example_is_summed_up() {
    let sandbox = Sandbox::new();
    let example = repository().join("examples/digits").display().to_string();
    sandbox.kit(&["pack", &example, "-t", "digits:v1"]).ok();
    expect![[r#"
        FILE                        FORMAT        TENSORS   PARAMETERS   SIZE       TYPES
        weights/model.safetensors   safetensors   6         4.93K        19.7 KiB   F32 6

        weights/model
          architecture        mlp
          parameters          4.93K
          memory (estimate)   19.2 KiB: the weights alone
    "#]]
    .assert_eq(&sandbox.kit(&["inspect", "digits:v1", "--tensors"]).ok().stdout);
}

#[test]
fn a_broken_header_is_reported_and_the_rest_is_counted() {
    let sandbox = project();
    sandbox.write("project/model/model-00002-of-00002.safetensors", "version https://git-lfs.github.com/spec/v1\n");
    sandbox.kit(&["pack", "project", "-t", "llm:v1", "--allow-empty"]).ok();
    let run = sandbox.kit(&["inspect", "llm:v1", "--tensors"]).ok();
    run.prints("8.38M").says("warning: skipping `model/model-00002-of-00002.safetensors`: it ends inside its header\n");
}

#[test]
fn a_layer_that_is_one_file_is_read_as_that_file() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    for (suffix, compression) in [("", Compression::None), ("+gzip", Compression::Gzip)] {
        let mut encoder = compression.encoder(Vec::new(), || ()).unwrap();
        encoder.write_all(&samples::small_safetensors()).unwrap();
        let remote = publish_model(&registry, &format!("raw{suffix}"), "m.safetensors", &encoder.finish().unwrap());
        let run = sandbox.kit(&["inspect", "-r", &remote, "--tensors", "--plain-http", "--format", "json"]).ok().json();
        assert_eq!(run["models"][0]["parameters"], 36, "{suffix}");
        assert_eq!(run["models"][0]["files"][0]["offset"].is_null(), compression != Compression::None);
    }
}
