//! Signatures and attestations of cosign, and damaged ones: each in a registry with the referrers API and in one
//! without.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

use super::scene::{MANIFEST, Scene, golden, key, kit};

#[derive(Deserialize)]
struct Golden {
    modelkit: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "case")]
    name: String,
    verify_with: BTreeMap<String, String>,
    verdict: String,
    beside: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    manifest: String,
    stored_as: String,
    blobs: BTreeMap<String, String>,
}

/// The words of the reason for each case that is refused.
const REASONS: [(&str, &str); 23] = [
    ("bundle-certificate-other-identity", "the certificate is of `ada@models.example`, not of `eve@models.example`"),
    ("bundle-p521", "curve P-521 are not supported"),
    ("bundle-ed25519ph", "signed by another key, or changed afterwards"),
    ("attestation-is-no-signature", "there is 1 attestation by this key, which is not a signature"),
    ("unsigned", "has no signatures and no attestations"),
    ("bad-wrong-key", "signed by another key"),
    ("bad-other-subject", "it is of sha256:"),
    ("bad-no-subject", "it is of no manifest"),
    ("bad-sha512-only", "it is of no manifest"),
    ("bad-uppercase-digest", "not 64 lower-case hexadecimal digits"),
    ("bad-payload-changed", "changed afterwards"),
    ("bad-payload-type", "its payload has the type"),
    ("bad-statement-type", "its statement has the type"),
    ("bad-bundle-version-0.2", "a bundle of a version that"),
    ("bad-no-media-type", "a bundle of a version that"),
    ("bad-duplicate-member", "occurs twice"),
    ("bad-base64", "not valid base64"),
    ("bad-two-layers", "its manifest has 2 layers instead of one"),
    ("legacy-bad-digest", "it is of sha256:"),
    ("legacy-bad-signature", "signed by another key"),
    ("legacy-bad-swapped", "signed by another key, or changed afterwards"),
    ("legacy-bad-type", "its payload has the type"),
    ("legacy-bad-media-type", "its layer has the type"),
];

/// Puts the documents of a case beside the ModelKit, and returns its name.
fn put(scene: &Scene, golden: &Golden, case: &Case) -> String {
    let repository = format!("team/{}", case.name);
    let (name, digest) = scene.put(&repository);
    assert_eq!(digest, golden.modelkit);
    for (number, document) in case.beside.iter().enumerate() {
        for (digest, text) in &document.blobs {
            assert_eq!(&scene.registry.add_blob_to(&repository, text.as_bytes()), digest);
        }
        scene.registry.add_blob_to(&repository, b"{}");
        match document.stored_as.strip_prefix("tag ") {
            Some(tag) => drop(scene.registry.add_manifest(&repository, tag, MANIFEST, document.manifest.as_bytes())),
            None => scene.put_referrer(&repository, &digest, document.manifest.as_bytes(), number),
        }
    }
    name
}

fn check(scene: &Scene, name: &str, case: &Case) {
    let file = |flag: &str| case.verify_with.get(flag).map(|name| key(name));
    let (public_key, trusted_root) = (file("key"), file("trusted_root"));
    let mut args = vec!["verify", name];
    args.extend(public_key.iter().flat_map(|file| ["--key", file]));
    args.extend(trusted_root.iter().flat_map(|file| ["--trusted-root", file]));
    args.extend(case.verify_with.get("identity").into_iter().flat_map(|san| ["--certificate-identity", san]));
    args.extend(case.verify_with.get("attestation").into_iter().flat_map(|kind| ["--type", kind]));
    let run = kit(&scene.sandbox, &args);
    if case.verdict == "accept" {
        let word = if case.verify_with.contains_key("attestation") { "  attested  " } else { "  signed    " };
        run.exits(0).prints(word);
        return;
    }
    let run = run.exits(1);
    let reason = REASONS.iter().find(|(case_name, _)| *case_name == case.name).map(|(_, reason)| *reason);
    let reason = reason.or((case.name == "legacy-bad-json").then_some("its payload is not valid")).unwrap();
    assert_eq!(run.stdout, "");
    run.says(reason);
}

#[test]
fn signatures_of_cosign_count_and_damaged_ones_do_not() {
    let bytes = fs_err::read(golden().join("oci.json")).unwrap();
    let golden: Golden = serde_json::from_slice(&bytes).unwrap();
    for has_referrers_api in [true, false] {
        let scene = Scene::new(has_referrers_api);
        let mut checked = 0;
        for case in &golden.cases {
            let name = put(&scene, &golden, case);
            check(&scene, &name, case);
            checked += 1;
        }
        assert_eq!(checked, 47);
    }
}

#[test]
fn they_count_in_a_layout_and_in_the_local_store_as_well() {
    let bytes = fs_err::read(golden().join("oci.json")).unwrap();
    let golden: Golden = serde_json::from_slice(&bytes).unwrap();
    let scene = Scene::new(true);
    let chosen = ["bundle-p256", "legacy-p256", "legacy-as-referrer", "attestation-legacy", "legacy-bad-swapped"];
    for case in golden.cases.iter().filter(|case| chosen.contains(&case.name.as_str())) {
        let name = put(&scene, &golden, case);
        let layout = scene.copy_to_layout(&name, &case.name);
        check(&scene, &layout, case);
        kit(&scene.sandbox, &["pull", &name]).ok();
        scene.registry.forget_requests();
        check(&scene, &name, case);
        assert_eq!(scene.registry.requests().len(), 0, "{name} is in the local store");
    }
}

#[test]
fn a_signature_under_another_name_counts_and_says_so() {
    let bytes = fs_err::read(golden().join("oci.json")).unwrap();
    let golden: Golden = serde_json::from_slice(&bytes).unwrap();
    let scene = Scene::new(true);
    let case = golden.cases.iter().find(|case| case.name == "legacy-other-repository").unwrap();
    let name = put(&scene, &golden, case);
    kit(&scene.sandbox, &["verify", &name, "--key", &key("test-p256.pub.pem")]).ok().prints("signed as `");
}

#[test]
fn the_document_has_an_entry_for_every_candidate() {
    let bytes = fs_err::read(golden().join("oci.json")).unwrap();
    let golden: Golden = serde_json::from_slice(&bytes).unwrap();
    let scene = Scene::new(true);
    let case = golden.cases.iter().find(|case| case.name == "own-second-referrer").unwrap();
    let name = put(&scene, &golden, case);
    let run = kit(&scene.sandbox, &["verify", &name, "--key", &key("test-p256.pub.pem"), "--format", "json"]).ok();
    let document = run.json();
    assert_eq!((&document["verified"], &document["digest"]), (&Value::Bool(true), &Value::from(&*golden.modelkit)));
    let signatures = document["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 2);
    let counted: Vec<_> = signatures.iter().filter(|signature| signature["reason"].is_null()).collect();
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0]["signer"]["key"], "ecdsa-p256 ebb9f3299385");
    let other = key("test-p384.pub.pem");
    let refused = kit(&scene.sandbox, &["verify", &name, "--key", &other, "--format", "json"]).exits(1);
    assert_eq!(refused.json()["verified"], false);
}
