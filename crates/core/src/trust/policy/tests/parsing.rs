//! Every key of the file, and every error with its position.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::scan::Level;
use crate::trust::TransparencyLog;
use crate::trust::policy::{
    AtLeast, KeyMaterial, LicenceRule, Mode, PickleRule, Policy, ScanRule, Signers, Unmatched, WeightFormat,
};

const WHOLE: &str = r#"version = 1
default = "refuse"

[keys.release]
file = "keys/release.pub"

[keys.inline]
pem = """-----BEGIN PUBLIC KEY-----"""

[keys.ci]
identity = "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main"
issuer = "https://token.actions.githubusercontent.com"
trusted-root = "trusted_root.json"
transparency-log = "optional"

[keys.ada]
identity = "ada@models.example"
ca = ["authorities/models.pem"]
expired = "allow"

[[rule]]
match = ["registry.example/production/", "registry.example/team/sentiment"]
mode = "warn"
signed-by = { any = ["release", "ci"] }
legacy = false
attestations = [
  { type = "slsaprovenance1", signed-by = { any = ["ci"] }, builder = ["https://builder.example"] },
  { type = "test-result", signed-by = { all = ["ci", "ada"] }, result = ["PASSED"] },
  { type = "scan", signed-by = { any = ["ci"] }, at-most = "clean" },
]
files-signed = true
pickle = "listed"
remote-code = "forbid"
secrets = "forbid"
formats = ["safetensors", "gguf", "onnx"]
scan = { at-most = "low", by = ["ci"] }
licenses = { allow = ["Apache-2.0", "MIT"], unknown = "allow", exceptions = true }
"#;

fn parse(text: &str) -> Result<Policy, String> {
    Policy::parse(text, Path::new("/etc/kit/policy.toml")).map_err(|error| error.to_string())
}

#[test]
fn every_key_is_read() {
    let policy = parse(WHOLE).unwrap();
    assert_eq!((policy.unmatched, policy.unmatched_line), (Unmatched::Refuse, Some(2)));
    assert_eq!(policy.keys["release"].material, KeyMaterial::File(PathBuf::from("/etc/kit/keys/release.pub")));
    assert_eq!(policy.keys["inline"].material, KeyMaterial::Pem("-----BEGIN PUBLIC KEY-----".to_owned()));
    let KeyMaterial::Identity { trusted_root, log, .. } = &policy.keys["ci"].material else { panic!() };
    assert_eq!((trusted_root.as_path(), *log), (Path::new("/etc/kit/trusted_root.json"), TransparencyLog::Optional));
    assert_eq!(
        policy.keys["ada"].material,
        KeyMaterial::Authority {
            identity: "ada@models.example".to_owned(),
            ca: vec![PathBuf::from("/etc/kit/authorities/models.pem")],
            accepts_expired: true,
        }
    );
    assert_eq!(policy.keys["ada"].position.line, 18);
    let [rule] = &policy.rules[..] else { panic!("{policy:?}") };
    assert_eq!((rule.line, rule.mode, rule.legacy, rule.files_signed), (21, Mode::Warn, false, true));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let signers = Signers { at_least: AtLeast::Any, names: names(&["release", "ci"]) };
    assert_eq!(rule.signed_by, Some(signers));
    let [provenance, test, scan] = &rule.attestations[..] else { panic!("{rule:?}") };
    assert_eq!(provenance.predicate_type, "https://slsa.dev/provenance/v1");
    assert_eq!(provenance.builders, Some(names(&["https://builder.example"])));
    assert_eq!(test.signed_by, Signers { at_least: AtLeast::All, names: names(&["ci", "ada"]) });
    assert_eq!(test.results, Some(names(&["PASSED"])));
    assert_eq!(scan.at_most, Some(None));
    assert_eq!(rule.pickle, PickleRule::Listed);
    assert!(rule.forbids_remote_code && rule.forbids_secrets);
    assert_eq!(rule.formats, Some(vec![WeightFormat::Safetensors, WeightFormat::Gguf, WeightFormat::Onnx]));
    let by = Some(Signers { at_least: AtLeast::Any, names: names(&["ci"]) });
    assert_eq!(rule.scan, Some(ScanRule { at_most: Some(Level::Low), by }));
    assert_eq!(
        rule.licences,
        Some(LicenceRule { allow: names(&["Apache-2.0", "MIT"]), allows_unknown: true, allows_exceptions: true })
    );
    assert_eq!(rule.keys(), ["ada", "ci", "release"]);
}

#[test]
fn what_is_not_written_has_its_default() {
    let text =
        "version = 1\n[keys.a]\nfile = \"a.pub\"\n[[rule]]\nmatch = [\"r.example/\"]\nsigned-by = { any = [\"a\"] }";
    let policy = parse(text).unwrap();
    let rule = &policy.rules[0];
    assert_eq!((policy.unmatched, rule.mode, rule.legacy, rule.line), (Unmatched::Allow, Mode::Enforce, true, 4));
    assert_eq!((rule.pickle, rule.files_signed, rule.formats.as_ref()), (PickleRule::Allow, false, None));
}

/// The lines of `text` from line 2 on, after the version.
fn check(text: &str, expected: &[&str]) {
    let error = parse(&format!("version = 1\n{text}")).expect_err(text);
    let found: Vec<_> = error.lines().filter_map(|line| line.trim().strip_prefix("/etc/kit/policy.toml:")).collect();
    assert_eq!(found.len(), expected.len(), "{text}\n{error}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{text}\nexpected {expected}\n{error}");
    }
}

/// A rule for `r.example/` whose `line` is line 6.
fn check_rule(line: &str, expected: &[&str]) {
    check(&format!("keys.a.pem = 'x'\n[[rule]]\nmatch = ['r.example/']\nsecrets = 'forbid'\n{line}"), expected);
}

#[test]
fn problems_of_the_file_have_positions() {
    check("", &["1:1: the policy has no effect"]);
    check("default = 'deny'", &["2:11: `default` must be `allow` or `refuse`"]);
    check("rules = 1", &["2:1: unknown key `rules` at the top level; did you mean `rule`?"]);
    check("version = 1", &["2:1: duplicate key"]);
    check("rule = { match = ['r.example/'] }", &["2:8: rules are written as [[rule]]"]);
    check("a = ", &["2:5: "]);
    let error = parse("default = 'refuse'").unwrap_err();
    assert!(error.contains("policy.toml:1:1: `version` is missing"), "{error}");
    let error = parse("version = 2\ndefault = 'refuse'").unwrap_err();
    assert!(error.contains("policy.toml:1:11: `version` must be 1"), "{error}");
    let error = parse("version = '1'\ndefault = 'refuse'").unwrap_err();
    assert!(error.contains("policy.toml:1:11: `version` must be 1"), "{error}");
}

#[test]
fn problems_of_keys_have_positions() {
    let check_key = |line: &str, expected: &[&str]| check(&format!("default = 'refuse'\n[keys.a]\n{line}"), expected);
    check_key("", &["3:1: `keys.a` needs exactly one of `file`, `pem`, `identity` and `identity-regexp`"]);
    check_key("file = 'a'\npem = 'b'", &["3:1: `keys.a` needs exactly one of"]);
    check_key("file = 3", &["4:8: `file` must be a text"]);
    check_key("file = ''", &["4:8: `file` must be a text"]);
    check_key(
        "flie = 'a'",
        &["3:1: `keys.a` needs exactly one", "4:1: unknown key `flie` in `keys.a`; did you mean `file`?"],
    );
    let keyless = "\nissuer = 'b'\ntrusted-root = 'c'";
    check_key(
        &format!("identity-regexp = '('{keyless}"),
        &["4:19: `identity-regexp` cannot be used: it is not a valid"],
    );
    check_key(&format!("identity-regexp = 'a'{keyless}\nca = ['d']"), &["7:1: `ca` has no effect beside `issuer`"]);
    check_key("identity-regexp = 'a'", &["3:1: an `identity` needs `issuer` and `trusted-root`"]);
    check_key("file = 'a'\nissuer = 'b'", &["5:1: `issuer` has no effect beside `file`"]);
    check_key("identity = 'a'", &["3:1: an `identity` needs `issuer` and `trusted-root`, or `ca`"]);
    check_key("identity = 'a'\nissuer = 'b'", &["3:1: an `identity` needs `issuer` and `trusted-root`, or `ca`"]);
    check_key("identity = 'a'\nca = []", &["5:6: `ca` must be a list of texts"]);
    check_key("identity = 'a'\nca = ['b']\nissuer = 'c'", &["6:1: `issuer` has no effect beside `ca`"]);
    check_key(
        "identity = 'a'\nissuer = 'b'\ntrusted-root = 'c'\ntransparency-log = 'no'\nexpired = 'allow'",
        &["7:20: `transparency-log` must be `required` or `optional`", "8:1: `expired` has no effect beside `issuer`"],
    );
    check("default = 'refuse'\nkeys.a = 'a.pub'", &["3:10: `keys.a` must be a table"]);
    check("default = 'refuse'\nkeys = 'a.pub'", &["3:8: keys are written as [keys.NAME]"]);
}

#[test]
fn problems_of_rules_have_positions() {
    check_rule("signedby = { any = ['a'] }", &["6:1: unknown key `signedby` in `rule`; did you mean `signed-by`?"]);
    check_rule("mode = 'deny'", &["6:8: `mode` must be `enforce`, `warn` or `off`"]);
    check_rule("signed-by = 'a'", &["6:13: `signed-by` must be a table"]);
    check_rule("signed-by = {}", &["6:13: `signed-by` needs either `any` or `all`"]);
    check_rule("signed-by = { any = ['a'], all = ['a'] }", &["6:13: `signed-by` needs either `any` or `all`"]);
    check_rule("signed-by = { any = [] }", &["6:21: `any` must be a list of texts"]);
    check_rule("signed-by = { any = ['a', 'a'] }", &["6:27: `a` is in `any` twice"]);
    check_rule("signed-by = { any = ['b'] }", &["6:22: the policy has no key `b`"]);
    check_rule("legacy = true", &["6:10: `legacy` has no effect without `signed-by`"]);
    check_rule("files-signed = true", &["6:16: `files-signed` has no effect without `signed-by`"]);
    check_rule("pickle = 'never'", &["6:10: `pickle` must be `allow`, `listed` or `forbid`"]);
    check_rule("remote-code = true", &["6:15: `remote-code` must be `allow` or `forbid`"]);
    check_rule("formats = ['tensors']", &["6:12: `tensors` is not a format; known ones are `safetensors`"]);
    check_rule("scan = { at-most = 'high' }", &["6:20: `at-most` must be `clean`, `low` or `medium`"]);
    check_rule("scan = { by = ['a'] }", &["6:8: `at-most` is missing in `scan`"]);
    check_rule("scan = { at-most = 'low', by = ['b'] }", &["6:33: the policy has no key `b`"]);
    check_rule("licenses = { unknown = 'refuse' }", &["6:12: `allow` is missing in `licenses`"]);
    check_rule("licenses = { allow = ['Apache 2'] }", &["6:23: `Apache 2` is not the SPDX identifier of a licence"]);
    check_rule("attestations = []", &["6:16: `attestations` must be a list of tables"]);
    check_rule("attestations = [{ type = 'scan' }]", &["6:17: `signed-by` is missing in `attestations`"]);
    let attestation = |rest: &str, expected: &str| {
        let text = format!("attestations = [{{ signed-by = {{ any = ['a'] }}, {rest} }}]");
        check_rule(&text, &[expected]);
    };
    attestation("type = 'tests'", "6:55: `tests` is neither a URI nor a known type");
    attestation("type = 'scan', result = ['PASSED']", "6:72: `result` has no effect: it belongs to a `test-result`");
    attestation("type = 'scan', builder = ['PASSED']", "6:73: `builder` has no effect: it belongs to a provenance");
    attestation("type = 'vuln', at-most = 'low'", "6:73: `at-most` has no effect: it belongs to a `scan`");
    attestation("type = 'test-result', result = ['OK']", "6:80: `result` must be `PASSED`, `WARNED`, `FAILED`");
    check("[[rule]]\nmatch = ['r.example/']", &["2:1: the rule has no effect: it requires nothing"]);
    check("[[rule]]\nmatch = ['r.example/']\npickle = 'allow'", &["2:1: the rule has no effect: it requires nothing"]);
    check("[[rule]]\nsecrets = 'forbid'", &["2:1: `match` is missing in `rule`"]);
    assert!(parse("version = 1\n[[rule]]\nmatch = ['r.example/']\nmode = 'off'").is_ok());
}

#[test]
fn problems_of_patterns_have_positions() {
    let check = |pattern: &str, expected: &str| {
        check(&format!("[[rule]]\nsecrets = 'forbid'\nmatch = ['{pattern}']"), &[expected]);
    };
    check("r.example", "4:10: `r.example` is not a pattern: a pattern begins with a host and a `/`");
    check("r.example/team:v1", "4:10: `r.example/team:v1` is not a pattern: a pattern cannot contain a tag");
    check("r.example/*/x", "4:10: `r.example/*/x` is not a pattern: `*` stands only at the beginning");
    check("team/sentiment", "4:10: `team/sentiment` is not a pattern: `team` is not a registry; write `local/`");
    check("local/team", "4:10: `local/team` is not a pattern: `local` is not a registry; write `local/`");
    check("localhost/", "4:10: `localhost/` is not a pattern: `localhost` is not a registry; write `local/`");
    check("r.example/Team/", "4:10: `r.example/Team/` is not a pattern: invalid reference");
    check("r.example//", "4:10: `r.example//` is not a pattern");
    check("*.example/team/", "4:10: `*.example/team/` is not a pattern: a pattern for subdomains looks like");
    check("*.example", "4:10: `*.example` is not a pattern: a pattern for subdomains looks like");
    check("oci:models", "4:10: `oci:models` is not a pattern: the path of a layout is absolute");
    check("oci:/a/../b/", "4:10: `oci:/a/../b/` is not a pattern: the path of a layout is absolute");
}

#[test]
fn a_pattern_is_used_once() {
    let twice = "[[rule]]\nsecrets = 'forbid'\nmatch = ['r.example/', 'R.example:443/']";
    check(twice, &["4:24: `R.example:443/` is in `match` twice"]);
    let rules =
        "[[rule]]\nsecrets = 'forbid'\nmatch = ['docker.io/a']\n[[rule]]\nmode = 'off'\nmatch = ['index.docker.io/a']";
    check(rules, &["7:10: the rule in line 4 matches `docker.io/a`, too"]);
}

#[test]
fn all_problems_are_reported_in_their_order() {
    let text = "[[rule]]\nmatch = ['r.example']\nmode = 'x'\nsecret = 'forbid'";
    check(text, &["3:10: ", "4:8: ", "5:1: unknown key `secret` in `rule`; did you mean `secrets`?"]);
}

proptest! {
    #[test]
    fn any_text_is_parsed_without_a_panic(text in ".{0,200}", line in 0_usize..30) {
        let lines: Vec<_> = WHOLE.lines().collect();
        let changed = [&lines[..line], &[&*text], &lines[line..]].concat().join("\n");
        drop(Policy::parse(&text, Path::new("p")));
        drop(Policy::parse(&changed, Path::new("p")));
    }
}

#[test]
fn a_private_key_in_the_file_is_not_printed() {
    let secret = "MIGHAgEAMBMGByqGSM49";
    let begin = "-----BEGIN PRIVATE KEY-----";
    for text in [
        format!("version = 1\n[keys.a]\npem = \"{begin}\\n{secret}\n[[rule]]\n"),
        format!("version = 1\n[keys.a]\npem = \"\"\"{begin}\n{secret}\\q\n\"\"\"\n"),
        format!("version = 1\n[keys.a]\npemm = \"{begin}\\n{secret}\"\n"),
        format!("version = 1\nkeys.a = {{ pem = \"{secret}\", fil = \"x\" }}\n"),
        format!("version = 1\n[keys.a]\n{secret}\n"),
        format!("version = 1\n[keys.a]\npem = {secret}\n"),
    ] {
        let error = Policy::parse(&text, Path::new("policy.toml")).unwrap_err().to_string();
        assert!(!error.contains("MIGH") && !error.contains("BEGIN"), "{error}");
        assert!(error.contains("policy.toml:3:") || error.contains(":4:") || error.contains(":2:"), "{error}");
    }
    let error = Policy::parse("version = 1\n[keys.a]\npem = \"open\n", Path::new("policy.toml")).unwrap_err();
    assert!(error.to_string().contains("(key `pem`)"), "{error}");
}
