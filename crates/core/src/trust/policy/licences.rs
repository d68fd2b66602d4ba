//! The licences that a rule allows.

use spdx::{Expression, LicenseReq, Licensee, ParseMode};

use super::document::LicenceRule;
use super::facts::LicenceFact;
use crate::problem::quoted;

/// The identifiers of the SPDX list, also deprecated ones, which Kitfiles contain.
const MODE: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };
/// The prefix for licences that are not in the SPDX list (SPDX 2.3, annex D).
const OTHER: &str = "LicenseRef-";

/// Checks an entry of the list of allowed licences.
pub(super) fn check_allowed(text: &str) -> Result<(), String> {
    let is_right = match text.strip_prefix(OTHER) {
        Some(name) => !name.is_empty() && !name.contains(char::is_whitespace),
        None => Licensee::parse_mode(text, MODE).is_ok(),
    };
    let message = "is not the SPDX identifier of a licence; write `LicenseRef-NAME` for a licence without one";
    is_right.then_some(()).ok_or_else(|| format!("{} {message}", quoted(text)))
}

/// Describes why `rule` does not allow the licence; `None` if it does.
pub(super) fn objection(rule: &LicenceRule, fact: &LicenceFact) -> Option<String> {
    let Some(text) = fact.licence.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
        return (!rule.allows_unknown).then(|| format!("`{}`: no licence is given", fact.subject));
    };
    if is_listed(rule, text) {
        return None;
    }
    let refused = || format!("`{}`: {text} is not allowed", fact.subject);
    match Expression::parse_mode(text, MODE) {
        Ok(expression) => (!expression.evaluate(|wanted| is_allowed(rule, wanted))).then(refused),
        Err(_) if rule.allows_unknown => None,
        Err(_) => Some(format!("`{}`: `{text}` is neither an SPDX expression nor allowed by its name", fact.subject)),
    }
}

/// Returns true for a text that the list contains, as it is or as the name of a licence without an SPDX identifier.
fn is_listed(rule: &LicenceRule, text: &str) -> bool {
    let is_same = |entry: &String| {
        let name = entry.strip_prefix(OTHER).unwrap_or(entry);
        text.eq_ignore_ascii_case(entry) || text.eq_ignore_ascii_case(name)
    };
    rule.allow.iter().any(is_same)
}

fn is_allowed(rule: &LicenceRule, wanted: &LicenseReq) -> bool {
    let satisfies = |wanted: &LicenseReq| {
        rule.allow.iter().any(|entry| match Licensee::parse_mode(entry, MODE) {
            Ok(allowed) => allowed.satisfies(wanted),
            Err(_) => wanted.to_string() == *entry,
        })
    };
    let alone = LicenseReq { license: wanted.license.clone(), addition: None };
    satisfies(wanted) || rule.allows_exceptions && wanted.addition.is_some() && satisfies(&alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allow: &[&str], exceptions: bool, licence: &str, expected: bool) {
        let rule = LicenceRule {
            allow: allow.iter().map(|text| (*text).to_owned()).collect(),
            allows_unknown: false,
            allows_exceptions: exceptions,
        };
        let fact = LicenceFact { subject: "m".to_owned(), licence: Some(licence.to_owned()) };
        let objection = objection(&rule, &fact);
        assert_eq!(objection.is_none(), expected, "{allow:?} {licence}: {objection:?}");
    }

    #[test]
    fn an_expression_is_allowed_if_the_list_satisfies_it() {
        check(&["MIT"], false, "MIT", true);
        check(&["MIT"], false, "mit", true);
        check(&["MIT"], false, "Apache-2.0", false);
        check(&["MIT"], false, "MIT OR GPL-3.0-only", true);
        check(&["MIT"], false, "MIT AND GPL-3.0-only", false);
        check(&["MIT", "GPL-3.0-only"], false, "MIT AND GPL-3.0-only", true);
        check(&["Apache-2.0"], false, "Apache-2.0+", true);
        check(&["MIT"], false, "(MIT OR X11) AND ISC", false);
        check(&["GPL-3.0"], false, "GPL-3.0", true);
    }

    #[test]
    fn an_exception_needs_the_pair_or_the_permission() {
        let with = "Apache-2.0 WITH LLVM-exception";
        check(&["Apache-2.0"], false, with, false);
        check(&["Apache-2.0"], true, with, true);
        check(&[with], false, with, true);
        check(&[with], false, "Apache-2.0", false);
        check(&["MIT"], true, with, false);
    }

    #[test]
    fn licences_without_an_identifier_are_allowed_by_their_name() {
        check(&["LicenseRef-llama3.1"], false, "llama3.1", true);
        check(&["LicenseRef-openrail++"], false, "openrail++", true);
        check(&["LicenseRef-llama3.1"], false, "LicenseRef-llama3.1", true);
        check(&["LicenseRef-llama3.1"], false, "LicenseRef-llama3.1 OR MIT", true);
        check(&["LicenseRef-llama3.1"], false, "llama3", false);
        check(&["MIT"], false, "see the file LICENSE", false);
    }

    #[test]
    fn a_missing_licence_or_a_text_is_decided_by_unknown() {
        for (licence, allows_unknown) in [(None, true), (None, false), (Some("my own"), true), (Some("my own"), false)]
        {
            let rule = LicenceRule { allow: vec!["MIT".to_owned()], allows_unknown, allows_exceptions: false };
            let fact = LicenceFact { subject: "model".to_owned(), licence: licence.map(str::to_owned) };
            assert_eq!(objection(&rule, &fact).is_none(), allows_unknown, "{licence:?}");
        }
    }

    #[test]
    fn the_list_contains_identifiers() {
        for (text, is_right) in [
            ("MIT", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("LicenseRef-gemma", true),
            ("LicenseRef-", false),
            ("Apache 2", false),
            ("MIT OR ISC", false),
            ("gemma", false),
        ] {
            assert_eq!(check_allowed(text).is_ok(), is_right, "{text}");
        }
    }
}
