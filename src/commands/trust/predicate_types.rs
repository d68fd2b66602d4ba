//! The words for types of attestations.

use anyhow::Result;

use crate::output::usage;
use kit_core::trust::policy::PREDICATE_TYPES;

/// The type of the statement that lists all files, which only `kit sign` writes.
pub(super) const MODEL_SIGNING: &str = "model-signing";

/// The words with their URIs: those of policies, and one more. The first word of a URI is the one that is printed.
fn types() -> impl Iterator<Item = (&'static str, &'static str)> {
    PREDICATE_TYPES.iter().copied().chain([(MODEL_SIGNING, "https://model_signing/signature/v1.0")])
}

/// Returns the URI of a type that the user named by a word or by its URI.
pub(super) fn uri(text: &str) -> Result<String> {
    if let Some((_, uri)) = types().find(|(word, _)| *word == text) {
        return Ok(uri.to_owned());
    }
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
        let words: Vec<_> = types().map(|(word, _)| word).collect();
        return Err(usage(format!("`{text}` is neither a URI nor one of {}", words.join(", "))));
    }
    Ok(text.to_owned())
}

/// Returns the word for a URI, or the URI itself.
pub(crate) fn word(uri: &str) -> String {
    types().find(|(_, known)| *known == uri).map_or(uri, |(word, _)| word).to_owned()
}
