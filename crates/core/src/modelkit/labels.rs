//! The labels that distinguish the ModelKits of an index and select one of them (`KitOps`, "modelMetadata").

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names and values, sorted by name so that equal labels give equal bytes. A value is usually a string, but can be any
/// JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, Value>);

/// A required label of a ModelKit: `quantization=Q4_K`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    key: String,
    value: String,
}

/// A change of a label: `key=text`, `key:=JSON`, or `key-`, which removes the label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelEdit {
    /// Sets the label to this value.
    Set(String, Value),
    /// Removes the label.
    Remove(String),
}

impl Labels {
    /// Returns true if there are no labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if all `labels` are present, compared in their displayed form.
    pub fn have(&self, labels: &[Label]) -> bool {
        labels.iter().all(|label| self.0.get(&label.key).is_some_and(|value| shown(value) == label.value))
    }

    /// Adds `others`, which replace labels of the same name.
    pub(super) fn add(&mut self, others: &Self) {
        self.0.extend(others.0.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// Applies the changes in the given order.
    pub fn edit(&mut self, edits: &[LabelEdit]) {
        for edit in edits {
            match edit {
                LabelEdit::Set(key, value) => drop(self.0.insert(key.clone(), value.clone())),
                LabelEdit::Remove(key) => drop(self.0.remove(key)),
            }
        }
    }

    /// All labels in their displayed form, as in [`Label`].
    pub fn iter(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|(key, value)| (key.as_str(), shown(value)))
    }
}

impl<K: Into<String>> FromIterator<(K, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, String)>>(labels: I) -> Self {
        Self(labels.into_iter().map(|(key, value)| (key.into(), Value::String(value))).collect())
    }
}

/// A string as it is, any other value as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl fmt::Display for Labels {
    /// Writes the labels on one line, even if values by other tools contain line breaks.
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
            Self::Set(key, _) | Self::Remove(key) if key.is_empty() => Err(InvalidLabel::NoKey(text.to_owned())),
            Self::Set(key, _) if !is_key(key) => Err(InvalidLabel::Key(key.clone())),
            Self::Set(..) | Self::Remove(_) => Ok(edit),
        }
    }
}

/// A change of an annotation: `key=text`, or `key-`, which removes the annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnnotationEdit {
    /// Sets the annotation to this text.
    Set(String, String),
    /// Removes the annotation.
    Remove(String),
}

/// The beginning of the names of annotations that `kit` records itself.
const RESERVED: &str = "ml.kitops.modelkit.";

impl FromStr for AnnotationEdit {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        let edit = match text.parse()? {
            LabelEdit::Set(key, Value::String(value)) if !text[key.len()..].starts_with(':') => Self::Set(key, value),
            LabelEdit::Set(..) => return Err(InvalidLabel::NotText(text.to_owned())),
            LabelEdit::Remove(key) => Self::Remove(key),
        };
        let key = edit.key();
        if key.starts_with(RESERVED) { Err(InvalidLabel::Reserved(key.to_owned())) } else { Ok(edit) }
    }
}

/// A name that is given several times in a list of labels or changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is given twice: each key can be specified only once")]
pub struct RepeatedKey(String);

/// A label, or a change of a label or an annotation, which has a name.
pub trait Keyed {
    /// The name.
    fn key(&self) -> &str;
}

impl Keyed for Label {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Keyed for LabelEdit {
    fn key(&self) -> &str {
        let (Self::Set(key, _) | Self::Remove(key)) = self;
        key
    }
}

impl Keyed for AnnotationEdit {
    fn key(&self) -> &str {
        let (Self::Set(key, _) | Self::Remove(key)) = self;
        key
    }
}

/// Fails if two of `items` have the same name.
pub fn check_keys(items: &[impl Keyed]) -> Result<(), RepeatedKey> {
    let mut seen = HashSet::new();
    match items.iter().find(|item| !seen.insert(item.key())) {
        Some(repeated) => Err(RepeatedKey(repeated.key().to_owned())),
        None => Ok(()),
    }
}

/// Accepts the names that `KitOps` accepts: a name, optionally after a domain and `/`.
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

/// The reason why a text is not a label or a label change.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLabel {
    /// There is no `=`.
    #[error("`{0}` is not a label; use `KEY=VALUE`")]
    NoValue(String),
    /// It neither sets nor removes a label.
    #[error(
        "`{0}` is not a label change: expected key=value to set, or key- to remove; key:=JSON sets a number or list"
    )]
    NoEdit(String),
    /// The name is empty.
    #[error("`{0}` is not a label change: the key cannot be empty")]
    NoKey(String),
    /// An annotation has a value that is not a text.
    #[error("`{0}` is not an annotation: annotation values are strings; use key=value")]
    NotText(String),
    /// An annotation has a reserved name.
    #[error(
        "`{0}` cannot be changed: the `ml.kitops.modelkit.` namespace is reserved for annotations kit records itself"
    )]
    Reserved(String),
    /// The name contains characters that are not allowed.
    #[error("`{0}` is not a label name; use letters, digits, `-`, `_` and `.`, optionally after a domain and `/`")]
    Key(String),
    /// The text after `:=` is not JSON.
    #[error("the value of `{text}` is not JSON")]
    NotJson {
        /// The whole label.
        text: String,
        /// The problem of the value.
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
    fn invalid_labels_are_refused() {
        for text in ["", "a", "=1", "a:=", "a:=[", "-a=1", "a b=1", "A.com/gpu=1", "/gpu=1", "a/b/c=1", "a_=1"] {
            assert!(text.parse::<LabelEdit>().is_err(), "{text}");
        }
        assert!("quantization-".parse::<Label>().is_err());
    }

    #[test]
    fn annotations_are_texts_outside_of_the_reserved_namespace() {
        let set = |value: &str| AnnotationEdit::Set("a.b/c".to_owned(), value.to_owned());
        assert_eq!("a.b/c=d=e".parse::<AnnotationEdit>().unwrap(), set("d=e"));
        assert_eq!("a.b/c-".parse::<AnnotationEdit>().unwrap(), AnnotationEdit::Remove("a.b/c".to_owned()));
        for text in ["a:=1", "a:=\"b\"", "=1", "-", "a", "ml.kitops.modelkit.size=1", "ml.kitops.modelkit.size-"] {
            assert!(text.parse::<AnnotationEdit>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_requested_label_must_match() {
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
