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

/// Expects both signatures of the first key, and those of the second one either whole or not at all.
fn expect_whole(sandbox: &Sandbox, name: &str) {
    let args = ["verify", name, "--key", &key("test-cosign.pub"), "--format", "json"];
    let document = kit(sandbox, &args).ok().json();
    let signatures = document["signatures"].as_array().unwrap();
    let (counted, others): (Vec<_>, Vec<_>) = signatures.iter().partition(|signature| signature["reason"].is_null());
    assert_eq!(counted.len(), 2, "{document}");
    let is_whole = |reason: &str| reason.starts_with("signed by another key");
    assert!(others.iter().all(|other| other["reason"].as_str().is_some_and(is_whole)), "{document}");
}

#[test]
fn a_killed_signer_leaves_a_sound_store() {
    let sandbox = Sandbox::packed();
    kit(&sandbox, &["sign", "sample:v1", "--as", "both", "--key", &key("test-cosign.key")]).ok();
    for milliseconds in (0..60).step_by(4) {
        sign_and_kill(&sandbox, "sample:v1", Duration::from_millis(milliseconds));
        kit(&sandbox, &["fsck"]).ok();
        expect_whole(&sandbox, "sample:v1");
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
            expect_whole(&scene.sandbox, &name);
        }
    }
}
