//! The answers of the API (huggingface.co/docs/hub/api), limited to the fields in use.

use serde::Deserialize;
use serde_json::Value;

use crate::digest::Digest;

/// `/api/{models,datasets}/NAME/revision/REVISION`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Info {
    /// The commit.
    pub(super) sha: String,
    /// The front matter of the card.
    #[serde(default)]
    card_data: Value,
    #[serde(default)]
    tags: Vec<String>,
}

impl Info {
    /// The licence that the card names, if it is exactly one and neither `other` nor `unknown`. SPDX identifiers are
    /// case-insensitive.
    pub(super) fn license(&self) -> Option<String> {
        let named = match &self.card_data["license"] {
            Value::String(license) => Some(license.as_str()),
            Value::Array(licenses) => match &licenses[..] {
                [Value::String(license)] => Some(license.as_str()),
                _ => None,
            },
            _ => self.tags.iter().find_map(|tag| tag.strip_prefix("license:")),
        };
        named.filter(|license| !matches!(*license, "other" | "unknown" | "")).map(str::to_owned)
    }

    /// Returns true if the commit is well-formed: it becomes a part of addresses, and identifies the imported files.
    pub(super) fn has_commit(&self) -> bool {
        matches!(self.sha.len(), 40 | 64) && self.sha.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// An element of a page of `/api/{models,datasets}/NAME/tree/COMMIT`.
#[derive(Deserialize)]
pub(super) struct Item {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) size: u64,
    pub(super) lfs: Option<Lfs>,
}

/// A file of which git stores only a pointer.
#[derive(Deserialize)]
pub(super) struct Lfs {
    oid: String,
    pub(super) size: u64,
}

impl Lfs {
    /// The digest of the file; `None` if the id is not one.
    pub(super) fn digest(&self) -> Option<Digest> {
        let hex = self.oid.strip_prefix("sha256:").unwrap_or(&self.oid);
        format!("sha256:{hex}").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_licence_is_the_one_in_the_card() {
        for (answer, expected) in [
            (r#"{"sha":"x","cardData":{"license":"mit"}}"#, Some("mit")),
            (r#"{"sha":"x","cardData":{"license":["apache-2.0"]}}"#, Some("apache-2.0")),
            (r#"{"sha":"x","cardData":{"license":["mit","apache-2.0"]}}"#, None),
            (r#"{"sha":"x","cardData":{"license":"other"},"tags":["license:other"]}"#, None),
            (r#"{"sha":"x","tags":["en","license:gpl-3.0"]}"#, Some("gpl-3.0")),
            (r#"{"sha":"x","cardData":null}"#, None),
        ] {
            let info: Info = serde_json::from_str(answer).unwrap();
            assert_eq!(info.license().as_deref(), expected, "{answer}");
        }
    }

    #[test]
    fn an_id_of_lfs_is_a_digest() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let lfs = |oid: &str| Lfs { oid: oid.to_owned(), size: 0 };
        assert_eq!(lfs(hex).digest(), Some(Digest::of(b"")));
        assert_eq!(lfs(&format!("sha256:{hex}")).digest(), Some(Digest::of(b"")));
        assert_eq!(lfs("da39a3ee").digest(), None);
    }
}
