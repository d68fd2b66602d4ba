//! Approvals and recalls: reading their keys, and evaluating them.

use std::path::Path;

use serde_json::{Value, json};

use crate::trust::policy::{AttestationFact, DocumentFacts, Outcome, Policy, RecallMode, Rule, evaluate_documents};

const APPROVAL: &str = "urn:kit:approval:v1";
const RECALL: &str = "urn:kit:recall:v1";

fn parse(lines: &str) -> Result<Rule, String> {
    let keys = "keys.ada.pem = 'a'\nkeys.bob.pem = 'b'\nkeys.release.pem = 'c'";
    let text = format!("version = 1\n{keys}\n[[rule]]\nmatch = ['r.example/']\n{lines}");
    let policy = Policy::parse(&text, Path::new("policy.toml")).map_err(|error| error.to_string());
    policy.map(|mut policy| policy.rules.remove(0))
}

fn fact(predicate_type: &str, signer: Option<&str>, predicate: Value) -> AttestationFact {
    let signers = signer.map(str::to_owned).into_iter().collect();
    AttestationFact { predicate_type: predicate_type.to_owned(), signers, predicate }
}

fn approval(signer: Option<&str>, role: &str, day: u8) -> AttestationFact {
    fact(APPROVAL, signer, json!({ "role": role, "approvedOn": format!("2026-11-{day:02}T00:00:00Z") }))
}

fn withdrawal(signer: &str, role: &str, day: u8) -> AttestationFact {
    let time = format!("2026-11-{day:02}T00:00:00Z");
    fact(APPROVAL, Some(signer), json!({ "action": "withdraw", "role": role, "approvedOn": time }))
}

fn notice(signer: Option<&str>, action: &str, day: u8) -> AttestationFact {
    let time = format!("2026-11-{day:02}T00:00:00Z");
    let predicate = json!({ "action": action, "reason": "wrong\nlabels", "recalledOn": time, "instead": "net:v3" });
    fact(RECALL, signer, predicate)
}

/// Evaluates `lines` at noon of 20 November, and compares the outcomes.
fn check(lines: &str, attestations: &[AttestationFact], expected: &[(Outcome, &str)]) {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let facts = DocumentFacts { attestations: attestations.to_vec(), ..DocumentFacts::at(now) };
    let verdict = evaluate_documents(&parse(lines).unwrap(), &facts);
    let rows: Vec<_> = verdict.rows.iter().map(|row| (row.outcome, row.reason.as_str())).collect();
    assert_eq!(rows, expected, "{lines}\n{attestations:?}");
}

#[test]
fn an_approval_needs_its_role_and_its_key() {
    let line = "approvals = [{ role = 'sre', signed-by = { any = ['ada', 'bob'] } }]\nrecalled = 'allow'";
    let check = |facts: &[AttestationFact], expected| check(line, facts, &[expected]);
    let no = "sre: no approval by `ada` or `bob`";
    check(&[], (Outcome::Failed, no));
    check(&[approval(Some("bob"), "sre", 3)], (Outcome::Satisfied, "sre: approved by `bob` on 2026-11-03"));
    check(&[approval(Some("bob"), "legal", 3)], (Outcome::Failed, no));
    let by_another = "sre: no approval by `ada` or `bob`; 1 by another key";
    check(&[approval(None, "sre", 3)], (Outcome::Failed, by_another));
    check(&[approval(Some("release"), "sre", 3)], (Outcome::Failed, by_another));
    check(&[fact(RECALL, Some("bob"), json!({ "role": "sre" }))], (Outcome::Failed, no));
}

#[test]
fn the_newest_approval_of_a_key_counts() {
    let line = "approvals = [{ role = 'sre', signed-by = { any = ['ada'] } }]\nrecalled = 'allow'";
    let check = |facts: &[AttestationFact], expected| check(line, facts, &[expected]);
    let withdrawn = (Outcome::Failed, "sre: no approval by `ada`; `ada` has withdrawn it");
    check(&[approval(Some("ada"), "sre", 3), withdrawal("ada", "sre", 4)], withdrawn);
    check(&[withdrawal("ada", "sre", 3), approval(Some("ada"), "sre", 3)], withdrawn);
    check(&[withdrawal("ada", "sre", 3), approval(Some("ada"), "sre", 28)], withdrawn);
    let approved = (Outcome::Satisfied, "sre: approved by `ada` on 2026-11-05");
    check(&[withdrawal("ada", "sre", 4), approval(Some("ada"), "sre", 5)], approved);
    check(&[withdrawal("bob", "sre", 6), approval(Some("ada"), "sre", 5)], approved);
    check(&[withdrawal("ada", "legal", 6), approval(Some("ada"), "sre", 5)], approved);
}

#[test]
fn all_keys_of_an_approval_have_to_sign() {
    let line = "approvals = [{ role = 'legal', signed-by = { all = ['ada', 'bob'] } }]\nrecalled = 'allow'";
    let ada = approval(Some("ada"), "legal", 3);
    check(line, std::slice::from_ref(&ada), &[(Outcome::Failed, "legal: no approval by `bob`")]);
    let both = (Outcome::Satisfied, "legal: approved by `ada` and `bob` on 2026-11-04");
    check(line, &[ada, approval(Some("bob"), "legal", 4)], &[both]);
}

#[test]
fn the_newest_notice_of_the_keys_that_recall_counts() {
    let line = "recall-by = { any = ['ada', 'bob'] }";
    let check = |facts: &[AttestationFact], expected| check(line, facts, &[expected]);
    let none = (Outcome::Satisfied, "not recalled by a key that counts");
    let recalled = (Outcome::Failed, "recalled on 2026-11-05 by `ada`: wrong labels; use net:v3 instead");
    check(&[], none);
    check(&[notice(Some("ada"), "recall", 5)], recalled);
    check(&[notice(Some("release"), "recall", 5), notice(None, "recall", 6)], none);
    check(&[notice(Some("ada"), "recall", 5), notice(Some("bob"), "withdraw", 6)], none);
    check(&[notice(Some("ada"), "recall", 5), notice(Some("release"), "withdraw", 6)], recalled);
    check(&[notice(Some("ada"), "recall", 5), notice(Some("bob"), "withdraw", 28)], recalled);
    check(&[notice(Some("bob"), "withdraw", 4), notice(Some("ada"), "recall", 5)], recalled);
}

#[test]
fn a_recall_is_refused_reported_or_ignored() {
    let facts = [notice(Some("release"), "recall", 5)];
    let words = "recalled on 2026-11-05 by `release`: wrong labels; use net:v3 instead";
    let by = "recall-by = { any = ['release'] }\n";
    check(&format!("{by}recalled = 'refuse'"), &facts, &[(Outcome::Failed, words)]);
    check(&format!("{by}recalled = 'warn'"), &facts, &[(Outcome::Warned, words)]);
    check(
        "licenses = { allow = ['MIT'], unknown = 'allow' }\nrecalled = 'allow'",
        &facts,
        &[(Outcome::Satisfied, "all licences are allowed")],
    );
    // Without keys that sign, approve or recall, nothing says whose recall counts.
    let rule = parse("secrets = 'forbid'").unwrap();
    assert!(!rule.heeds_recalls() && !rule.reads_referrers());
}

#[test]
fn the_keys_that_sign_and_approve_may_recall() {
    let rule =
        parse("signed-by = { any = ['release'] }\napprovals = [{ role = 'sre', signed-by = { any = ['ada'] } }]");
    assert_eq!(rule.as_ref().unwrap().recall_keys(), ["ada", "release"]);
    assert_eq!(rule.unwrap().recalled.mode, RecallMode::Refuse);
    let rule = parse("signed-by = { any = ['release'] }\nrecall-by = { any = ['bob'] }").unwrap();
    assert_eq!((rule.recall_keys(), rule.keys()), (vec!["bob"], vec!["bob", "release"]));
    let scanned = parse("attestations = [{ type = 'scan', signed-by = { any = ['bob'] } }]").unwrap();
    assert!(scanned.recall_keys().is_empty());
}

#[test]
fn a_recall_may_be_among_what_was_not_read() {
    let rule = parse("recall-by = { any = ['ada'] }").unwrap();
    let facts = DocumentFacts { is_cut_off: true, ..DocumentFacts::at("2026-11-20T12:00:00Z".parse().unwrap()) };
    assert!(!evaluate_documents(&rule, &facts).is_satisfied());
    let facts = DocumentFacts { is_cut_off: false, ..facts };
    assert!(evaluate_documents(&rule, &facts).is_satisfied());
}

#[test]
fn wrong_settings_are_refused() {
    let by = "signed-by = { any = ['ada'] }";
    for (lines, expected) in [
        ("approvals = []", "`approvals` must be a list of tables"),
        ("approvals = [{ role = 'sre' }]", "`signed-by` is missing in `approvals`"),
        ("approvals = [{ signed-by = { any = ['ada'] } }]", "`role` is missing in `approvals`"),
        ("approvals = [{ role = 'sre', signed-by = { any = ['eve'] } }]", "the policy has no key `eve`"),
        ("recall-by = { all = ['ada'] }", "unknown key `all` in `recall-by`"),
        ("recall-by = {}", "`any` is missing in `recall-by`"),
        ("secrets = 'forbid'\nrecalled = 'refuse'", "the rule has no keys whose recalls count; add `recall-by`"),
        ("recalled = 'no'", "`recalled` must be `refuse`, `warn` or `allow`"),
    ] {
        let error = parse(lines).unwrap_err();
        assert!(error.contains(expected), "{lines}: {error}");
    }
    let error = parse(&format!("{by}\nrecalled = 'allow'\nrecall-by = {{ any = ['ada'] }}")).unwrap_err();
    assert!(error.contains("`recall-by` has no effect"), "{error}");
    let twice = "{ role = 'sre', signed-by = { any = ['ada'] } }";
    let error = parse(&format!("approvals = [{twice}, {twice}]")).unwrap_err();
    assert!(error.contains("`sre` is in `approvals` twice"), "{error}");
}
