//! Writes YAML as Go's yaml.v3 does with an indent of 2, so that a Kitfile looks the same from either tool.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::document::Kitfile;
use super::number::yaml_number;
use super::write_scalar::{Place, is_simple_key, scalar};

/// The Kitfile as YAML, without the digests that a config adds to it.
pub fn to_yaml(kitfile: &Kitfile) -> String {
    value_to_yaml(&yaml_tree(kitfile))
}

/// The Kitfile as a tree with the keys in the order of [`to_yaml`], for those who show parts of it.
///
/// An empty package is left out, and the maps in parameters are in natural order: `a2` before `a10`.
pub fn yaml_tree(kitfile: &Kitfile) -> Value {
    // The document types hold texts, lists and parameters only, all of which JSON has a form for.
    let Ok(Value::Object(mut tree)) = serde_json::to_value(kitfile) else { return Value::Null };
    tree.retain(|key, value| key != "package" || value.as_object().is_some_and(|package| !package.is_empty()));
    let datasets = tree.get_mut("datasets").and_then(Value::as_array_mut).into_iter().flatten();
    for dataset in datasets {
        sort_parameters(dataset);
    }
    if let Some(model) = tree.get_mut("model") {
        sort_parameters(model);
    }
    Value::Object(tree)
}

fn sort_parameters(entry: &mut Value) {
    if let Some(parameters) = entry.get_mut("parameters") {
        sort_naturally(parameters);
    }
}

fn sort_naturally(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(sort_naturally),
        Value::Object(map) => {
            map.values_mut().for_each(sort_naturally);
            let mut pairs: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
            pairs.sort_by(|(left, _), (right, _)| natural_order(left, right));
            *map = pairs.into_iter().collect();
        }
        _ => {}
    }
}

/// yaml.v3, `sorter.go`: runs of digits compare as numbers, and signs come before letters except right after a digit.
fn natural_order(left: &str, right: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(one, other)| one != other) else {
        return left.len().cmp(&right.len());
    };
    let after_digit = at > 0 && left[at - 1].is_ascii_digit();
    let (one, other) = (left[at], right[at]);
    match (one.is_alphabetic(), other.is_alphabetic()) {
        (true, true) => one.cmp(&other),
        (true, false) => {
            if after_digit {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, true) => {
            if after_digit {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, false) => {
            digit_run(&left, at, one, other).cmp(&digit_run(&right, at, one, other)).then_with(|| one.cmp(&other))
        }
    }
}

/// The value and the end of the run of digits that goes on at `at`, comparable between the two keys that differ there.
fn digit_run(key: &[char], at: usize, one: char, other: char) -> (u128, usize) {
    let before = key[..at].iter().rev().take_while(|sign| sign.is_ascii_digit());
    let leads = (one == '0' || other == '0') && before.into_iter().any(|digit| *digit != '0');
    let digits = key[at..].iter().map_while(|sign| sign.to_digit(10));
    let (value, length) = digits.fold((u128::from(leads), 0), |(value, length), digit| {
        (value.saturating_mul(10).saturating_add(u128::from(digit)), length + 1)
    });
    (value, at + length)
}

/// Any tree as YAML, maps in the order they are in.
///
/// A list under the key `authors` is written in one line, as yaml.v3 does for that field; below `parameters` it is not.
pub fn value_to_yaml(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), authors_in_line: true };
    writer.block(value, 0, Start::Line);
    writer.out
}

struct Writer {
    out: String,
    authors_in_line: bool,
}

/// Where a block begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// At the beginning of a line.
    Line,
    /// Behind the `- `, `? ` or `: ` that its first line shares.
    Shared,
}

impl Writer {
    /// Writes `value` with its lines indented by `indent`, and ends the last of them.
    fn block(&mut self, value: &Value, indent: usize, start: Start) {
        match value {
            Value::Object(map) if !map.is_empty() => self.mapping(map, indent, start),
            Value::Array(items) if !items.is_empty() => self.sequence(items, indent, start),
            _ => {
                // A literal block in the root or behind a dash stands two columns further in than the node itself.
                let inner = if start == Start::Line { indent + 2 } else { indent };
                self.leaf(value, inner);
                self.out.push('\n');
            }
        }
    }

    fn mapping(&mut self, map: &Map<String, Value>, indent: usize, start: Start) {
        for (index, (key, value)) in map.iter().enumerate() {
            self.begin_line(indent, index == 0 && start == Start::Shared);
            if is_simple_key(key) {
                self.out.push_str(&scalar(key, Place::Key));
                self.out.push(':');
                self.value_of(key, value, indent);
            } else {
                self.out.push_str("? ");
                self.out.push_str(&scalar(key, Place::Block { indent: indent + 2 }));
                self.out.push('\n');
                self.begin_line(indent, false);
                self.out.push_str(": ");
                self.block(value, indent + 2, Start::Shared);
            }
        }
    }

    fn value_of(&mut self, key: &str, value: &Value, indent: usize) {
        let outer = self.authors_in_line;
        self.authors_in_line &= key != "parameters";
        match value {
            Value::Array(authors) if key == "authors" && outer && authors.iter().all(Value::is_string) => {
                let authors: Vec<String> =
                    authors.iter().filter_map(Value::as_str).map(|it| scalar(it, Place::Flow)).collect();
                self.out.extend([" [", &authors.join(", "), "]\n"]);
            }
            Value::Object(map) if !map.is_empty() => {
                self.out.push('\n');
                self.block(value, indent + 2, Start::Line);
            }
            Value::Array(items) if !items.is_empty() => {
                self.out.push('\n');
                self.block(value, indent + 2, Start::Line);
            }
            _ => {
                self.out.push(' ');
                self.block(value, indent + 2, Start::Shared);
            }
        }
        self.authors_in_line = outer;
    }

    fn sequence(&mut self, items: &[Value], indent: usize, start: Start) {
        for (index, item) in items.iter().enumerate() {
            self.begin_line(indent, index == 0 && start == Start::Shared);
            self.out.push_str("- ");
            self.block(item, indent + 2, Start::Shared);
        }
    }

    fn begin_line(&mut self, indent: usize, is_begun: bool) {
        if !is_begun {
            self.out.extend(std::iter::repeat_n(' ', indent));
        }
    }

    fn leaf(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => self.out.push_str(&yaml_number(number)),
            Value::String(text) => self.out.push_str(&scalar(text, Place::Block { indent })),
            Value::Array(_) => self.out.push_str("[]"),
            Value::Object(_) => self.out.push_str("{}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kitfile::parse::parse;

    /// Trees and what yaml.v3 3.0.1 makes of them with an indent of 2.
    const GOLDEN: &str = include_str!("../../tests/golden/yaml_style.json");

    #[test]
    fn trees_are_written_as_go_writes_them() {
        let cases: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
        assert!(cases.len() > 90);
        for case in &cases {
            let mut value = case["value"].clone();
            sort_naturally(&mut value);
            assert_eq!(value_to_yaml(&value), case["yaml"].as_str().unwrap(), "{value}");
        }
    }

    fn check(yaml: &str, expected: &str) {
        assert_eq!(to_yaml(&parse(yaml).unwrap()), expected);
    }

    #[test]
    fn authors_are_in_one_line_and_not_in_parameters() {
        check(
            "{manifestVersion: 1.0.0, package: {authors: [A, 'B, c', 'y', '']}, model: {parameters: {authors: [A]}}}",
            "manifestVersion: 1.0.0\npackage:\n  authors: [A, 'B, c', \"y\", \"\"]\n\
             model:\n  parameters:\n    authors:\n      - A\n",
        );
    }

    #[test]
    fn the_version_and_the_path_of_docs_are_always_there_and_an_empty_package_is_not() {
        check("package: {}\ndocs: [{}]", "manifestVersion: \"\"\ndocs:\n  - path: \"\"\n");
    }

    #[test]
    fn what_go_would_lose_is_quoted_or_kept() {
        for (text, yaml) in
            [("\n", "|2+\n\n"), ("\nx", "|2-\n\n  x\n"), ("<<", "\"<<\"\n"), ("a\u{2028}b", "\"a\\Lb\"\n")]
        {
            assert_eq!(value_to_yaml(&text.into()), yaml, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_written_kitfile_parses_to_itself(kitfile in crate::kitfile::samples::kitfile()) {
            let yaml = to_yaml(&kitfile);
            let back = parse(&yaml).map_err(|error| error.to_string());
            proptest::prop_assert_eq!(back, Ok(kitfile), "{}", yaml);
        }
    }
}
