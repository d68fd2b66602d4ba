//! Signing that is interrupted: the ModelKit has the old or the new signatures, and no half of one.

use std::time::Duration;

use super::scene::{PASSWORD, Scene, key, kit};
use kit_testkit::registry::Fault;
use kit_testkit::sandbox::Sandbox;

fn sign_and_kill(sandbox: &Sandbox, name: &str, after: Duration) {
    let path = key("test-p256.key.pem");
    let mut command = sandbox.command(&["sign", name, "--as", "both", "--key", &path]);
    let mut running = command.env("COSIGN_PASSWORD", PASSWORD).spawn().unwrap();
    std::thread::sleep(after);
    // It may be done already.
    drop(running.kill());
    running.wait().unwrap();
}

#[test]
fn a_killed_signer_leaves_a_sound_store() {
    let sandbox = Sandbox::packed();
    kit(&sandbox, &["sign", "sample:v1", "--as", "both", "--key", &key("test-cosign.key")]).ok();
    for milliseconds in (0..60).step_by(4) {
        sign_and_kill(&sandbox, "sample:v1", Duration::from_millis(milliseconds));
        kit(&sandbox, &["fsck"]).ok();
        let args = ["verify", "sample:v1", "--key", &key("test-cosign.pub"), "--format", "json"];
        let document = kit(&sandbox, &args).ok().json();
        let signatures = document["signatures"].as_array().unwrap();
        let is_whole = |reason: &str| reason.starts_with("signed by another key");
        let reasons = signatures.iter().filter_map(|signature| signature["reason"].as_str());
        assert!(reasons.into_iter().all(is_whole), "{document}");
    }
    kit(&sandbox, &["sign", "sample:v1", "--as", "both", "--key", &key("test-p256.key.pem")]).ok();
    for public in ["test-p256.pub.pem", "test-cosign.pub"] {
        kit(&sandbox, &["verify", "sample:v1", "--key", &key(public)]).ok().prints("bundle").prints("legacy");
    }
}

#[test]
fn a_registry_keeps_the_old_signatures_until_the_new_manifest_arrives() {
    for has_referrers_api in [true, false] {
        let scene = Scene::new(has_referrers_api);
        let (name, _) = scene.put("team/net");
        kit(&scene.sandbox, &["sign", &name, "--as", "both", "--key", &key("test-cosign.key")]).ok();
        for part in ["/blobs/", "/manifests/"] {
            scene.registry.fail("PUT", part, Fault::NoAnswer);
            sign_and_kill(&scene.sandbox, &name, Duration::from_millis(500));
            scene.registry.heal();
            let verify = |public: &str| kit(&scene.sandbox, &["verify", &name, "--key", &key(public)]);
            verify("test-cosign.pub").ok().prints("bundle").prints("legacy");
            verify("test-p256.pub.pem").exits(1);
        }
    }
}
