//! The labels of a ModelKit in an index, by which it is told from the others and chosen (`KitOps`, "modelMetadata").

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names and values, in the order of the names so that equal ones give equal bytes. A value is a text mostly, and may be any JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, Value>);

/// What a ModelKit is asked to have: `quantization=Q4_K`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    key: String,
    value: String,
}

/// A change of labels: `key=text`, `key:=JSON`, or `key-`, which takes the label away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelEdit {
    /// The label has this value from now on.
    Set(String, Value),
    /// The label goes.
    Remove(String),
}

impl Labels {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all `labels` are among these, as they are shown.
    pub fn have(&self, labels: &[Label]) -> bool {
        labels.iter().all(|label| self.0.get(&label.key).is_some_and(|value| shown(value) == label.value))
    }

    /// Makes the changes, one after the other.
    pub fn edit(&mut self, edits: &[LabelEdit]) {
        for edit in edits {
            match edit {
                LabelEdit::Set(key, value) => drop(self.0.insert(key.clone(), value.clone())),
                LabelEdit::Remove(key) => drop(self.0.remove(key)),
            }
        }
    }

    /// All of them, as [`Label`] has them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|(key, value)| (key.as_str(), shown(value)))
    }
}

impl<K: Into<String>> FromIterator<(K, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, String)>>(labels: I) -> Self {
        Self(labels.into_iter().map(|(key, value)| (key.into(), Value::String(value))).collect())
    }
}

/// A text as it is, anything else as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl fmt::Display for Labels {
    /// In one line, whatever strangers wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = self.iter().map(|(key, value)| format!("{key}={value}")).collect();
        f.write_str(&if labels.is_empty() { "no labels".to_owned() } else { labels.join(", ").replace('\n', "\\n") })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl FromStr for Label {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        let (key, value) = text.split_once('=').ok_or_else(|| InvalidLabel::NoValue(text.to_owned()))?;
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl FromStr for LabelEdit {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        let edit = match text.split_once('=') {
            Some((key, value)) => match key.strip_suffix(':') {
                Some(key) => {
                    let not_json = |source| InvalidLabel::NotJson { text: text.to_owned(), source };
                    Self::Set(key.to_owned(), serde_json::from_str(value).map_err(not_json)?)
                }
                None => Self::Set(key.to_owned(), Value::String(value.to_owned())),
            },
            None => {
                Self::Remove(text.strip_suffix('-').ok_or_else(|| InvalidLabel::NoEdit(text.to_owned()))?.to_owned())
            }
        };
        match &edit {
            Self::Set(key, _) if !is_key(key) => Err(InvalidLabel::Key(key.clone())),
            Self::Set(..) | Self::Remove(_) => Ok(edit),
        }
    }
}

/// What `KitOps` takes: a name, perhaps with a domain and `/` in front.
fn is_key(key: &str) -> bool {
    let is_name = |name: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        name.bytes().all(is_inner)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.ends_with(|last: char| last.is_ascii_alphanumeric())
    };
    match key.split_once('/') {
        Some((domain, name)) => {
            let is_lower = |byte: u8| !byte.is_ascii_uppercase() && byte != b'_';
            domain.bytes().all(is_lower) && domain.split('.').all(is_name) && is_name(name)
        }
        None => is_name(key),
    }
}

/// Why a text is no label.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLabel {
    /// It has no `=`.
    #[error("`{0}` is no label; `KEY=VALUE` is one")]
    NoValue(String),
    /// It sets nothing and removes nothing.
    #[error("`{0}` is no label; `KEY=VALUE` sets one, `KEY:=JSON` one that is no text, `KEY-` removes one")]
    NoEdit(String),
    /// Its name has signs that no name has.
    #[error("`{0}` is no name of a label: letters, digits, `-`, `_` and `.`, perhaps with a domain and `/` in front")]
    Key(String),
    /// What stands behind `:=` is no JSON.
    #[error("the value of `{text}` is not JSON")]
    NotJson {
        /// The whole label.
        text: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(edits: &[&str]) -> Labels {
        let mut labels = Labels::default();
        labels.edit(&edits.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>());
        labels
    }

    #[test]
    fn labels_are_set_and_removed_in_order() {
        for (edits, expected) in [
            (&[][..], "no labels"),
            (&["vram=6GB", "quantization=Q4_0"], "quantization=Q4_0, vram=6GB"),
            (&["a=1", "a=2"], "a=2"),
            (&["a=1", "a-"], "no labels"),
            (&["never-"], "no labels"),
            (
                &[r#"gpus:=["sm_80", "sm_90"]"#, "n:=70000000000000000000"],
                r#"gpus=["sm_80","sm_90"], n=70000000000000000000"#,
            ),
            (&["example.com/gpu=a=b"], "example.com/gpu=a=b"),
            (&["two=lines\nhere"], "two=lines\\nhere"),
        ] {
            assert_eq!(labels(edits).to_string(), expected, "{edits:?}");
        }
    }

    #[test]
    fn what_is_no_label_is_refused() {
        for text in ["", "a", "=1", "a:=", "a:=[", "-a=1", "a b=1", "A.com/gpu=1", "/gpu=1", "a/b/c=1", "a_=1"] {
            assert!(text.parse::<LabelEdit>().is_err(), "{text}");
        }
        assert!("quantization-".parse::<Label>().is_err());
    }

    #[test]
    fn all_that_is_asked_for_has_to_be_there() {
        let labels = labels(&["quantization=Q4_0", "bits:=4", r#"gpus:=["a"]"#]);
        for (asked, expected) in [
            (&[][..], true),
            (&["quantization=Q4_0"], true),
            (&["bits=4", r#"gpus=["a"]"#], true),
            (&["quantization=Q4_0", "bits=8"], false),
            (&["quantization=q4_0"], false),
            (&["vram=6GB"], false),
        ] {
            let asked: Vec<Label> = asked.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(labels.have(&asked), expected, "{asked:?}");
        }
    }
}
