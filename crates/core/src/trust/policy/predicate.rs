//! The words for types of predicates. The first ones are those of cosign.

use crate::provenance::{APPROVAL_PREDICATE_TYPE, PROMOTION_PREDICATE_TYPE, RECALL_PREDICATE_TYPE};

/// The words, with the URI of each.
pub const PREDICATE_TYPES: &[(&str, &str)] = &[
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
    ("openvex", "https://openvex.dev/ns"),
    ("link", "https://in-toto.io/Link/v1"),
    ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ("test-result", TEST_RESULT),
    ("scan", SCAN),
    ("approval", APPROVAL_PREDICATE_TYPE),
    ("recall", RECALL_PREDICATE_TYPE),
    ("promotion", PROMOTION_PREDICATE_TYPE),
];

pub(super) const PROVENANCE: [&str; 2] = ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"];
pub(super) const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
pub(super) const SCAN: &str = "urn:kit:scan:v1";

/// The URI of the type `text`, which is one of the words or a URI.
pub fn predicate_type(text: &str) -> Option<String> {
    let known = PREDICATE_TYPES.iter().find(|(word, _)| *word == text).map(|(_, uri)| (*uri).to_owned());
    known.or_else(|| is_uri(text).then(|| text.to_owned()))
}

/// Accepts a scheme, a colon and something behind it without white space (RFC 3986, section 3).
fn is_uri(text: &str) -> bool {
    let scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let visible = |rest: &str| !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control());
    text.split_once(':').is_some_and(|(before, rest)| scheme(before) && visible(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_a_word_or_a_uri() {
        for (text, expected) in [
            ("slsaprovenance1", Some("https://slsa.dev/provenance/v1")),
            ("scan", Some("urn:kit:scan:v1")),
            ("approval", Some("urn:kit:approval:v1")),
            ("https://acme.example/review/v1", Some("https://acme.example/review/v1")),
            ("test-results", None),
            ("", None),
            (":x", None),
            ("a b:c", None),
            ("urn:", None),
        ] {
            assert_eq!(predicate_type(text).as_deref(), expected, "{text}");
        }
    }
}
