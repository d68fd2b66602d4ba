//! `kit sbom`: the expected documents byte for byte, and what they contain of an unusual ModelKit.

use std::collections::HashSet;

use serde_json::{Value, json};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Sandbox, repository};

const NAME: &str = "registry.example/team/sentiment:v2";
const PLAIN: &str = "--plain-http";

fn golden(file: &str) -> String {
    let text = fs_err::read_to_string(repository().join("tests/golden/trust/aibom").join(file)).unwrap();
    text.replace("\"version\": \"0.1.0\"", &format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION")))
        .replace("\"kit 0.1.0\"", &format!("\"kit {}\"", env!("CARGO_PKG_VERSION")))
}

#[test]
fn the_documents_are_as_expected_byte_for_byte() {
    let sandbox = Sandbox::new();
    let layout = repository().join("tests/golden/trust/modelkit");
    sandbox.kit(&["load", layout.to_str().unwrap()]).ok();
    sandbox.kit(&["tag", "sentiment:v2", NAME]).ok();
    for (format, file) in [
        ("cyclonedx", "sentiment.cyclonedx-1.6.json"),
        ("cyclonedx-1.7", "sentiment.cyclonedx-1.7.json"),
        ("spdx", "sentiment.spdx-3.0.1.json"),
    ] {
        for _ in 0..2 {
            sandbox.kit(&["sbom", NAME, "--format", format, "--output", "sbom.json"]).ok();
            assert_eq!(sandbox.read("sbom.json"), golden(file), "{format}");
        }
        assert_eq!(sandbox.kit(&["sbom", NAME, "--format", format]).ok().stdout, golden(file));
    }
}

/// A Kitfile with every field, and odd names.
const KITFILE: &str = r#"
manifestVersion: 1.0.0
package: {name: "net #1", version: 1.2.3, description: "A \"net\"", license: MIT OR Apache-2.0, authors: [Ada, Bob]}
model:
  name: net
  path: weights
  license: gemma
  framework: onnx
  format: custom
  version: "7"
  description: weights
  parts:
    - {name: tokenizer, path: tokenizer.json, type: tokenizer, license: MIT}
  parameters:
    epochs: 3
    nested: {rate: 0.10, list: [1, two], nothing: null, empty: {}}
    metrics: {accuracy: 0.91, loss: {train: 1e-3}}
code:
  - {path: src, description: code, license: BSD-3-Clause}
datasets:
  - {name: "a b", path: "data #1/%é.csv", description: rows, license: CC-BY-4.0}
  - {name: "a b", path: more, parameters: {rows: 2}}
  - {name: far, remotePath: "https://data.example/a b.csv", remoteHash: HASH, license: Own Terms}
docs:
  - {path: README.md, description: docs}
  - {path: LICENSE}
prompts:
  - {path: prompt.md, name: ask}
"#;

fn unusual() -> Sandbox {
    let sandbox = Sandbox::new();
    let hash = format!("sha256:{}", "a".repeat(64));
    sandbox.write("project/Kitfile", KITFILE.replace("HASH", &hash));
    sandbox.write("project/weights/config.json", r#"{"model_type":"bert","architectures":["BertModel"]}"#);
    sandbox.write("project/weights/model.safetensors", kit_testkit::samples::safetensors(HEADER, 16));
    for (path, text) in [
        ("tokenizer.json", "{}"),
        ("src/a%20b.py", "1"),
        ("src/b.py", "1"),
        ("data #1/%é.csv", "a,b"),
        ("more/x.csv", "1"),
        ("more/y.csv", "1"),
        ("README.md", "---\npipeline_tag: fill-mask\n---\n# Net"),
        ("LICENSE", "Apache License\nVersion 2.0, January 2004"),
        ("prompt.md", "Answer."),
    ] {
        sandbox.write(&format!("project/{path}"), text);
    }
    sandbox
}

const HEADER: &str = r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#;

#[test]
fn all_fields_of_a_kitfile_are_billed() {
    let sandbox = unusual();
    sandbox.kit(&["pack", "project", "-t", "net:v1"]).ok();
    let bom = sandbox.kit(&["sbom", "net:v1"]).ok().json();
    let main = &bom["metadata"]["component"];
    assert_eq!(main["bom-ref"], "model:net%20%231");
    assert_eq!(main["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
    let purl = main["purl"].as_str().unwrap();
    assert!(purl.starts_with("pkg:oci/net@sha256%3A") && purl.ends_with("?tag=v1"), "{purl}");
    let card = &main["modelCard"];
    let model = &card["modelParameters"];
    assert_eq!(
        (&model["task"], &model["architectureFamily"], &model["modelArchitecture"]),
        (&json!("fill-mask"), &json!("bert"), &json!("BertModel"))
    );
    let metrics = json!([{ "type": "accuracy", "value": "0.91" }, { "type": "loss.train", "value": "0.001" }]);
    assert_eq!(card["quantitativeAnalysis"]["performanceMetrics"], metrics);
    let properties: Vec<_> =
        card["properties"].as_array().unwrap().iter().map(|it| (&it["name"], &it["value"])).collect();
    let expected = json!([
        ["kit:framework", "onnx"],
        ["kit:format", "custom"],
        ["kit:parameters", "4"],
        ["kit:tensors", "1"],
        ["kit:tensor-type", "F32:1"],
        ["kit:parameter:epochs", "3"],
        ["kit:parameter:nested.list.0", "1"],
        ["kit:parameter:nested.list.1", "two"],
        ["kit:parameter:nested.rate", "0.1"],
    ]);
    assert_eq!(json!(properties), expected);
    let references = strings(&bom["components"], "bom-ref");
    let distinct: HashSet<_> = references.iter().collect();
    assert_eq!(distinct.len(), references.len(), "{references:?}");
    for reference in ["data:a%20b", "data:a%20b#2", "data:far", "file:data%20%231/%25%C3%A9.csv", "file:src/a%2520b.py"]
    {
        assert!(references.iter().any(|known| known == reference), "{reference}: {references:?}");
    }
    let far = bom["components"].as_array().unwrap().iter().find(|it| it["name"] == "far").unwrap();
    assert_eq!(far["hashes"][0]["content"], "a".repeat(64));
    assert_eq!(far["data"][0]["contents"]["url"], "https://data.example/a%20b.csv");
    assert_eq!(far["licenses"], json!([{ "license": { "name": "Own Terms" } }]));
    assert_eq!(bom["dependencies"][0]["dependsOn"], json!(["data:a%20b", "data:a%20b#2", "data:far"]));
    let spdx = sandbox.kit(&["sbom", "net:v1", "--format", "spdx"]).ok().json();
    let ids = strings(&spdx["@graph"], "spdxId");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    let kinds = strings(&spdx["@graph"], "relationshipType");
    let expected = ["trainedOn", "contains", "hasDeclaredLicense", "hasConcludedLicense"];
    assert!(expected.iter().all(|kind| kinds.iter().any(|known| known == kind)), "{kinds:?}");
}

/// The values of `key` in a list of objects and the lists inside them.
fn strings(list: &Value, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    for element in list.as_array().into_iter().flatten() {
        found.extend(element[key].as_str().map(str::to_owned));
        found.extend(strings(&element["components"], key));
    }
    found
}

#[test]
fn a_registry_and_the_store_give_the_same_document() {
    let (sandbox, registry) = (unusual(), FakeRegistry::start());
    let name = format!("{}/team/net:v1", registry.host());
    sandbox.kit(&["pack", "project", "-t", &name, "--compression", "gzip"]).ok();
    sandbox.kit(&["push", &name, PLAIN]).ok();
    for format in ["cyclonedx", "spdx"] {
        let here = sandbox.kit(&["sbom", &name, "--format", format]).ok().stdout;
        let there = sandbox.kit(&["sbom", &name, "--format", format, "--remote", PLAIN]).ok().stdout;
        assert_eq!(here, there);
    }
}

#[test]
fn data_alone_is_data_and_other_kits_are_applications() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "a");
    for (section, kind) in [("datasets: [{name: d, path: a.csv}]", "data"), ("code: [{path: a.csv}]", "application")] {
        sandbox.write("Kitfile", format!("manifestVersion: 1.0.0\npackage: {{name: p}}\n{section}\n"));
        sandbox.kit(&["pack", ".", "-t", "p:v1"]).ok();
        let bom = sandbox.kit(&["sbom", "p:v1"]).ok().json();
        assert_eq!(bom["metadata"]["component"]["type"], kind);
        assert_eq!(bom["metadata"]["component"]["modelCard"], Value::Null);
    }
}

#[test]
fn a_model_from_another_modelkit_has_an_ancestor() {
    let sandbox = unusual();
    let digest = sandbox.kit(&["pack", "project", "-t", "localhost/base:v1"]).ok().digest();
    let kitfile =
        format!("manifestVersion: 1.0.0\npackage: {{name: p}}\nmodel: {{path: 'localhost/base:v1@{digest}'}}\n");
    sandbox.write("child/Kitfile", kitfile);
    sandbox.kit(&["pack", "child", "-t", "child:v1"]).ok();
    let bom = sandbox.kit(&["sbom", "child:v1"]).ok().json();
    let ancestors = &bom["metadata"]["component"]["pedigree"]["ancestors"];
    assert_eq!(
        (&ancestors[0]["name"], &ancestors[0]["hashes"][0]["content"]),
        (&json!("base:v1"), &json!(digest[7..]))
    );
    assert_eq!(bom["dependencies"][0]["dependsOn"], json!([bom["components"][0]["bom-ref"]]));
    let spdx = sandbox.kit(&["sbom", "child:v1", "--format", "spdx"]).ok().json();
    assert!(strings(&spdx["@graph"], "relationshipType").contains(&"descendantOf".to_owned()));
}

#[test]
fn a_folder_has_the_files_and_no_digest_of_a_modelkit() {
    let sandbox = unusual();
    sandbox.write("project/.kitignore", "src/b.py");
    sandbox.write("project/notes.txt", "in no layer");
    sandbox.write("project/src/.env", format!("TOKEN=ghp{}{}", '_', "aB".repeat(18)));
    let manifest = sandbox.kit(&["pack", "project", "-t", "net:v1", "--allow-secrets"]).ok().digest();
    for format in ["cyclonedx", "cyclonedx-1.7"] {
        let packed = sandbox.kit(&["sbom", "net:v1", "--format", format]).ok().json();
        let text = sandbox.kit(&["sbom", "./project", "--format", format]).ok().stdout;
        assert_eq!(sandbox.kit(&["sbom", "project", "--format", format]).ok().stdout, text);
        assert!(!text.contains("kit:layer") && !text.contains(&manifest[7..]), "{text}");
        let bom: Value = serde_json::from_str(&text).unwrap();
        assert_ne!(bom["serialNumber"], packed["serialNumber"]);
        assert_eq!(bom["metadata"]["lifecycles"], json!([{ "phase": "pre-build" }]));
        let main = &bom["metadata"]["component"];
        assert_eq!((&main["hashes"], &main["purl"]), (&Value::Null, &Value::Null));
        for field in ["type", "name", "version", "licenses", "modelCard"] {
            assert_eq!(main[field], packed["metadata"]["component"][field], "{field}");
        }
        let files = |bom: &Value| strings(&bom["components"], "bom-ref");
        assert_eq!(files(&bom), files(&packed));
        let digests = |bom: &Value| {
            let files = bom["components"].as_array().unwrap().iter().filter(|it| it["type"] == "file");
            files.map(|file| file["hashes"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(digests(&bom), digests(&packed));
    }
    let packed = sandbox.kit(&["sbom", "net:v1", "--format", "spdx"]).ok().json();
    let text = sandbox.kit(&["sbom", "./project", "--format", "spdx"]).ok().stdout;
    assert!(!text.contains(&manifest[7..]) && !text.contains("releaseTime"), "{text}");
    let spdx: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(strings(&spdx["@graph"], "name"), strings(&packed["@graph"], "name"));
    assert_eq!(spdx["@graph"][2]["profileConformance"], json!(["core", "software", "simpleLicensing"]));
}

#[test]
fn a_changed_file_changes_the_identifier_of_the_document() {
    let sandbox = unusual();
    let number = || sandbox.kit(&["sbom", "project"]).ok().json()["serialNumber"].clone();
    let before = number();
    assert_eq!(number(), before);
    sandbox.write("project/src/b.py", "2");
    assert_ne!(number(), before);
}

#[test]
fn a_folder_without_a_kitfile_fails_and_a_modelkit_comes_before_it() {
    let sandbox = Sandbox::packed();
    sandbox.write("empty/a.txt", "a");
    sandbox.kit(&["sbom", "./empty"]).fails().says("Kitfile");
    sandbox.kit(&["tag", "sample:v1", "empty"]).ok();
    let bom = sandbox.kit(&["sbom", "empty"]).ok().json();
    assert!(bom["metadata"]["component"]["hashes"].is_array());
}
