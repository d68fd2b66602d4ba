//! Words for the types of referrers, which users know by their purpose.

use kit_core::provenance;

/// The word for a referrer, for example `provenance record`; its type if there is none.
pub(super) fn referrer<'a>(artifact_type: &'a str, predicate_type: Option<&str>) -> &'a str {
    if artifact_type == provenance::MEDIA_TYPE {
        return if predicate_type == Some(provenance::PREDICATE_TYPE) { "provenance record" } else { "attestation" };
    }
    let known = WORDS.iter().find(|(start, _)| artifact_type.starts_with(start));
    known.map_or(artifact_type, |(_, word)| word)
}

/// The beginnings of types, without versions, and the words for them.
const WORDS: [(&str, &str); 9] = [
    ("application/vnd.kit.owners.", "owners"),
    ("application/vnd.kit.contents.", "table of contents"),
    ("application/vnd.cncf.notary.signature", "signature"),
    ("application/vnd.dev.cosign.artifact.sig.", "signature"),
    ("application/vnd.dev.sigstore.bundle.", "Sigstore bundle"),
    ("application/vnd.cyclonedx", "SBOM"),
    ("application/spdx", "SBOM"),
    ("text/spdx", "SBOM"),
    ("application/sarif", "scan report"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn referrers_are_named_by_their_purpose() {
        let statement = "application/vnd.in-toto+json";
        for (artifact_type, predicate_type, expected) in [
            ("application/vnd.kit.contents.v1", None, "table of contents"),
            (statement, Some("https://slsa.dev/provenance/v1"), "provenance record"),
            (statement, Some("https://in-toto.io/attestation/test-result/v0.1"), "attestation"),
            (statement, None, "attestation"),
            ("application/vnd.dev.sigstore.bundle.v0.3+json", None, "Sigstore bundle"),
            ("application/spdx+json", None, "SBOM"),
            ("application/vnd.example", None, "application/vnd.example"),
        ] {
            assert_eq!(referrer(artifact_type, predicate_type), expected);
        }
    }
}
