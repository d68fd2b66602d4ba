//! `kit approve`: signed approvals in roles, which policies require.

use serde_json::{Value, json};

use crate::trust::guarded::Guarded;
use crate::trust::scene::{Scene, key, kit};
use kit_testkit::sandbox::{Run, Sandbox};

const ADA: &str = "test-cosign.key";
const BOB: &str = "test-p256.key.pem";

fn approve(sandbox: &Sandbox, name: &str, private: &str, flags: &[&str]) -> Run {
    kit(sandbox, &[&["approve", name, "--key", &key(private)], flags].concat())
}

#[test]
fn an_approval_is_a_signed_statement_about_the_digest() {
    let scene = Scene::new(true);
    let (name, digest) = scene.put("team/net");
    let sandbox = &scene.sandbox;
    let run = approve(sandbox, &name, ADA, &["--as", "sre", "--comment", "load test is fine", "--format", "json"]);
    let receipt = run.ok().json();
    assert_eq!((&receipt["digest"], &receipt["role"]), (&json!(digest), &json!("sre")));
    let args = ["attest", &name, "--key", &key("test-cosign.pub"), "--get", "approval"];
    let predicate: Value = kit(sandbox, &args).ok().json();
    assert_eq!((&predicate["role"], &predicate["comment"]), (&json!("sre"), &json!("load test is fine")));
    assert!(predicate["approvedOn"].is_string() && predicate["approver"]["id"].is_string(), "{predicate}");
    kit(sandbox, &["referrers", &name, "--remote"]).ok().prints("  approval  ");
}

#[test]
fn a_name_with_a_registry_is_approved_there() {
    let scene = Scene::new(true);
    let (name, _) = scene.put("team/net");
    kit(&scene.sandbox, &["pull", &name]).ok();
    approve(&scene.sandbox, &name, ADA, &["--as", "sre"]).ok();
    let args = ["attest", &name, "--remote", "--key", &key("test-cosign.pub"), "--get", "approval"];
    kit(&scene.sandbox, &args).ok();
}

#[test]
fn every_operation_needs_the_required_approvals() {
    let guarded = Guarded::unsigned();
    let (sandbox, name) = (guarded.sandbox(), &guarded.name);
    guarded.require("approvals = [{ role = 'sre', signed-by = { any = ['release'] } }]");
    guarded.is_refused("sre: no approval by `release` (ecdsa-p256 ");
    approve(sandbox, name, ADA, &["--as", "legal"]).ok();
    approve(sandbox, name, BOB, &["--as", "sre"]).ok();
    kit(sandbox, &["pull", name]).exits(1).says("sre: no approval by `release` ").says("; 1 by another key");
    approve(sandbox, name, ADA, &["--as", "sre"]).ok();
    kit(sandbox, &["pull", name]).ok();
    guarded.check(&[]).ok().prints("sre: approved by `release` (ecdsa-p256 ");
    kit(sandbox, &["policy", "show", name]).ok().prints("sre, signed by `release`");
    approve(sandbox, name, ADA, &["--as", "sre", "--undo"]).ok().prints("Withdrew the approval of");
    kit(sandbox, &["pull", name]).exits(1).says("`release` has withdrawn it");
}

#[test]
fn wrong_calls_are_refused() {
    let sandbox = Sandbox::packed();
    approve(&sandbox, "sample:v1", ADA, &["--as", "sre", "--undo"]).exits(4).says("has no approval as sre");
    approve(&sandbox, "sample:v1", ADA, &["--as", "sre"]).ok();
    approve(&sandbox, "sample:v1", BOB, &["--as", "sre", "--undo"]).exits(4);
    approve(&sandbox, "sample:v1", ADA, &["--as", "legal", "--undo"]).exits(4);
    approve(&sandbox, "sample:v1", ADA, &["--as", " "]).exits(2);
    approve(&sandbox, "sample:v1", ADA, &[]).exits(2);
    approve(&sandbox, "sample:v9", ADA, &["--as", "sre"]).exits(4);
}
