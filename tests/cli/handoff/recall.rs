//! `kit recall` and `kit recalled`: notices are shown, and refused where a policy says so.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::trust::guarded::Guarded;
use crate::trust::scene::{PASSWORD, Scene, key, kit};
use kit_testkit::sandbox::{Run, Sandbox};

const RELEASE: &str = "test-cosign.key";
const OTHER: &str = "test-p256.key.pem";
const REASON: &str = "labels were swapped";

fn recall(sandbox: &Sandbox, name: &str, private: &str, flags: &[&str]) -> Run {
    kit(sandbox, &[&["recall", name, "--key", &key(private)], flags].concat())
}

/// Runs `kit recalled` with this text on standard input.
fn recalled(sandbox: &Sandbox, input: &str, args: &[&str]) -> Run {
    let input = fs_err::File::open(sandbox.write("input", input)).unwrap();
    let args = [&["recalled"], args].concat();
    let mut command = sandbox.command(&args);
    sandbox.run(command.env("COSIGN_PASSWORD", PASSWORD).stdin(Stdio::from(input.into_file())))
}

/// A registry with a ModelKit that was recalled by `private`, its name and its digest.
fn recalled_scene(has_referrers_api: bool, private: &str) -> (Scene, String, String) {
    let scene = Scene::new(has_referrers_api);
    let (name, digest) = scene.put("team/net");
    let instead = format!("{}/team/net:v3", scene.registry.host());
    recall(&scene.sandbox, &name, private, &["--reason", REASON, "--instead", &instead]).ok().prints(&digest);
    (scene, name, digest)
}

#[test]
fn a_recall_is_shown_where_no_policy_decides() {
    for has_referrers_api in [true, false] {
        let (scene, name, _) = recalled_scene(has_referrers_api, RELEASE);
        let sandbox = &scene.sandbox;
        let host = scene.registry.host();
        let notice = format!("warning: `{name}` was recalled on 20");
        let rest =
            format!(": {REASON}; use {host}/team/net:v3 instead (not verified: no policy says whose recalls count)");
        let copy = format!("{host}/elsewhere/net:v2");
        kit(sandbox, &["pull", &name]).ok().says(&notice).says(&rest);
        for args in [
            &["unpack", &name, "--remote", "-d", "out"][..],
            &["unpack", &name, "-d", "out", "--overwrite"],
            &["unpack", &name, "-d", "other", "--dry-run"],
            &["promote", &name, &copy],
            &["list", &format!("{host}/team/net")],
        ] {
            let run = kit(sandbox, args).ok().says(&notice).says(&rest);
            assert_eq!(run.stderr.matches("was recalled").count(), 1, "{args:?}: {}", run.stderr);
        }
        // The notice travels with the copy.
        kit(sandbox, &["pull", &copy]).ok().says("was recalled on");
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs a pseudo terminal of Unix")]
fn a_registry_lists_the_versions_that_were_recalled() {
    let (scene, name, digest) = recalled_scene(true, RELEASE);
    let repository = name.strip_suffix(":v2").unwrap();
    let listed = kit(&scene.sandbox, &["list", repository, "--format", "json"]).ok().json();
    assert_eq!((&listed[0]["digest"], &listed[0]["recalled"]), (&json!(digest), &json!(true)));
    assert_eq!(
        (&listed[0]["recalls"][0]["reason"], &listed[0]["recalls"][0]["verified"]),
        (&json!(REASON), &json!(false))
    );
    let terminal = scene.sandbox.on_terminal(160, &["list", repository]);
    assert!(terminal.contains("RECALLED") && terminal.contains("yes"), "{terminal}");
    recall(&scene.sandbox, &name, RELEASE, &["--undo"]).ok();
    let listed = kit(&scene.sandbox, &["list", repository, "--format", "json"]).ok().json();
    assert_eq!((&listed[0]["recalled"], &listed[0]["recalls"]), (&json!(false), &json!([])));
    let terminal = scene.sandbox.on_terminal(160, &["list", repository]);
    assert!(!terminal.contains("RECALLED"), "{terminal}");
}

#[test]
fn a_policy_refuses_what_its_keys_recalled() {
    let guarded = Guarded::new();
    let (sandbox, name) = (guarded.sandbox(), &guarded.name);
    kit(sandbox, &["pull", name]).ok();
    let instead = format!("{}/production/net:v3", guarded.host());
    recall(sandbox, name, RELEASE, &["--reason", REASON, "--instead", &instead]).ok();
    guarded.is_refused("recalled on 20");
    let run = kit(sandbox, &["pull", name]).exits(1);
    run.says("`release` (ecdsa-p256 ").says(&format!(": {REASON}; use {instead} instead"));
    let run = kit(sandbox, &["unpack", name, "--remote", "-d", "x"]).exits(1);
    run.says(&format!("hint: use `{instead}` instead"));
    guarded.check(&[]).exits(1).prints("recalled");
    recall(sandbox, name, RELEASE, &["--undo"]).ok().prints("Withdrew the recall of");
    kit(sandbox, &["pull", name]).ok();
    guarded.check(&[]).ok().prints("not recalled by a key that counts");
    recall(sandbox, name, RELEASE, &["--reason", "again"]).ok();
    kit(sandbox, &["pull", name]).exits(1).says("again");
}

#[test]
fn a_recall_by_another_key_refuses_nothing() {
    let guarded = Guarded::new();
    let (sandbox, name) = (guarded.sandbox(), &guarded.name);
    recall(sandbox, name, OTHER, &["--reason", REASON]).ok();
    let run = kit(sandbox, &["pull", name]).ok();
    run.says(REASON).says("(signed by a key that may not recall it)");
    // Nor does a withdrawal by it.
    recall(sandbox, name, RELEASE, &["--reason", REASON]).ok();
    recall(sandbox, name, OTHER, &["--undo"]).ok();
    kit(sandbox, &["pull", name]).exits(1).says("recalled on");
    guarded.require("signed-by = { any = ['release'] }\nrecall-by = { any = ['other'] }");
    kit(sandbox, &["pull", name]).ok().says("(signed by a key that may not recall it)");
}

#[test]
fn a_rule_may_only_warn_of_recalls_or_ignore_them() {
    let guarded = Guarded::new();
    let (sandbox, name) = (guarded.sandbox(), &guarded.name);
    recall(sandbox, name, RELEASE, &["--reason", REASON]).ok();
    guarded.require("signed-by = { any = ['release'] }\nrecalled = 'warn'");
    kit(sandbox, &["pull", name]).ok().says("but its rule only warns").says(REASON);
    guarded.check(&[]).ok().prints("warned");
    guarded.require("signed-by = { any = ['release'] }\nrecalled = 'allow'");
    let run = kit(sandbox, &["pull", name]).ok();
    assert!(!run.stderr.contains("recalled"), "{}", run.stderr);
    guarded.require("mode = 'warn'\nsigned-by = { any = ['release'] }");
    kit(sandbox, &["pull", name]).ok().says("but its rule only warns").says(REASON);
}

#[test]
fn updating_a_pin_obeys_recalls() {
    let guarded = Guarded::new();
    let (sandbox, name) = (guarded.sandbox(), &guarded.name);
    let kitfile = format!("manifestVersion: 1.0.0\nmodel: {{name: m, path: \"{name}\"}}\n");
    sandbox.write("project/Kitfile", kitfile);
    kit(sandbox, &["update", "project", "--pin", "--dry-run"]).ok();
    recall(sandbox, name, OTHER, &["--reason", REASON]).ok();
    kit(sandbox, &["update", "project", "--pin", "--dry-run"]).ok().says("may not recall it");
    recall(sandbox, name, RELEASE, &["--reason", REASON]).ok();
    kit(sandbox, &["update", "project", "--pin", "--dry-run"]).exits(1).says("recalled on");
}

#[test]
fn looking_for_recalls_costs_a_pull_nothing() {
    let scene = Scene::new(true);
    let (name, _) = scene.put("team/net");
    kit(&scene.sandbox, &["sign", &name, "--key", &key(RELEASE)]).ok();
    scene.registry.forget_requests();
    kit(&scene.sandbox, &["pull", &name]).ok();
    let requests = scene.registry.requests_of("GET", "/referrers/");
    let subject = requests.iter().map(|request| &request.target).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(subject.len(), requests.len(), "{:?}", scene.registry.log());
}

#[test]
fn a_recall_reaches_the_other_forms() {
    let scene = Scene::new(true);
    let sandbox = &scene.sandbox;
    sandbox.project();
    let name = format!("{}/team/sample:v1", scene.registry.host());
    kit(sandbox, &["pack", "project", "-t", &name]).ok();
    kit(sandbox, &["push", &name, "--also", "modelpack", "--also", "image"]).ok();
    let receipt = recall(sandbox, &name, RELEASE, &["--reason", REASON, "--format", "json"]).ok().json();
    assert_eq!(receipt["signatures"].as_array().unwrap().len(), 3, "{receipt}");
    let image = kit(sandbox, &["inspect", "--remote", &format!("{name}-modelpack"), "--format", "json"]).ok().json();
    let running = format!("{}@{}", name.trim_end_matches(":v1"), image["digest"].as_str().unwrap());
    for deployed in [format!("{name}-image"), running] {
        recalled(sandbox, &deployed, &[]).exits(1).prints(REASON);
    }
    recall(sandbox, &name, RELEASE, &["--undo"]).ok();
    recalled(sandbox, &format!("{name}-image"), &[]).ok();
}

#[test]
fn the_members_of_a_recalled_index_are_recalled() {
    let sandbox = Sandbox::packed();
    kit(&sandbox, &["index", "create", "sample:all", "sample:v1"]).ok();
    let receipt = recall(&sandbox, "sample:all", RELEASE, &["--reason", REASON, "--format", "json"]).ok().json();
    assert_eq!(receipt["artifacts"].as_array().unwrap().len(), 2, "{receipt}");
    kit(&sandbox, &["unpack", "sample:v1", "-d", "out"]).ok().says("was recalled on");
}

#[test]
fn deployments_that_run_a_recalled_version_are_found() {
    let (scene, name, digest) = recalled_scene(true, RELEASE);
    let sandbox = &scene.sandbox;
    let repository = name.strip_suffix(":v2").unwrap();
    let (fine, fine_digest) = {
        sandbox.project();
        let fine = format!("{}/team/sample:v1", scene.registry.host());
        (fine.clone(), kit(sandbox, &["pack", "project", "--push", &fine]).ok().digest())
    };
    recalled(sandbox, &name, &[]).exits(1).prints(REASON).prints("not verified");
    recalled(sandbox, &format!("{repository}@{digest}"), &[]).exits(1);
    recalled(sandbox, &fine, &[]).ok();
    recalled(sandbox, &digest, &[]).exits(2).prints("name those to look in");
    recalled(sandbox, &digest, &[repository]).exits(1).says("1 reference: 1 recalled, 0 not known");
    recalled(sandbox, &format!("{digest} {fine_digest}"), &[repository]).exits(1).prints("no repository");
    recalled(sandbox, &fine_digest, &[repository]).exits(2);
    recalled(sandbox, "net:v1", &[]).exits(2).prints("neither a digest nor a name");
    recalled(sandbox, "{", &[]).exits(2).says("JSON");
    recalled(sandbox, "", &[]).ok().says("names no digest");
    let pods = json!({ "kind": "List", "items": [{
        "metadata": { "namespace": "shop", "name": "web-1" },
        "spec": {
            "containers": [{ "name": "app", "image": fine }],
            "volumes": [{ "name": "model", "image": { "reference": format!("{repository}@{digest}") } }],
        },
        "status": { "containerStatuses": [{ "name": "app", "imageID": format!("{fine}@{fine_digest}") }] },
    }] });
    let answers = recalled(sandbox, &pods.to_string(), &["--format", "json"]).exits(1).json();
    let of: Vec<_> = answers.as_array().unwrap().iter().map(|answer| (&answer["recalled"], &answer["users"])).collect();
    assert_eq!(of, [(&json!(false), &json!(["shop/web-1"])), (&json!(true), &json!(["shop/web-1"]))]);
}

#[test]
fn only_the_recalls_of_known_keys_count() {
    let (scene, name, _) = recalled_scene(true, RELEASE);
    let sandbox = &scene.sandbox;
    recalled(sandbox, &name, &["--key", &key("test-cosign.pub")]).exits(1).prints("by `");
    recalled(sandbox, &name, &["--key", &key("test-p256.pub.pem")]).ok().prints("by another key");
    recalled(sandbox, &name, &["--key", &key("test-cosign.key")]).exits(2).says("private");
}

#[test]
fn what_has_no_recall_cannot_be_withdrawn_and_wrong_calls_are_refused() {
    let sandbox = Sandbox::packed();
    recall(&sandbox, "sample:v1", RELEASE, &["--undo"]).exits(4).says("has no recall to withdraw");
    recall(&sandbox, "sample:v1", RELEASE, &[]).exits(2);
    recall(&sandbox, "sample:v1", RELEASE, &["--reason", " "]).exits(2);
    recall(&sandbox, "sample:v1", RELEASE, &["--reason", "x", "--instead", "sample:v1"]).exits(2);
    recall(&sandbox, "sample:v1", RELEASE, &["--reason", "x", "--undo", "--instead", "sample:v2"]).exits(2);
    recall(&sandbox, "sample:v9", RELEASE, &["--reason", "x"]).exits(4);
    recall(&sandbox, "sample:v1", RELEASE, &["--reason", "x"]).ok().says("stored in the local store");
    kit(&sandbox, &["unpack", "sample:v1", "-d", "out"]).ok().says("was recalled on");
    kit(&sandbox, &["fsck"]).ok();
}

#[test]
fn the_notice_is_a_signed_statement_that_other_commands_name() {
    let (scene, name, _) = recalled_scene(true, RELEASE);
    let sandbox = &scene.sandbox;
    let args = ["attest", &name, "--key", &key("test-cosign.pub"), "--get", "recall"];
    let predicate: Value = kit(sandbox, &args).ok().json();
    assert_eq!((&predicate["action"], &predicate["reason"]), (&json!("recall"), &json!(REASON)));
    assert!(predicate["recalledOn"].is_string() && predicate["recaller"]["id"].is_string(), "{predicate}");
    kit(sandbox, &["referrers", &name, "--remote"]).ok().prints("  recall  ");
    let listed = kit(sandbox, &["referrers", &name, "--remote", "--format", "json"]).ok().json();
    assert_eq!(listed[0]["predicateType"], "urn:kit:recall:v1");
}

#[test]
fn texts_of_a_notice_never_reach_the_terminal_as_they_are() {
    let guarded = Guarded::new();
    let (sandbox, name) = (guarded.sandbox(), &guarded.name);
    recall(sandbox, name, RELEASE, &["--reason", "red\u{1b}[31m\nline"]).ok();
    let run = kit(sandbox, &["pull", name]).exits(1);
    assert!(!run.stderr.contains('\u{1b}') && run.stderr.contains("line"), "{}", run.stderr);
    guarded.require("recall-by = { any = ['other'] }");
    let run = kit(sandbox, &["pull", name]).ok();
    assert!(!run.stderr.contains('\u{1b}') && run.stderr.contains("line"), "{}", run.stderr);
}
