//! Signatures with certificates of a private authority.

use super::scene::{key, kit};
use kit_testkit::sandbox::{Run, Sandbox};

fn sign(sandbox: &Sandbox, flags: &[&str]) -> Run {
    let (private, leaf) = (key("test-leaf.key.pem"), key("test-leaf.pem"));
    kit(sandbox, &[&["sign", "sample:v1", "--key", &private, "--certificate", &leaf], flags].concat())
}

fn verify(sandbox: &Sandbox, identity: &str, flags: &[&str]) -> Run {
    kit(sandbox, &[&["verify", "sample:v1", "--certificate-identity", identity], flags].concat())
}

const ADA: &str = "ada@models.example";

#[test]
fn the_owner_of_a_certificate_signs() {
    let sandbox = Sandbox::packed();
    let (between, root) = (key("test-int.pem"), key("test-ca.pem"));
    sign(&sandbox, &["--certificate-chain", &between, "--certificate-chain", &root]).ok();
    let run = verify(&sandbox, ADA, &["--ca", &root, "--format", "json"]).ok().json();
    assert_eq!(run["signatures"][0]["signer"]["identity"], ADA);
    verify(&sandbox, ADA, &["--ca", &root]).ok().prints("signed    ada@models.example");
    let args = ["verify", "sample:v1", "--certificate-identity", ADA, "--ca", &root];
    sandbox.run(sandbox.command(&args).env("SOURCE_DATE_EPOCH", "4000000000")).ok();
    let run = verify(&sandbox, "eve@models.example", &["--ca", &root]).exits(1);
    run.says("the certificate is of `ada@models.example`, not of `eve@models.example`");
    verify(&sandbox, ADA, &["--ca", &key("test-leaf-tls.pem")]).exits(1).says("none of the trusted authorities");
    kit(&sandbox, &["verify", "sample:v1", "--key", &key("test-cosign.pub")]).exits(1).says("a certificate");
    kit(&sandbox, &["verify", "sample:v1", "--ca", &root]).exits(2).says("add --certificate-identity ID");
    verify(&sandbox, ADA, &[]).exits(2).says("add --ca FILE");
}

#[test]
fn a_bundle_with_the_certificate_alone_needs_the_intermediates_of_the_verifier() {
    let sandbox = Sandbox::packed();
    sign(&sandbox, &[]).ok();
    let (between, root) = (key("test-int.pem"), key("test-ca.pem"));
    verify(&sandbox, ADA, &["--ca", &root]).exits(1).says("an intermediate certificate is missing");
    verify(&sandbox, ADA, &["--ca", &root, "--ca", &between]).ok();
    verify(&sandbox, ADA, &["--trusted-root", &key("test-trusted-root.json")]).ok();
}

#[test]
fn a_certificate_that_does_not_fit_is_refused_when_signing() {
    let sandbox = Sandbox::packed();
    let (private, leaf) = (key("test-p256.key.pem"), key("test-leaf.pem"));
    let run = kit(&sandbox, &["sign", "sample:v1", "--key", &private, "--certificate", &leaf]).exits(1);
    run.says("the certificate belongs to another key");
    sign(&sandbox, &["--as", "both"]).exits(2).says("--certificate requires bundles");
}

#[test]
fn an_attestation_is_signed_with_a_certificate() {
    let sandbox = Sandbox::packed();
    sandbox.write("result.json", r#"{"result":"PASSED"}"#);
    let (private, leaf, root) = (key("test-leaf.key.pem"), key("test-leaf.pem"), key("test-trusted-root.json"));
    let attest = ["attest", "sample:v1", "--key", &private, "--certificate", &leaf, "--type", "test-result"];
    kit(&sandbox, &[&attest[..], &["--predicate", "result.json"]].concat()).ok();
    let get = ["attest", "sample:v1", "--get", "test-result", "--trusted-root", &root, "--certificate-identity"];
    kit(&sandbox, &[&get[..], &[ADA]].concat()).ok().prints("PASSED");
    kit(&sandbox, &[&get[..], &["eve@models.example"]].concat()).exits(1);
    verify(&sandbox, ADA, &["--trusted-root", &root, "--type", "test-result"]).ok();
    verify(&sandbox, ADA, &["--trusted-root", &root]).exits(1);
}
