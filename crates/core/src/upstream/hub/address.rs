//! Addresses of repositories of a hub, as users write them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

/// A repository of a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The hub, such as `https://huggingface.co`, if the address names one.
    pub hub: Option<String>,
    /// The kind of the repository.
    pub kind: Kind,
    /// The owner and the name, such as `openai/whisper-tiny`; some old models have no owner.
    pub name: String,
    /// The branch, tag or commit, if the address names one.
    pub revision: Option<String>,
}

/// The kind of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A model.
    Model,
    /// A dataset.
    Dataset,
}

impl Kind {
    /// The name of this kind in the paths of the API.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => DATASETS,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
        })
    }
}

/// The path segment before the names of datasets.
const DATASETS: &str = "datasets";

/// A text that is not the address of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a repository of a hub: write OWNER/NAME, datasets/OWNER/NAME, or the address of its page")]
pub struct InvalidAddress(String);

impl FromStr for Address {
    type Err = InvalidAddress;

    /// Reads `OWNER/NAME`, `hf://OWNER/NAME@REVISION` or the address of a page,
    /// `https://HUB/OWNER/NAME/tree/REVISION`. A dataset has `datasets/` before its owner.
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = || InvalidAddress(text.to_owned());
        let (hub, path) = match text.split_once("://") {
            Some((scheme @ ("https" | "http"), rest)) => {
                let (host, path) = rest.split_once('/').ok_or_else(invalid)?;
                let path = path.split(['?', '#']).next().unwrap_or_default();
                let path = percent_decode_str(path).decode_utf8().map_err(|_| invalid())?;
                (Some(format!("{scheme}://{host}")), path)
            }
            Some(("hf", path)) => (None, Cow::Borrowed(path)),
            Some(_) => return Err(invalid()),
            None => (None, Cow::Borrowed(text)),
        };
        let (kind, path) = match path.strip_prefix(DATASETS).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => (Kind::Dataset, rest),
            None => (Kind::Model, &*path),
        };
        let (name, revision) = split_revision(path.trim_end_matches('/'));
        if !is_name(name) || revision.is_some_and(str::is_empty) {
            return Err(invalid());
        }
        Ok(Self { hub, kind, name: name.to_owned(), revision: revision.map(str::to_owned) })
    }
}

impl Address {
    /// The owner of the repository, if its name contains one.
    pub fn owner(&self) -> Option<&str> {
        self.name.split_once('/').map(|(owner, _)| owner)
    }

    /// The name without the owner.
    pub fn short_name(&self) -> &str {
        self.name.split_once('/').map_or(&self.name, |(_, name)| name)
    }

    /// The path segments of its page.
    pub(super) fn segments(&self) -> Vec<String> {
        let kind = (self.kind == Kind::Dataset).then_some(DATASETS);
        kind.into_iter().chain(self.name.split('/')).map(str::to_owned).collect()
    }
}

fn split_revision(path: &str) -> (&str, Option<&str>) {
    let split = path.split_once("/tree/").or_else(|| path.split_once('@'));
    split.map_or((path, None), |(name, revision)| (name, Some(revision)))
}

/// Checks for one name or two, of the characters that the hub allows (`huggingface_hub`, `validate_repo_id`).
fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && part.chars().all(is_sign) && !part.contains("..") && !part.starts_with('.')
    };
    text.split('/').count() <= 2 && text.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_named_in_many_ways() {
        let check = |text: &str, hub: Option<&str>, kind, name: &str, revision: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let expected = Address { hub: own(hub), kind, name: name.to_owned(), revision: own(revision) };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        };
        check("ada/net", None, Kind::Model, "ada/net", None);
        check("gpt2", None, Kind::Model, "gpt2", None);
        check("datasets/ada/texts", None, Kind::Dataset, "ada/texts", None);
        check("hf://ada/net@v1", None, Kind::Model, "ada/net", Some("v1"));
        check("hf://datasets/ada/texts@refs/pr/1", None, Kind::Dataset, "ada/texts", Some("refs/pr/1"));
        check("https://hf.co/ada/net/", Some("https://hf.co"), Kind::Model, "ada/net", None);
        check("http://hub:80/ada/net/tree/a/b", Some("http://hub:80"), Kind::Model, "ada/net", Some("a/b"));
        check("https://hub/ada/net/tree/refs%2Fpr%2F1", Some("https://hub"), Kind::Model, "ada/net", Some("refs/pr/1"));
        check("https://hub/ada/net/tree/v1?library=a#b", Some("https://hub"), Kind::Model, "ada/net", Some("v1"));
        check("https://hub/a/b?x=1", Some("https://hub"), Kind::Model, "a/b", None);
        check("https://hub/datasets/ada/texts", Some("https://hub"), Kind::Dataset, "ada/texts", None);
    }

    #[test]
    fn other_texts_name_no_repository() {
        for text in [
            "",
            "/",
            "a//b",
            "a/b/c",
            "../b",
            "a/..",
            ".a",
            "a b",
            "a/b@",
            "ssh://h/a/b",
            "https://hub",
            "spaces/a/b",
            "a/b#c",
            "https://hub/",
        ] {
            assert_eq!(text.parse::<Address>(), Err(InvalidAddress(text.to_owned())), "{text}");
        }
    }
}
