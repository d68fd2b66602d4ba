//! `kit attest` and `kit inspect --trust`.

use serde_json::{Value, json};

use super::scene::{Scene, key, kit};
use kit_testkit::sandbox::{Run, Sandbox};

const RESULT: &str = r#"{"result":"PASSED","configuration":[],"score":0.10,"count":10000000000000000000000}"#;

fn attest(sandbox: &Sandbox, name: &str, flags: &[&str]) -> Run {
    kit(sandbox, &[&["attest", name, "--key", &key("test-cosign.key")], flags].concat())
}

fn get(sandbox: &Sandbox, name: &str, kind: &str, flags: &[&str]) -> Run {
    kit(sandbox, &[&["attest", name, "--key", &key("test-cosign.pub"), "--get", kind], flags].concat())
}

fn verify(sandbox: &Sandbox, name: &str, flags: &[&str]) -> Run {
    kit(sandbox, &[&["verify", name, "--key", &key("test-cosign.pub")], flags].concat())
}

#[test]
fn every_type_is_signed_verified_and_printed_as_it_was_given() {
    let sandbox = Sandbox::packed();
    sandbox.write("result.json", RESULT);
    let words = [
        "slsaprovenance1",
        "slsaprovenance",
        "slsaprovenance02",
        "cyclonedx",
        "spdx",
        "spdxjson",
        "vuln",
        "openvex",
        "link",
        "custom",
        "test-result",
        "scan",
        "https://models.example/eval/v1",
    ];
    for word in words {
        attest(&sandbox, "sample:v1", &["--type", word, "--predicate", "result.json"]).ok();
        verify(&sandbox, "sample:v1", &["--type", word]).ok().prints("  attested  ecdsa-p256 fd50f21f2fc7");
        let run = get(&sandbox, "sample:v1", word, &[]).ok();
        assert_eq!(run.stdout, format!("{RESULT}\n"));
    }
    verify(&sandbox, "sample:v1", &[]).exits(1).says("it is not a signature, but an attestation of the type");
    attest(&sandbox, "sample:v1", &["--type", "vuln", "--predicate", "result.json"]).ok().prints("Already attested");
    verify(&sandbox, "sample:v1", &["--type", "vuln", "--type", "scan"]).ok();
    for wrong in ["no such", "model-signing", "https://sigstore.dev/cosign/sign/v1"] {
        attest(&sandbox, "sample:v1", &["--type", wrong, "--predicate", "result.json"]).exits(2);
    }
    for wrong in ["[]", "{", r#"{"a":1,"a":2}"#] {
        sandbox.write("wrong.json", wrong);
        attest(&sandbox, "sample:v1", &["--type", "vuln", "--predicate", "wrong.json"]).exits(1).says("JSON");
    }
}

#[test]
fn the_statement_names_the_repository_and_the_digest() {
    let scene = Scene::new(true);
    let (name, digest) = scene.put("team/net");
    scene.sandbox.write("result.json", RESULT);
    attest(&scene.sandbox, &name, &["--type", "test-result", "--predicate", "result.json"]).ok();
    let bundle = get(&scene.sandbox, &name, "test-result", &["--bundle"]).ok().json();
    let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
    let payload = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, payload).unwrap();
    let statement: Value = serde_json::from_slice(&payload).unwrap();
    let repository = name.strip_suffix(":v2").unwrap();
    let hex = digest.strip_prefix("sha256:").unwrap();
    assert_eq!(statement["subject"], json!([{ "name": repository, "digest": { "sha256": hex } }]));
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://in-toto.io/attestation/test-result/v0.1");
}

#[test]
fn an_attestation_of_another_key_is_not_printed() {
    let sandbox = Sandbox::packed();
    sandbox.write("result.json", RESULT);
    let other = key("test-p384.key.pem");
    let args = ["attest", "sample:v1", "--key", &other, "--type", "scan", "--predicate", "result.json"];
    kit(&sandbox, &args).ok();
    let run = get(&sandbox, "sample:v1", "scan", &[]).exits(1);
    assert_eq!(run.stdout, "");
    run.says("is not attested as scan by");
}

#[test]
fn the_newest_attestation_is_printed() {
    let sandbox = Sandbox::packed();
    for (time, score) in [("1700000000", 1), ("1800000000", 3), ("1750000000", 2)] {
        sandbox.write("result.json", json!({ "score": score }).to_string());
        let path = key("test-cosign.key");
        let args = ["attest", "sample:v1", "--key", &path, "--type", "scan", "--predicate", "result.json"];
        let mut command = sandbox.command(&args);
        sandbox.run(command.env("SOURCE_DATE_EPOCH", time).env("COSIGN_PASSWORD", "test-password")).ok();
    }
    let run = get(&sandbox, "sample:v1", "scan", &[]).ok();
    assert_eq!(run.stdout, "{\"score\":3}\n");
    run.says("2 older attestations of this type");
}

#[test]
fn the_recorded_provenance_is_signed_as_it_is() {
    let sandbox = Sandbox::packed();
    attest(&sandbox, "sample:v1", &["--provenance"]).ok();
    let predicate = get(&sandbox, "sample:v1", "slsaprovenance1", &[]).ok().json();
    assert_eq!(predicate["buildDefinition"]["buildType"], "urn:kit:pack:v1");
    let scene = Scene::new(true);
    let (name, _) = scene.put("team/net");
    attest(&scene.sandbox, &name, &["--provenance"]).exits(4).says("has no record of its provenance");
}

#[test]
fn the_result_of_a_scan_is_signed_with_the_time() {
    let sandbox = Sandbox::packed();
    attest(&sandbox, "sample:v1", &["--scan"]).ok();
    let predicate = get(&sandbox, "sample:v1", "scan", &[]).ok().json();
    assert!(predicate["scanner"]["rules"].is_string() && predicate["time"].is_string(), "{predicate}");
    let mut scanned = kit(&sandbox, &["scan", "sample:v1", "--format", "json"]).ok().json();
    scanned["time"] = predicate["time"].clone();
    assert_eq!(predicate, scanned);
}

#[test]
fn exactly_one_thing_is_done() {
    let sandbox = Sandbox::packed();
    for flags in [
        &[][..],
        &["--scan", "--provenance"],
        &["--type", "vuln"],
        &["--predicate", "result.json"],
        &["--scan", "--bundle"],
    ] {
        attest(&sandbox, "sample:v1", flags).exits(2);
    }
}

#[test]
fn everything_beside_a_modelkit_is_listed_without_judging() {
    let scene = Scene::new(false);
    let (name, digest) = scene.put("team/net");
    kit(&scene.sandbox, &["inspect", "--trust", &name]).ok().prints("nothing is attached");
    kit(&scene.sandbox, &["sign", &name, "--as", "both", "--key", &key("test-cosign.key")]).ok();
    scene.sandbox.write("result.json", RESULT);
    attest(&scene.sandbox, &name, &["--type", "test-result", "--predicate", "result.json"]).ok();
    let notation = json!({
        "schemaVersion": 2, "artifactType": "application/vnd.cncf.notary.signature",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest, "size": 2 }, "layers": [],
        "subject": { "mediaType": super::scene::MANIFEST, "digest": digest, "size": 2411 },
    });
    scene.put_referrer("team/net", &digest, notation.to_string().as_bytes(), 9);
    let run = kit(&scene.sandbox, &["inspect", "--trust", &name]).ok();
    for words in ["NOT VERIFIED", "test-result", "bundle", "legacy", "notation", "hint /VDyHy/H"] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    let document = kit(&scene.sandbox, &["inspect", "--trust", &name, "--format", "json"]).ok().json();
    assert_eq!(document["verified"], false);
    assert_eq!(document["signatures"].as_array().unwrap().len(), 4);
}
