//! Keyless signatures and attestations in the form of cosign 2: layers of the manifests under `sha256-….sig` and
//! `.att`.

use serde_json::{Value, json};

use super::guarded::Guarded;
use super::keyless::{FLAGS, REPOSITORY, require, statement};
use super::scene::{MANIFEST, Scene, kit};
use kit_testkit::keyless::{Confirmed, Entry, IDENTITY, ISSUER, Service};

const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The payload of cosign 2 for a manifest.
fn payload(digest: &str) -> Vec<u8> {
    let identity = json!({ "docker-reference": "registry.example/team/net" });
    let image = json!({ "docker-manifest-digest": digest });
    let kind = "cosign container image signature";
    json!({ "critical": { "identity": identity, "image": image, "type": kind }, "optional": null }).to_string().into()
}

/// Puts a companion with one layer beside a manifest.
fn attach(scene: &Scene, digest: &str, (suffix, media_type): (&str, &str), (bytes, annotations): &(Vec<u8>, Value)) {
    let (blob, config) = (scene.registry.add_blob_to(REPOSITORY, bytes), scene.registry.add_blob_to(REPOSITORY, b"{}"));
    let config_type = "application/vnd.oci.image.config.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": config_type, "digest": config, "size": 2 },
        "layers": [{ "mediaType": media_type, "digest": blob, "size": bytes.len(), "annotations": annotations }],
    });
    let tag = format!("{}{suffix}", digest.replace(':', "-"));
    scene.registry.add_manifest(REPOSITORY, &tag, MANIFEST, manifest.to_string().as_bytes());
}

fn sign(service: &Service, digest: &str, confirmed: &Confirmed) -> (Vec<u8>, Value) {
    service.sign_layer(&payload(digest), &Confirmed { entry: Some(Entry::Payload), ..confirmed.clone() })
}

#[test]
fn a_signature_of_cosign_2_is_verified_offline() {
    let (scene, service) = (Scene::new(true), Service::new());
    let (name, digest) = scene.put(REPOSITORY);
    scene.sandbox.write("root.json", service.trusted_root().to_string());
    let verify = |flags: &[&str]| kit(&scene.sandbox, &[&["verify", &name, "--remote"], flags].concat());
    attach(&scene, &digest, (".sig", PAYLOAD), &sign(&service, &digest, &Confirmed::default()));
    verify(&FLAGS).ok().prints(&format!("signed    {IDENTITY} ({ISSUER})   legacy"));
    let other = ["--certificate-identity", "ada", "--certificate-oidc-issuer", ISSUER, "--trusted-root", "root.json"];
    verify(&other).exits(1).says(&format!("its certificate is of `{IDENTITY}`, not of `ada`"));
    // It travels, and is verified in the store.
    kit(&scene.sandbox, &["pull", &name]).ok();
    kit(&scene.sandbox, &[&["verify", &name], &FLAGS[..]].concat()).ok();
    // A valid signature of another ModelKit.
    let moved = sign(&service, &format!("sha256:{}", "0".repeat(64)), &Confirmed::default());
    attach(&scene, &digest, (".sig", PAYLOAD), &moved);
    verify(&FLAGS).exits(1).says("it is of sha256:000000");
    attach(
        &scene,
        &digest,
        (".sig", PAYLOAD),
        &sign(&service, &digest, &Confirmed { logged_after: 700, ..Confirmed::default() }),
    );
    verify(&FLAGS).exits(1).says("or it was not valid when it was used");
}

#[test]
fn an_attestation_of_cosign_2_is_printed_and_is_not_a_signature() {
    let (scene, service) = (Scene::new(true), Service::new());
    let (name, digest) = scene.put(REPOSITORY);
    scene.sandbox.write("root.json", service.trusted_root().to_string());
    let kind = "https://in-toto.io/attestation/test-result/v0.1";
    let attestation = statement(&digest, kind, &json!({ "result": "PASSED" }));
    attach(&scene, &digest, (".att", ENVELOPE), &service.sign_layer(&attestation, &Confirmed::default()));
    let get = ["attest", &name, "--remote", "--get", "test-result"];
    kit(&scene.sandbox, &[&get[..], &FLAGS].concat()).ok().prints("PASSED");
    let verify = ["verify", &name, "--remote"];
    kit(&scene.sandbox, &[&verify[..], &FLAGS, &["--type", "test-result"]].concat()).ok();
    kit(&scene.sandbox, &[&verify[..], &FLAGS].concat()).exits(1).says("is not signed");
}

#[test]
fn a_rule_decides_if_signatures_of_cosign_2_count() {
    let (guarded, service) = (Guarded::unsigned(), Service::new());
    let issuer = format!("issuer = '{ISSUER}'");
    require(&guarded, &service, &issuer);
    let other = Confirmed { identity: "ada@models.example".to_owned(), ..Confirmed::default() };
    attach(&guarded.scene, &guarded.digest, (".sig", PAYLOAD), &sign(&service, &guarded.digest, &other));
    guarded.is_refused("1 invalid signature: its certificate is of `ada@models.example`, not of");
    let signature = sign(&service, &guarded.digest, &Confirmed::default());
    attach(&guarded.scene, &guarded.digest, (".sig", PAYLOAD), &signature);
    kit(guarded.sandbox(), &["pull", &guarded.name]).ok();
    kit(guarded.sandbox(), &["remove", &guarded.name]).ok();
    let policy = guarded.sandbox().read("kit/policy.toml");
    guarded.sandbox().write("kit/policy.toml", format!("{policy}legacy = false\n"));
    guarded.is_refused("no signature of `ci`");
}
