//! Reading a rule of a policy.

use std::ops::Range;

use super::decoder::{Decoder, Table, Value, listed};
use super::document::{
    AtLeast, Ceiling, LicenceRule, Mode, PickleRule, RequiredAttestation, Rule, ScanRule, Signers, WeightFormat,
};
use super::name::Pattern;
use super::predicate::{PREDICATE_TYPES, PROVENANCE, SCAN, TEST_RESULT, predicate_type};
use super::{handoff, licences};
use crate::problem::{closest, quoted};
use crate::scan::Level;

const KNOWN: [&str; 14] = [
    "match",
    "mode",
    "signed-by",
    "legacy",
    "attestations",
    "approvals",
    "recalled",
    "recall-by",
    "files-signed",
    "pickle",
    "remote-code",
    "secrets",
    "formats",
    "scan",
];
const LICENSES: &str = "licenses";
const FORBID: [(&str, bool); 2] = [("allow", false), ("forbid", true)];
/// `high` would accept everything.
const CEILINGS: [(&str, Ceiling); 3] = [("clean", None), ("low", Some(Level::Low)), ("medium", Some(Level::Medium))];

/// A rule, and the places of its patterns in the text.
pub(super) struct Decoded {
    pub(super) rule: Rule,
    pub(super) spans: Vec<(Pattern, Range<usize>)>,
}

/// Reads the rule `value`. The policy has keys with the names `keys`.
pub(super) fn decode<'t>(decoder: &mut Decoder<'t>, value: &Value<'t>, keys: &[&str]) -> Option<Decoded> {
    let known: Vec<_> = KNOWN.iter().copied().chain([LICENSES]).collect();
    let table = decoder.table(value, "rule", &known)?;
    let before = decoder.problems.len();
    let spans = patterns(decoder, table);
    let modes = [("enforce", Mode::Enforce), ("warn", Mode::Warn), ("off", Mode::Off)];
    let pickles = [("allow", PickleRule::Allow), ("listed", PickleRule::Listed), ("forbid", PickleRule::Forbid)];
    let rule = Rule {
        line: decoder.position(table.span()).line,
        patterns: spans.iter().map(|(pattern, _)| pattern.clone()).collect(),
        mode: decoder.choice(table, "mode", &modes).unwrap_or_default(),
        signed_by: signers(decoder, table, keys),
        legacy: decoder.boolean(table, "legacy").unwrap_or(true),
        attestations: attestations(decoder, table, keys),
        approvals: handoff::approvals(decoder, table, keys),
        recalled: handoff::recalled(decoder, table, keys),
        files_signed: decoder.boolean(table, "files-signed").unwrap_or_default(),
        pickle: decoder.choice(table, "pickle", &pickles).unwrap_or_default(),
        forbids_remote_code: decoder.choice(table, "remote-code", &FORBID).unwrap_or_default(),
        forbids_secrets: decoder.choice(table, "secrets", &FORBID).unwrap_or_default(),
        formats: formats(decoder, table),
        scan: scan(decoder, table, keys),
        licences: licences_rule(decoder, table),
    };
    for key in ["legacy", "files-signed"] {
        if let (Some(value), None) = (table.get(key), table.get("signed-by")) {
            decoder.complain(value.span(), key, format!("`{key}` has no effect without `signed-by`"));
        }
    }
    if decoder.problems.len() == before {
        handoff::expect_effect(decoder, table, &rule);
    }
    if decoder.problems.len() == before && rule.mode != Mode::Off && !rule.requires_anything() {
        let message = "the rule has no effect: it requires nothing; use `mode = \"off\"` to exempt its names";
        decoder.complain(table.span(), "rule", message);
    }
    Some(Decoded { rule, spans })
}

fn patterns<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>) -> Vec<(Pattern, Range<usize>)> {
    if table.get("match").is_none() {
        decoder.missing(table, "match");
    }
    let mut found: Vec<(Pattern, Range<usize>)> = Vec::new();
    for (text, span) in decoder.strings(table, "match").unwrap_or_default() {
        let line = decoder.position(span.clone()).line;
        match Pattern::parse(text, line) {
            Err(message) => decoder.complain(span, "match", format!("{} is not a pattern: {message}", quoted(text))),
            Ok(pattern) if found.iter().any(|(other, _)| other.equals(&pattern)) => {
                decoder.complain(span, "match", format!("{} is in `match` twice", quoted(text)));
            }
            Ok(pattern) => found.push((pattern, span)),
        }
    }
    found
}

/// Reads `signed-by` of a rule, an attestation or an approval.
pub(super) fn signers<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>, keys: &[&str]) -> Option<Signers> {
    let value = table.get("signed-by")?;
    let inner = decoder.table(value, "signed-by", &["any", "all"])?;
    let given: Vec<_> = [("any", AtLeast::Any), ("all", AtLeast::All)]
        .into_iter()
        .filter(|(key, _)| inner.get(key).is_some())
        .collect();
    let [(key, at_least)] = given[..] else {
        decoder.complain(
            value.span(),
            "signed-by",
            "`signed-by` needs either `any` or `all`, as in { any = [\"release\"] }",
        );
        return None;
    };
    let names = names_of_keys(decoder, inner, key, keys)?;
    Some(Signers { at_least, names })
}

pub(super) fn names_of_keys<'t>(
    decoder: &mut Decoder<'t>,
    table: Table<'_, 't>,
    field: &str,
    keys: &[&str],
) -> Option<Vec<String>> {
    let names = decoder.strings(table, field)?;
    for (name, span) in &names {
        if !keys.contains(name) {
            let guess = closest(name, keys).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            let message = format!("the policy has no key {}{guess}", quoted(name));
            decoder.complain(span.clone(), field, message);
        }
    }
    Some(names.into_iter().map(|(name, _)| name.to_owned()).collect())
}

fn attestations<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>, keys: &[&str]) -> Vec<RequiredAttestation> {
    let Some(value) = table.get("attestations") else { return Vec::new() };
    let Some(items) = value.get_ref().as_array().filter(|items| !items.is_empty()) else {
        decoder.wrong(value, "attestations", "a list of tables that is not empty, as in [{ type = \"…\" }]");
        return Vec::new();
    };
    items.iter().filter_map(|item| attestation(decoder, item, keys)).collect()
}

fn attestation<'t>(decoder: &mut Decoder<'t>, value: &Value<'t>, keys: &[&str]) -> Option<RequiredAttestation> {
    let table = decoder.table(value, "attestations", &["type", "signed-by", "builder", "result", "at-most"])?;
    for key in ["type", "signed-by"] {
        if table.get(key).is_none() {
            decoder.missing(table, key);
        }
    }
    let signed_by = signers(decoder, table, keys);
    let word = decoder.string(table, "type")?;
    let Some(predicate_type) = predicate_type(word) else {
        let words: Vec<_> = PREDICATE_TYPES.iter().map(|(word, _)| *word).collect();
        let known = closest(word, &words).map_or(listed(&words), |meant| format!("`{meant}`"));
        let message = format!("{} is neither a URI nor a known type, such as {known}", quoted(word));
        decoder.complain(table.get("type").map_or(table.span(), Value::span), "type", message);
        return None;
    };
    let has_effect: [(&str, bool, &str); 3] = [
        ("builder", PROVENANCE.contains(&&*predicate_type), "a provenance"),
        ("result", predicate_type == TEST_RESULT, "a `test-result`"),
        ("at-most", predicate_type == SCAN, "a `scan`"),
    ];
    for (key, is_known, of) in has_effect {
        if let (Some(value), false) = (table.get(key), is_known) {
            decoder.complain(value.span(), key, format!("`{key}` has no effect: it belongs to {of}"));
        }
    }
    let owned = |texts: Vec<(&str, Range<usize>)>| texts.into_iter().map(|(text, _)| text.to_owned()).collect();
    Some(RequiredAttestation {
        word: word.to_owned(),
        predicate_type,
        signed_by: signed_by?,
        builders: decoder.strings(table, "builder").map(owned),
        results: results(decoder, table),
        at_most: decoder.choice(table, "at-most", &CEILINGS),
    })
}

/// Reads the accepted results of a test.
fn results<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>) -> Option<Vec<String>> {
    /// The results that the specification of the predicate defines (in-toto test-result v0.1).
    const RESULTS: [&str; 3] = ["PASSED", "WARNED", "FAILED"];
    let found = decoder.strings(table, "result")?;
    for (text, span) in &found {
        if !RESULTS.contains(text) {
            decoder.complain(span.clone(), "result", format!("`result` must be {}", listed(&RESULTS)));
        }
    }
    Some(found.into_iter().map(|(text, _)| text.to_owned()).collect())
}

fn formats<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>) -> Option<Vec<WeightFormat>> {
    let words = WeightFormat::ALL.map(WeightFormat::as_str);
    let mut found = Vec::new();
    for (text, span) in decoder.strings(table, "formats")? {
        let Some(format) = WeightFormat::ALL.into_iter().find(|format| format.as_str() == text) else {
            let message = format!("{} is not a format; known ones are {}", quoted(text), listed(&words));
            decoder.complain(span, "formats", message);
            continue;
        };
        found.push(format);
    }
    Some(found)
}

fn scan<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>, keys: &[&str]) -> Option<ScanRule> {
    let value = table.get("scan")?;
    let inner = decoder.table(value, "scan", &["at-most", "by"])?;
    if inner.get("at-most").is_none() {
        decoder.missing(inner, "at-most");
    }
    let names = names_of_keys(decoder, inner, "by", keys);
    let by = names.map(|names| Signers { at_least: AtLeast::Any, names });
    Some(ScanRule { at_most: decoder.choice(inner, "at-most", &CEILINGS)?, by })
}

fn licences_rule<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>) -> Option<LicenceRule> {
    let value = table.get(LICENSES)?;
    let inner = decoder.table(value, LICENSES, &["allow", "unknown", "exceptions"])?;
    if inner.get("allow").is_none() {
        decoder.missing(inner, "allow");
    }
    let allow = decoder.strings(inner, "allow")?;
    for (text, span) in &allow {
        if let Err(message) = licences::check_allowed(text) {
            decoder.complain(span.clone(), "allow", message);
        }
    }
    Some(LicenceRule {
        allow: allow.into_iter().map(|(text, _)| text.to_owned()).collect(),
        allows_unknown: decoder.choice(inner, "unknown", &[("refuse", false), ("allow", true)]).unwrap_or_default(),
        allows_exceptions: decoder.boolean(inner, "exceptions").unwrap_or_default(),
    })
}
