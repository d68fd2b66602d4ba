//! Every requirement, satisfied and not.

use std::path::Path;

use serde_json::{Value, json};

use crate::scan::{Finding, Level};
use crate::trust::policy::{
    AttestationFact, ContentFacts, DocumentFacts, FileFinding, FilesFact, LicenceFact, Outcome, Policy, Rule,
    SignatureFact, WeightFact, WeightFormat, evaluate,
};

fn rule(lines: &str) -> Rule {
    let keys = "keys.a.pem = 'a'\nkeys.b.pem = 'b'\nkeys.c.pem = 'c'";
    let text = format!("version = 1\n{keys}\n[[rule]]\nmatch = ['r.example/']\n{lines}");
    Policy::parse(&text, Path::new("policy.toml")).unwrap().rules.remove(0)
}

fn facts() -> DocumentFacts {
    let keys = [("a".to_owned(), "ecdsa-p256 0123456789ab".to_owned())].into();
    DocumentFacts { keys, ..DocumentFacts::at("2026-11-29T12:00:00Z".parse().unwrap()) }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn signature(signers: &[&str], is_legacy: bool) -> SignatureFact {
    SignatureFact { signers: owned(signers), is_legacy, flaw: None }
}

fn attestation(predicate_type: &str, signer: &str, predicate: Value) -> AttestationFact {
    AttestationFact { predicate_type: predicate_type.to_owned(), signers: owned(&[signer]), predicate }
}

/// Evaluates `lines`, and compares the failures.
fn check_with(lines: &str, facts: &DocumentFacts, content: &ContentFacts, expected: &[&str]) {
    let verdict = evaluate(&rule(lines), facts, content);
    let failures: Vec<_> = verdict.failures().map(|row| format!("{} {}", row.requirement, row.reason)).collect();
    assert_eq!(failures, expected, "{lines}\n{facts:?}");
    assert_eq!(verdict.is_satisfied(), expected.is_empty());
    assert!(!verdict.rows.is_empty());
}

fn check(lines: &str, facts: &DocumentFacts, expected: &[&str]) {
    check_with(lines, facts, &ContentFacts::default(), expected);
}

#[test]
fn a_signature_by_the_named_keys_is_needed() {
    let signed = |signatures: Vec<SignatureFact>| DocumentFacts { signatures, ..facts() };
    let (any, all) = ("signed-by = { any = ['a', 'b'] }", "signed-by = { all = ['a', 'b'] }");
    check(any, &signed(vec![signature(&["b"], false)]), &[]);
    check(any, &signed(vec![signature(&[], false), signature(&["a", "b"], false)]), &[]);
    check(all, &signed(vec![signature(&["b"], false), signature(&["a"], true)]), &[]);
    check(all, &signed(vec![signature(&["b"], false)]), &["signed-by no signature of `a` (ecdsa-p256 0123456789ab)"]);
    let no = "signed-by no signature of `a` (ecdsa-p256 0123456789ab) or `b`";
    check(any, &facts(), &[no]);
    check(any, &signed(vec![signature(&["c"], false)]), &[no]);
    check(any, &signed(vec![signature(&[], false)]), &[&format!("{no}; 1 signature of another key")]);
    check(
        any,
        &signed(vec![signature(&[], false), signature(&[], true)]),
        &[&format!("{no}; 2 signatures of another key")],
    );
    let flawed = SignatureFact { flaw: Some("its payload is of sha256:0000…".to_owned()), ..signature(&[], true) };
    check(any, &signed(vec![flawed]), &[&format!("{no}; 1 invalid signature: its payload is of sha256:0000…")]);
}

#[test]
fn old_signatures_count_unless_the_rule_ignores_them() {
    let facts = DocumentFacts { signatures: vec![signature(&["b"], true)], ..facts() };
    check("signed-by = { any = ['b'] }\nlegacy = true", &facts, &[]);
    let ignored = "signed-by no signature of `b`; 1 signature of the old kind, which the rule ignores";
    check("signed-by = { any = ['b'] }\nlegacy = false", &facts, &[ignored]);
}

const TEST: &str = "https://in-toto.io/attestation/test-result/v0.1";
const SLSA: &str = "https://slsa.dev/provenance/v1";

#[test]
fn an_attestation_needs_its_type_its_key_and_its_predicate() {
    let with = |attestations: Vec<AttestationFact>| DocumentFacts { attestations, ..facts() };
    let line = "attestations = [{ type = 'test-result', signed-by = { any = ['b'] }, result = ['PASSED', 'WARNED'] }]";
    let passed = || attestation(TEST, "b", json!({ "result": "PASSED" }));
    let failed = || attestation(TEST, "b", json!({ "result": "FAILED" }));
    check(line, &with(vec![passed()]), &[]);
    check(line, &with(vec![failed(), passed()]), &[]);
    check(line, &with(vec![failed()]), &["attestation test-result by `b` says FAILED, not PASSED or WARNED"]);
    check(line, &facts(), &["attestation test-result by `b`: there is none"]);
    let foreign = attestation(TEST, "a", json!({ "result": "PASSED" }));
    check(line, &with(vec![foreign]), &["attestation test-result by `b`: there is none; 1 by another key"]);
    let other_type = attestation(SLSA, "b", json!({ "result": "PASSED" }));
    check(line, &with(vec![other_type]), &["attestation test-result by `b`: there is none"]);
    let silent = attestation(TEST, "b", json!({}));
    check(line, &with(vec![silent]), &["attestation test-result by `b` has no `result`; it must be PASSED or WARNED"]);
    let list = attestation(TEST, "b", json!({ "result": ["PASSED"] }));
    let words = "attestation test-result by `b` has a `result` that is not a text; it must be PASSED or WARNED";
    check(line, &with(vec![list]), &[words]);
}

fn provenance(builder: &str, finished: Option<&str>) -> AttestationFact {
    let metadata = finished.map(|time| json!({ "finishedOn": time }));
    attestation(SLSA, "b", json!({ "runDetails": { "builder": { "id": builder }, "metadata": metadata } }))
}

#[test]
fn a_newer_attestation_that_does_not_fit_contradicts_an_older_one() {
    let with = |attestations: Vec<AttestationFact>| DocumentFacts { attestations, ..facts() };
    let line = "attestations = [{ type = 'slsaprovenance1', signed-by = { any = ['b'] }, builder = ['https://x'] }]";
    let (old, new) = (Some("2026-01-01T00:00:00Z"), Some("2026-02-01T00:00:00Z"));
    check(line, &with(vec![provenance("https://x", None)]), &[]);
    check(line, &with(vec![provenance("https://y", old), provenance("https://x", new)]), &[]);
    check(line, &with(vec![provenance("https://y", None), provenance("https://x", None)]), &[]);
    let contradicted = "attestation slsaprovenance1 by `b` has builder https://y, not https://x, and is newer than the \
                        one that fits";
    check(line, &with(vec![provenance("https://y", new), provenance("https://x", old)]), &[contradicted]);
    check(line, &with(vec![provenance("https://y", old), provenance("https://x", None)]), &[contradicted]);
    check(
        line,
        &with(vec![provenance("https://y", old)]),
        &["attestation slsaprovenance1 by `b` has builder https://y, not https://x"],
    );
}

#[test]
fn a_contradiction_by_another_named_key_counts() {
    let line =
        "attestations = [{ type = 'slsaprovenance1', signed-by = { any = ['a', 'b'] }, builder = ['https://x'] }]";
    let mut newer = provenance("https://y", Some("2026-02-01T00:00:00Z"));
    newer.signers = owned(&["a"]);
    let facts = DocumentFacts {
        attestations: vec![provenance("https://x", Some("2026-01-01T00:00:00Z")), newer.clone()],
        ..facts()
    };
    let failure = "attestation slsaprovenance1 by `a` has builder https://y, not https://x, and is newer than the one \
                   that fits";
    check(line, &facts, &[failure]);
    newer.signers = owned(&["c"]);
    let facts = DocumentFacts { attestations: vec![provenance("https://x", None), newer], ..facts };
    check(line, &facts, &[]);
}

#[test]
fn signed_files_have_to_be_those_of_the_modelkit() {
    let line = "signed-by = { any = ['b'] }\nfiles-signed = true";
    let with = |files: Vec<FilesFact>| DocumentFacts { signatures: vec![signature(&["b"], false)], files, ..facts() };
    let fact = |signer: &str, difference: Option<&str>| FilesFact {
        signers: owned(&[signer]),
        difference: difference.map(str::to_owned),
    };
    check(line, &with(vec![fact("b", None)]), &[]);
    let no = "files-signed no statement about the files by `b`";
    check(line, &with(Vec::new()), &[no]);
    check(line, &with(vec![fact("a", None)]), &[no]);
    check(line, &with(vec![fact("b", Some("a.txt differs"))]), &[&format!("{no}; a.txt differs")]);
}

#[test]
fn formats_of_weights_have_to_be_listed() {
    let line = "formats = ['safetensors', 'gguf']";
    let fact = |path: &str, format| WeightFact { path: path.to_owned(), format };
    let with = |weights| DocumentFacts { weights, ..facts() };
    check(line, &with(Ok(vec![fact("a.safetensors", Some(WeightFormat::Safetensors))])), &[]);
    let weights =
        vec![fact("a.gguf", Some(WeightFormat::Gguf)), fact("b.pkl", Some(WeightFormat::Pickle)), fact("c.xyz", None)];
    check(line, &with(Ok(weights)), &["format b.pkl: pickle is not allowed", "format c.xyz: its format is not known"]);
    check(line, &with(Err("the files are not known".to_owned())), &["format the files are not known"]);
}

#[test]
fn all_licences_have_to_be_allowed() {
    check("licenses = { allow = ['MIT'], unknown = 'refuse' }", &facts(), &["licence no licence is given"]);
    check("licenses = { allow = ['MIT'], unknown = 'allow' }", &facts(), &[]);
    let line = "licenses = { allow = ['MIT'] }";
    let fact = |subject: &str, licence: Option<&str>| LicenceFact {
        subject: subject.to_owned(),
        licence: licence.map(str::to_owned),
    };
    let licences = vec![fact("model", Some("MIT")), fact("data/train", Some("CC-BY-NC-4.0")), fact("src", None)];
    let expected = ["licence `data/train`: CC-BY-NC-4.0 is not allowed", "licence `src`: no licence is given"];
    check(line, &DocumentFacts { licences, ..facts() }, &expected);
    check(line, &DocumentFacts { licences: vec![fact("model", Some("MIT"))], ..facts() }, &[]);
}

fn finding(path: &str, rule: &'static str, level: Level) -> FileFinding {
    let finding = Finding { level, rule, members: vec!["m.pkl".to_owned()], detail: "detail".to_owned(), place: None };
    FileFinding { path: path.to_owned(), finding }
}

#[test]
fn findings_are_compared_with_each_requirement() {
    let content = ContentFacts {
        findings: vec![
            finding("p", "pickle-global", Level::Medium),
            finding("q", "pickle-global", Level::Low),
            finding("c", "remote-code", Level::Medium),
            finding("s", "secret", Level::High),
            finding("t", "secret", Level::Low),
        ],
        pickles: owned(&["p", "q"]),
        unread: Vec::new(),
        disguised: Vec::new(),
    };
    let check = |lines: &str, expected: &[&str]| check_with(lines, &facts(), &content, expected);
    let (p, c) = ("p!m.pkl: detail (pickle-global)", "c!m.pkl: detail (remote-code)");
    let s = "s!m.pkl: detail (secret)";
    check("pickle = 'listed'", &[&format!("pickle {p}")]);
    check("pickle = 'forbid'", &["pickle p: is a pickle, or contains one", "pickle q: is a pickle, or contains one"]);
    check("remote-code = 'forbid'", &[&format!("remote-code {c}")]);
    check("secrets = 'forbid'", &[&format!("secret {s}")]);
    check("scan = { at-most = 'medium' }", &[&format!("scan {s}")]);
    check("scan = { at-most = 'low' }", &[&format!("scan {p}"), &format!("scan {c}"), &format!("scan {s}")]);
    for line in [
        "pickle = 'listed'",
        "pickle = 'forbid'",
        "remote-code = 'forbid'",
        "secrets = 'forbid'",
        "scan = { at-most = 'clean' }",
    ] {
        check_with(line, &facts(), &ContentFacts::default(), &[]);
    }
}

#[test]
fn a_file_that_was_not_examined_fails_every_requirement_about_content() {
    let unread = vec![("x.7z".to_owned(), "it is too large".to_owned())];
    let content = ContentFacts { unread, ..ContentFacts::default() };
    for (line, word) in [
        ("pickle = 'listed'", "pickle"),
        ("pickle = 'forbid'", "pickle"),
        ("remote-code = 'forbid'", "remote-code"),
        ("secrets = 'forbid'", "secret"),
        ("scan = { at-most = 'medium' }", "scan"),
    ] {
        check_with(line, &facts(), &content, &[&format!("{word} x.7z: not examined, it is too large")]);
    }
}

#[test]
fn a_signed_scan_replaces_scanning() {
    let line = "scan = { at-most = 'low', by = ['b'] }";
    let content = ContentFacts { findings: vec![finding("s", "secret", Level::High)], ..ContentFacts::default() };
    let scan = |level: &str, rules: &str| {
        attestation("urn:kit:scan:v1", "b", json!({ "level": level, "scanner": { "rules": rules } }))
    };
    let check = |attestation: AttestationFact, is_enough: bool| {
        let facts = DocumentFacts { attestations: vec![attestation], ..facts() };
        let failures: &[&str] = if is_enough { &[] } else { &["scan s!m.pkl: detail (secret)"] };
        check_with(line, &facts, &content, failures);
    };
    check(scan("low", "2026-11-01"), true);
    check(scan("clean", "2026-08-31"), true);
    check(scan("clean", "2026-08-30"), false);
    check(scan("medium", "2026-11-01"), false);
    check(scan("unknown", "2026-11-01"), false);
    check(scan("clean", "yesterday"), false);
    check(scan("clean", "2026-11-30"), true);
    check(scan("clean", "2026-12-01"), false);
    check(scan("clean", "2999-01-01"), false);
    let with_finding = |level: &str, finding: Value| {
        let scanner = json!({ "rules": "2026-11-01" });
        attestation("urn:kit:scan:v1", "b", json!({ "level": level, "scanner": scanner, "findings": [finding] }))
    };
    check(with_finding("low", json!({ "level": "low" })), true);
    check(with_finding("low", json!({ "level": "high" })), false);
    check(with_finding("clean", json!({ "level": "low" })), false);
    check(with_finding("low", json!({})), false);
    check(attestation("urn:kit:scan:v1", "b", json!({ "level": "clean" })), false);
    let foreign = AttestationFact { signers: owned(&["a"]), ..scan("clean", "2026-11-01") };
    check(foreign, false);
}

#[test]
fn all_failures_are_reported_at_once() {
    let lines =
        "signed-by = { any = ['b'] }\nsecrets = 'forbid'\nlicenses = { allow = ['MIT'] }\nremote-code = 'forbid'";
    let licences = vec![LicenceFact { subject: "model".to_owned(), licence: None }];
    let content = ContentFacts { findings: vec![finding("s", "secret", Level::High)], ..ContentFacts::default() };
    let verdict = evaluate(&rule(lines), &DocumentFacts { licences, ..facts() }, &content);
    let outcomes: Vec<_> = verdict.rows.iter().map(|row| (row.requirement.as_str(), row.outcome)).collect();
    let (failed, satisfied) = (Outcome::Failed, Outcome::Satisfied);
    let expected = [
        ("signed-by", failed),
        ("recalled", satisfied),
        ("licence", failed),
        ("remote-code", satisfied),
        ("secret", failed),
    ];
    assert_eq!(outcomes, expected);
}
