//! Reading YAML nodes: the pairs of a mapping, each key once, with merges (`<<`) applied, and values of any type.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use serde_json::Value;

use super::node::{Content, Node, Scalar};
use super::number::json_float;
use super::scalar::{Resolved, resolve};
use crate::problem::{Mark, quoted};

/// The node of a key, its text, and the value.
type Pair = (Rc<Node>, String, Rc<Node>);

/// Reads values from YAML nodes and collects all problems instead of stopping at the first.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) problems: Vec<(Mark, String)>,
}

impl Reader {
    /// The mapping's own pairs, then the merged pairs whose keys the mapping does not have itself.
    pub(crate) fn pairs(&mut self, pairs: &[(Rc<Node>, Rc<Node>)]) -> Vec<Pair> {
        let mut own: Vec<Pair> = Vec::new();
        let mut seen = HashSet::new();
        let mut merged = None;
        for (key, value) in pairs {
            let Some(scalar) = key.scalar() else {
                self.report(key.head(), format!("a key must be a string, not {}", key.kind()));
                continue;
            };
            let is_merge = resolve(scalar) == Ok(Resolved::Merge);
            if !seen.insert((scalar.text.clone(), is_merge)) {
                self.report(key.mark, format!("the key {} appears twice", quoted(&scalar.text)));
            } else if is_merge {
                merged = Some(value);
            } else {
                own.push((Rc::clone(key), scalar.text.clone(), Rc::clone(value)));
            }
        }
        for pair in merged.map(|value| self.merged(value)).unwrap_or_default() {
            if seen.insert((pair.1.clone(), false)) {
                own.push(pair);
            }
        }
        own
    }

    /// The pairs of the mapping after `<<`, or of the mappings in a list, where earlier ones take precedence.
    fn merged(&mut self, value: &Rc<Node>) -> Vec<Pair> {
        let mappings = match &value.content {
            Content::Sequence(items) => items.clone(),
            _ => vec![Rc::clone(value)],
        };
        let mut all = Vec::new();
        for mapping in mappings {
            match &mapping.content {
                Content::Mapping(pairs) => all.extend(self.pairs(pairs)),
                _ => self.report(mapping.head(), format!("`<<` takes a mapping, not {}", mapping.kind())),
            }
        }
        all
    }

    /// Any value as the JSON that Go produces from it: keys in byte order, timestamps as strings.
    pub(crate) fn value(&mut self, node: &Node) -> Value {
        match &node.content {
            Content::Scalar(scalar) => scalar_value(scalar).unwrap_or_else(|message| {
                self.report(node.mark, message);
                Value::Null
            }),
            Content::Sequence(items) => items.iter().map(|item| self.value(item)).collect(),
            Content::Mapping(pairs) => {
                let mut sorted = BTreeMap::new();
                for (key, name, value) in self.pairs(pairs) {
                    self.check_key(&key);
                    sorted.insert(name, self.value(&value));
                }
                Value::Object(sorted.into_iter().collect())
            }
        }
    }

    /// The source text of a scalar, even if it looks like a number or a date: `1.20` stays `1.20`.
    pub(crate) fn text_of(&mut self, name: &str, node: &Node) -> String {
        let Some(scalar) = node.scalar() else {
            self.report(node.head(), format!("`{name}` must be a string, not {}", node.kind()));
            return String::new();
        };
        match resolve(scalar) {
            Ok(Resolved::Null) => String::new(),
            Ok(Resolved::Text(text)) => text,
            Ok(_) => scalar.text.clone(),
            Err(problem) => {
                self.report(node.mark, problem);
                String::new()
            }
        }
    }

    pub(crate) fn report(&mut self, mark: Mark, message: String) {
        self.problems.push((mark, message));
    }

    /// Reports a key that is not a string: JSON does not have such keys, and Go's encoder fails on them.
    fn check_key(&mut self, key: &Node) {
        let Some(scalar) = key.scalar() else { return };
        match resolve(scalar) {
            Ok(Resolved::Text(_)) => {}
            Ok(_) => {
                self.report(key.mark, format!("the key {} must be a string: put it in quotes", quoted(&scalar.text)));
            }
            Err(message) => self.report(key.mark, message),
        }
    }
}

/// Returns true if the node is null.
pub(crate) fn is_null(node: &Node) -> bool {
    node.scalar().is_some_and(|scalar| resolve(scalar) == Ok(Resolved::Null))
}

/// Reads the documents of `text`, which are YAML or JSON. The error is the first problem with its line.
pub fn values(text: &str) -> Result<Vec<Value>, String> {
    let mut values = Vec::new();
    let mut first_line = 1;
    for document in documents(text) {
        let place = |mark: Mark| {
            let before = document.get(..mark.start).unwrap_or(document);
            format!("line {}", first_line + before.matches('\n').count())
        };
        let node =
            super::node::compose(document).map_err(|error| format!("{}: {}", place(error.mark), error.message))?;
        if let Some(node) = node {
            let mut reader = Reader::default();
            // A document of comments only.
            values.extend(Some(reader.value(&node)).filter(|value| !value.is_null()));
            if let Some((mark, message)) = reader.problems.into_iter().next() {
                return Err(format!("{}: {message}", place(mark)));
            }
        }
        first_line += document.matches('\n').count();
    }
    Ok(values)
}

/// Splits a stream at the markers between its documents.
fn documents(text: &str) -> Vec<&str> {
    let text = super::node::without_mark(text);
    let (mut documents, mut start, mut at) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" && at > start {
            documents.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    documents.push(&text[start..]);
    documents
}

/// The value of a YAML document, if it is valid, for the fuzz target, which has no access to the types of this module.
#[cfg(fuzzing)]
pub fn fuzz_yaml(text: &str) -> Option<Value> {
    read_value(text)
}

/// The value of a YAML document, if it is valid.
pub fn read_value(text: &str) -> Option<Value> {
    let mut reader = Reader::default();
    let value = reader.value(&*super::node::compose(super::node::without_mark(text)).ok()??);
    reader.problems.is_empty().then_some(value)
}

fn scalar_value(scalar: &Scalar) -> Result<Value, String> {
    Ok(match resolve(scalar)? {
        Resolved::Null => Value::Null,
        Resolved::Bool(value) => Value::Bool(value),
        Resolved::Integer(digits) => Value::Number(digits.parse().map_err(|_| "not a number".to_owned())?),
        Resolved::Float(value) => Value::Number(
            json_float(value).ok_or_else(|| format!("{} cannot be represented in JSON", quoted(&scalar.text)))?,
        ),
        Resolved::Timestamp(text) | Resolved::Text(text) => Value::String(text),
        Resolved::Merge => Value::String(scalar.text.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::node::compose;

    #[test]
    fn a_stream_has_several_documents_and_errors_have_lines() {
        let read = |text: &str| values(text).map(|values| serde_json::to_string(&values).unwrap());
        for (text, expected) in [
            ("a: 1\n---\nb: [x]\n", r#"[{"a":1},{"b":["x"]}]"#),
            ("---\na: 1\n---\n# only a comment\n", r#"[{"a":1}]"#),
            ("{\"a\": {\"b\": null}}", r#"[{"a":{"b":null}}]"#),
            ("text: |\n  --- not a marker\n", r#"[{"text":"--- not a marker\n"}]"#),
            ("", "[]"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        assert!(
            read("a: 1\n---\nb: 1\nb: 2\n").unwrap_err().starts_with("line 4: "),
            "{:?}",
            read("b: 1\n---\nb: [\n")
        );
        assert!(read("a: [\n").is_err());
    }

    /// YAML texts and the JSON that Go (yaml.v3 3.0.1, encoding/json) produces from them; null where it fails.
    const GOLDEN: &str = include_str!("../../../../tests/golden/yaml_scalars.json");

    fn json_of(yaml: &str) -> Option<String> {
        let node = compose(yaml).ok()??;
        let mut reader = Reader::default();
        let value = reader.value(&node);
        reader.problems.is_empty().then(|| value.to_string())
    }

    #[test]
    fn values_are_read_as_in_go() {
        let cases: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
        assert!(cases.len() > 100);
        for case in &cases {
            let yaml = case["yaml"].as_str().unwrap();
            assert_eq!(json_of(yaml).as_deref(), case["json"].as_str(), "{yaml}");
        }
    }

    #[test]
    fn merges_fill_in_what_is_missing() {
        for (yaml, json) in [
            ("{<<: {a: 1, b: 2}, a: 3}", r#"{"a":3,"b":2}"#),
            ("{a: 3, <<: [{a: 1, b: 2}, {b: 4, c: 5}]}", r#"{"a":3,"b":2,"c":5}"#),
            ("[&x {<<: {a: 1}}, {<<: *x, b: 2}]", r#"[{"a":1},{"a":1,"b":2}]"#),
            (r#"{"<<": {a: 1}}"#, r#"{"<<":{"a":1}}"#),
        ] {
            assert_eq!(json_of(yaml).as_deref(), Some(json), "{yaml}");
        }
        assert_eq!(json_of("{<<: 1}"), None);
        assert_eq!(json_of("{<<: {}, <<: {}}"), None);
    }
}
