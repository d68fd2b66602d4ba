//! The words for types of attestations.

use anyhow::Result;

use crate::output::usage;

/// The words with their URIs. The first word of a URI is the one that is printed. All but the last three are those of
/// `cosign attest --type`.
const TYPES: [(&str, &str); 13] = [
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
    ("test-result", "https://in-toto.io/attestation/test-result/v0.1"),
    ("scan", "urn:kit:scan:v1"),
    (MODEL_SIGNING, "https://model_signing/signature/v1.0"),
];

/// The type of the statement that lists all files, which only `kit sign` writes.
pub(super) const MODEL_SIGNING: &str = "model-signing";

/// Returns the URI of a type that the user named by a word or by its URI.
pub(super) fn uri(text: &str) -> Result<String> {
    if let Some((_, uri)) = TYPES.iter().find(|(word, _)| *word == text) {
        return Ok((*uri).to_owned());
    }
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
        let words: Vec<_> = TYPES.iter().map(|(word, _)| *word).collect();
        return Err(usage(format!("`{text}` is neither a URI nor one of {}", words.join(", "))));
    }
    Ok(text.to_owned())
}

/// Returns the word for a URI, or the URI itself.
pub(crate) fn word(uri: &str) -> String {
    TYPES.iter().find(|(_, known)| *known == uri).map_or(uri, |(word, _)| word).to_owned()
}
