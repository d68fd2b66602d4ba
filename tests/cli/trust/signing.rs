//! `kit sign` and `kit verify NAME`: places, forms, repetition, and registries that fail.

use serde_json::{Value, json};

use super::scene::{Scene, key, kit};
use kit_testkit::registry::Fault;
use kit_testkit::sandbox::{Run, Sandbox};

const KEYS: [(&str, &str); 5] = [
    ("test-cosign.key", "test-cosign.pub"),
    ("test-p384.key.pem", "test-p384.pub.pem"),
    ("test-cosign-ed25519.key", "test-ed25519.pub.pem"),
    ("test-rsa2048.pkcs1.pem", "test-rsa2048.pub.pem"),
    ("test-p256.sec1.pem", "test-p256.pub.pem"),
];

fn sign(sandbox: &Sandbox, name: &str, private: &str, flags: &[&str]) -> Run {
    kit(sandbox, &[&["sign", name, "--key", &key(private)], flags].concat())
}

fn verify(sandbox: &Sandbox, name: &str, public: &str, flags: &[&str]) -> Run {
    kit(sandbox, &[&["verify", name, "--key", &key(public)], flags].concat())
}

#[test]
fn every_kind_of_key_signs_once() {
    let sandbox = Sandbox::packed();
    for (private, public) in KEYS {
        verify(&sandbox, "sample:v1", public, &[]).exits(1).says("`sample:v1` is not signed");
        let first = sign(&sandbox, "sample:v1", private, &["--format", "json"]).ok().json();
        assert_eq!(first["signatures"][0]["new"], true);
        let before = sandbox.tree("kit/store");
        let again = sign(&sandbox, "sample:v1", private, &["--format", "json"]).ok().json();
        assert_eq!(again["signatures"][0]["new"], false);
        assert_eq!(again["signatures"][0]["manifest"], first["signatures"][0]["manifest"]);
        assert_eq!(sandbox.tree("kit/store"), before);
        verify(&sandbox, "sample:v1", public, &[]).ok().prints("  signed    ");
    }
}

#[test]
fn annotations_are_signed_and_can_be_required() {
    let sandbox = Sandbox::packed();
    sign(&sandbox, "sample:v1", "test-cosign.key", &["-a", "env=prod", "-a", "team=nlp", "--as", "both"]).ok();
    let run = verify(&sandbox, "sample:v1", "test-cosign.pub", &["-a", "env=prod"]).ok();
    assert_eq!(run.stdout.matches("env=prod, team=nlp").count(), 2, "{}", run.stdout);
    verify(&sandbox, "sample:v1", "test-cosign.pub", &["-a", "env=test"]).exits(1).says("no annotation `env=test`");
    kit(&sandbox, &["sign", "sample:v1", "--key", "x", "-a", "no"]).exits(2);
}

#[test]
fn a_signature_is_written_where_the_modelkit_is_and_travels_with_it() {
    let scene = Scene::new(true);
    let (name, _) = scene.put("team/net");
    let run = sign(&scene.sandbox, &name, "test-cosign.key", &["--as", "both"]).ok();
    run.says("stored in the registry");
    verify(&scene.sandbox, &name, "test-cosign.pub", &[]).ok().prints("bundle").prints("legacy");
    kit(&scene.sandbox, &["pull", &name]).ok();
    sign(&scene.sandbox, &name, "test-p256.key.pem", &["--as", "both"]).ok().says("stored in the local store");
    verify(&scene.sandbox, &name, "test-p256.pub.pem", &["--remote"]).exits(1);
    kit(&scene.sandbox, &["push", &name]).ok();
    for public in ["test-p256.pub.pem", "test-cosign.pub"] {
        verify(&scene.sandbox, &name, public, &["--remote"]).ok().prints("bundle").prints("legacy");
    }
    let layout = scene.copy_to_layout(&name, "layout");
    sign(&scene.sandbox, &layout, "test-p384.key.pem", &["--as", "legacy"]).ok().says("stored in `");
    for public in ["test-p256.pub.pem", "test-cosign.pub", "test-p384.pub.pem"] {
        verify(&scene.sandbox, &layout, public, &[]).ok();
    }
    sign(&scene.sandbox, &name, "test-p384.key.pem", &["--remote"]).ok();
    verify(&scene.sandbox, &name, "test-p384.pub.pem", &["--remote"]).ok();
    verify(&scene.sandbox, &name, "test-p384.pub.pem", &[]).exits(1);
    kit(&scene.sandbox, &["list", &name.replace(":v2", "")]).ok();
    let tags = kit(&scene.sandbox, &["list", &name.replace(":v2", ""), "--format", "json"]).ok().stdout;
    assert!(!tags.contains(".sig"), "{tags}");
}

#[test]
fn an_old_signature_keeps_those_of_others_and_is_written_once() {
    let scene = Scene::new(false);
    let (name, digest) = scene.put("team/net");
    let tag = format!("{}.sig", digest.replace(':', "-"));
    let layers = || -> Vec<Value> {
        let (_, bytes) = scene.registry.manifest("team/net", &tag).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["layers"].as_array().unwrap().clone()
    };
    sign(&scene.sandbox, &name, "test-cosign.key", &["--as", "legacy"]).ok();
    assert_eq!(layers().len(), 1);
    sign(&scene.sandbox, &name, "test-cosign.key", &["--as", "legacy"]).ok().prints("Already signed");
    assert_eq!(layers().len(), 1);
    sign(&scene.sandbox, &name, "test-p256.key.pem", &["--as", "legacy"]).ok();
    assert_eq!(layers().len(), 2);
    let (_, bytes) = scene.registry.manifest("team/net", &tag).unwrap();
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(manifest.get("artifactType"), None);
    let config = scene.registry.blob(manifest["config"]["digest"].as_str().unwrap()).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["history"].as_array().unwrap().len(), 2);
    assert_eq!(config["rootfs"]["diff_ids"][0], layers()[0]["digest"]);
    for public in ["test-cosign.pub", "test-p256.pub.pem"] {
        verify(&scene.sandbox, &name, public, &[]).ok().prints("legacy");
    }
}

#[test]
fn two_signers_at_once_both_leave_a_signature() {
    for has_referrers_api in [true, false] {
        let scene = Scene::new(has_referrers_api);
        let (name, _) = scene.put("team/net");
        kit(&scene.sandbox, &["pull", &name]).ok();
        for place in [&["--remote"][..], &[]] {
            let begin = |private: &str| {
                let private = key(private);
                let arguments = [&["sign", &name, "--as", "both", "--key", &private], place].concat();
                scene.sandbox.command(&arguments).env("COSIGN_PASSWORD", "test-password").spawn().unwrap()
            };
            let running = [begin("test-cosign.key"), begin("test-p256.key.pem"), begin("test-p384.key.pem")];
            for mut signer in running {
                assert!(signer.wait().unwrap().success());
            }
            for public in ["test-cosign.pub", "test-p256.pub.pem", "test-p384.pub.pem"] {
                verify(&scene.sandbox, &name, public, place).ok().prints("bundle").prints("legacy");
            }
        }
    }
}

#[test]
fn the_bundle_can_be_written_to_a_file() {
    let sandbox = Sandbox::packed();
    sign(&sandbox, "sample:v1", "test-cosign.key", &["--bundle", "out.json"]).ok();
    let bundle: Value = serde_json::from_str(&sandbox.read("out.json")).unwrap();
    assert_eq!(bundle["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    let hint = &bundle["verificationMaterial"]["publicKey"]["hint"];
    assert_eq!(hint, "/VDyHy/HOJLbCCAAweTohSWskEG9DidqMB8yYyHnSkU=");
    assert_eq!(bundle["dsseEnvelope"]["signatures"].as_array().unwrap().len(), 1);
    assert_eq!(bundle["dsseEnvelope"]["signatures"][0].get("keyid"), None);
}

#[test]
fn an_index_is_signed_as_itself_and_its_members_on_request() {
    let sandbox = Sandbox::packed();
    kit(&sandbox, &["index", "create", "sample:all", "sample:v1"]).ok();
    sign(&sandbox, "sample:all", "test-cosign.key", &[]).ok();
    verify(&sandbox, "sample:all", "test-cosign.pub", &[]).ok();
    verify(&sandbox, "sample:v1", "test-cosign.pub", &[]).exits(1);
    let run = sign(&sandbox, "sample:all", "test-cosign.key", &["--recursive"]).ok();
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    verify(&sandbox, "sample:v1", "test-cosign.pub", &[]).ok();
}

#[test]
fn a_folder_is_compared_after_the_signature_of_its_modelkit() {
    let sandbox = Sandbox::packed();
    kit(&sandbox, &["unpack", "sample:v1", "-d", "out"]).ok();
    verify(&sandbox, "sample:v1", "test-cosign.pub", &[]).exits(1);
    let with_key = ["verify", "out", "sample:v1", "--key", &key("test-cosign.pub")];
    kit(&sandbox, &with_key).exits(1).says("`sample:v1` is not signed");
    sign(&sandbox, "sample:v1", "test-cosign.key", &[]).ok();
    kit(&sandbox, &with_key).ok().says("signed    ecdsa-p256 fd50f21f2fc7").says("out matches `sample:v1`");
    sandbox.write("out/src/train.py", "changed");
    kit(&sandbox, &with_key).exits(3);
}

#[test]
fn a_name_without_a_key_is_wrong_usage() {
    let sandbox = Sandbox::packed();
    kit(&sandbox, &["verify", "sample:v1"]).exits(2).says("nothing says whose signature");
    let public = key("test-cosign.pub");
    kit(&sandbox, &["verify", "sample:v1", "--key", &public, "--type", "no such"]).exits(2);
    kit(&sandbox, &["verify", "sample:v1", "--key", &public, "--exact"]).exits(2);
    kit(&sandbox, &["verify", "project", "--key", &public]).exits(2).says("kit verify FOLDER NAME:TAG --key FILE");
}

#[test]
fn an_ed25519_key_signs_bundles_only() {
    let sandbox = Sandbox::packed();
    for form in ["legacy", "both"] {
        sign(&sandbox, "sample:v1", "test-ed25519.key.pem", &["--as", form]).exits(1).says("Ed25519 keys cannot sign");
    }
    verify(&sandbox, "sample:v1", "test-ed25519.pub.pem", &[]).exits(1).says("no signatures and no attestations");
}

#[test]
fn a_registry_that_fails_is_not_an_unsigned_modelkit() {
    let scene = Scene::new(true);
    let (name, digest) = scene.put("team/net");
    sign(&scene.sandbox, &name, "test-cosign.key", &["--as", "both"]).ok();
    let bundle = scene.registry.requests_of("PUT", "/manifests/sha256:")[0].target.clone();
    let bundle = bundle.rsplit('/').next().unwrap().to_owned();
    let tag = format!("manifests/{}.sig", digest.replace(':', "-"));
    for part in ["/referrers/", &tag, &bundle] {
        for status in [500, 403] {
            scene.registry.fail("GET", part, Fault::Status(status, Vec::new()));
            let run = verify(&scene.sandbox, &name, "test-cosign.pub", &["--retry-for", "0s"]).fails();
            run.says("could not find out if");
            scene.registry.heal();
        }
    }
    verify(&scene.sandbox, &name, "test-cosign.pub", &[]).ok();
}

#[test]
fn a_remote_signature_is_verified_with_six_requests() {
    for has_referrers_api in [true, false] {
        let scene = Scene::new(has_referrers_api);
        let (name, _) = scene.put("team/net");
        sign(&scene.sandbox, &name, "test-cosign.key", &[]).ok();
        scene.registry.forget_requests();
        verify(&scene.sandbox, &name, "test-cosign.pub", &[]).ok();
        let requests = scene.registry.log();
        assert!(requests.len() <= 6, "{requests:#?}");
    }
}

#[test]
fn a_referrer_that_is_missing_or_damaged_does_not_hide_the_others() {
    let scene = Scene::new(false);
    let (name, digest) = scene.put("team/net");
    sign(&scene.sandbox, &name, "test-cosign.key", &[]).ok();
    let tag = digest.replace(':', "-");
    let (kind, bytes) = scene.registry.manifest("team/net", &tag).unwrap();
    let mut index: Value = serde_json::from_slice(&bytes).unwrap();
    let mut forged = index["manifests"][0].clone();
    forged["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    index["manifests"].as_array_mut().unwrap().insert(0, forged);
    scene.registry.add_manifest("team/net", &tag, &kind, index.to_string().as_bytes());
    verify(&scene.sandbox, &name, "test-cosign.pub", &[]).ok().prints("1 invalid document");
}
