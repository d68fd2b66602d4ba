//! `kit promote` with a policy for the destination: the checklist, and signed records in the log.

use serde_json::{Value, json};

use crate::trust::scene::{Scene, key, kit};
use kit_testkit::sandbox::Sandbox;

const RELEASE: &str = "test-cosign.key";
const ADA: &str = "test-p256.key.pem";

/// A registry with `team/sample:v1`, whose owners are known, and a policy for `production/`.
struct Release {
    scene: Scene,
    source: String,
    target: String,
}

impl Release {
    fn new() -> Self {
        let scene = Scene::new(true);
        let host = scene.registry.host().to_owned();
        scene.sandbox.project();
        scene.sandbox.write("project/KITOWNERS", "* @ml\ncode @company/sre role:sre\n");
        let (source, target) = (format!("{host}/team/sample:v1"), format!("{host}/production/sample:live"));
        kit(&scene.sandbox, &["pack", "project", "--push", &source]).ok();
        let (release, ada) = (key("test-cosign.pub"), key("test-p256.pub.pem"));
        let policy = format!(
            "version = 1\n[keys.release]\nfile = '{release}'\n[keys.ada]\nfile = '{ada}'\n\
             [[rule]]\nmatch = ['{host}/production/']\nsigned-by = {{ any = ['release'] }}\n\
             approvals = [{{ role = 'sre', signed-by = {{ any = ['ada'] }} }}]\n"
        );
        scene.sandbox.write("kit/policy.toml", policy);
        Self { scene, source, target }
    }

    fn sandbox(&self) -> &Sandbox {
        &self.scene.sandbox
    }

    fn sign(&self) {
        kit(self.sandbox(), &["sign", &self.source, "--key", &key(RELEASE), "--remote"]).ok();
    }

    fn approve(&self) {
        kit(self.sandbox(), &["approve", &self.source, "--as", "sre", "--key", &key(ADA), "--comment", "fine"]).ok();
    }

    fn repository(&self) -> &str {
        self.target.strip_suffix(":live").unwrap()
    }
}

#[test]
fn a_refused_promotion_lists_what_is_there_what_is_missing_and_whom_to_ask() {
    let release = Release::new();
    release.sign();
    release.scene.registry.forget_requests();
    for flags in [&[][..], &["--dry-run"]] {
        let args = [&["promote", &release.source, &release.target], flags].concat();
        let run = kit(release.sandbox(), &args).exits(1);
        let run =
            run.says("Checklist of the rule for `").says("  there     signed-by   signed by `release` (ecdsa-p256 ");
        let run = run
            .says("  missing   approval    sre: no approval by `ada` (ecdsa-p256 ")
            .says("; ask @company/sre, role:sre");
        run.says("error: cannot promote").says("the policy does not allow");
    }
    let writes = release.scene.registry.requests().into_iter().filter(|it| !["GET", "HEAD"].contains(&&*it.method));
    assert_eq!(writes.count(), 0);
    release.approve();
    let args = ["promote", &release.source, &release.target, "--dry-run", "--format", "json"];
    let plan = kit(release.sandbox(), &args).ok().json();
    let states: Vec<_> =
        plan["checklist"].as_array().unwrap().iter().map(|it| (&it["requirement"], &it["state"])).collect();
    let there = json!("there");
    let expected = [json!("signed-by"), json!("approval"), json!("recalled")];
    assert_eq!(states, expected.iter().map(|it| (it, &there)).collect::<Vec<_>>());
}

#[test]
fn a_signed_record_names_the_policy_and_the_log_verifies_it() {
    let release = Release::new();
    release.sign();
    release.approve();
    kit(release.sandbox(), &["promote", &release.source, &release.target, "--key", &key(RELEASE)]).ok();
    let log =
        |flags: &[&str]| kit(release.sandbox(), &[&["log", "--remote", release.repository()], flags].concat()).ok();
    let run = log(&[]).prints("  live: promoted 20").prints(&format!(" from {}", release.source));
    let run = run.prints(", allowed by policy ").prints("/production/` (signature not verified)");
    run.prints("  approved as sre 20").prints(": fine (signature not verified)");
    log(&["--key", &key("test-cosign.pub")])
        .prints("/production/` (signed by `")
        .prints(": fine (signed by another key)");
    let both = ["--key", &key("test-cosign.pub"), "--key", &key("test-p256.pub.pem"), "--format", "json"];
    let version: Value = log(&both).json()[0].clone();
    let promotion = &version["promotions"][0];
    assert_eq!((&promotion["signed"], &promotion["policies"][0]["verdict"]), (&json!(true), &json!("allowed")));
    assert!(promotion["signer"].as_str().unwrap().contains("fd50f21f2fc7"), "{promotion}");
    let notice = &version["notices"][0];
    assert_eq!((&notice["type"], &notice["role"]), (&json!("approval"), &json!("sre")));
    let args = ["attest", &release.target, "--remote", "--key", &key("test-cosign.pub"), "--get", "promotion"];
    let predicate = kit(release.sandbox(), &args).ok().json();
    assert_eq!((&predicate["target"], &predicate["action"]), (&json!(release.target), &json!("promote")));
}

#[test]
fn a_rollback_reads_signed_and_unsigned_records() {
    let scene = Scene::new(true);
    let sandbox = &scene.sandbox;
    sandbox.project();
    let host = scene.registry.host();
    let (source, target) = (format!("{host}/team/sample"), format!("{host}/production/sample:live"));
    let mut digests = Vec::new();
    for (tag, flags) in [("v1", &[][..]), ("v2", &["--key", &key(RELEASE)]), ("v3", &[])] {
        sandbox.write("project/README.md", tag);
        let name = format!("{source}:{tag}");
        digests.push(kit(sandbox, &["pack", "project", "--push", &name]).ok().digest());
        kit(sandbox, &[&["promote", &name, &target], flags].concat()).ok();
    }
    let back = |flags: &[&str]| kit(sandbox, &[&["promote", "--rollback", &target, "--quiet"], flags].concat()).ok();
    assert_eq!(back(&["--key", &key(RELEASE)]).stdout.trim(), digests[1]);
    let log = kit(sandbox, &["log", "--remote", &target, "--key", &key("test-cosign.pub")]).ok();
    log.prints("  live: rolled back 20").prints("(signed by `");
    // The signed rollback is undone, and then the signed promotion.
    assert_eq!(back(&[]).stdout.trim(), digests[2]);
}

#[test]
fn a_promotion_carries_forms_signatures_attestations_approvals_and_recalls() {
    let scene = Scene::new(true);
    let sandbox = &scene.sandbox;
    sandbox.project();
    let host = scene.registry.host();
    let (source, target) = (format!("{host}/team/sample:v1"), format!("{host}/production/sample:live"));
    kit(sandbox, &["pack", "project", "-t", &source]).ok();
    kit(sandbox, &["push", &source, "--also", "modelpack", "--also", "image"]).ok();
    sandbox.write("result.json", r#"{"result":"PASSED"}"#);
    let (release, public) = (key(RELEASE), key("test-cosign.pub"));
    let forms = ["", "-modelpack", "-image"];
    for form in forms {
        let name = format!("{source}{form}");
        kit(sandbox, &["sign", &name, "--remote", "--key", &release]).ok();
        kit(sandbox, &["approve", &name, "--as", "sre", "--key", &release]).ok();
    }
    let attest =
        ["attest", &source, "--remote", "--key", &release, "--type", "test-result", "--predicate", "result.json"];
    kit(sandbox, &attest).ok();
    kit(sandbox, &["recall", &source, "--key", &release, "--reason", "x"]).ok();
    kit(sandbox, &["promote", &source, &target]).ok().says("was recalled on");
    for form in forms {
        let name = format!("{target}{form}");
        kit(sandbox, &["verify", &name, "--remote", "--key", &public]).ok();
        for kind in ["approval", "recall"] {
            kit(sandbox, &["attest", &name, "--remote", "--key", &public, "--get", kind]).ok();
        }
    }
    kit(sandbox, &["attest", &target, "--remote", "--key", &public, "--get", "test-result"]).ok();
}
