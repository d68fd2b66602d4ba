//! Writing a Kitfile as YAML text with the layout that KitOps writes.

use serde_json::Value;

use super::document::Kitfile;
use crate::yaml::{sort_naturally, value_to_yaml};

/// The Kitfile as YAML, without the digests that a config contains.
pub fn to_yaml(kitfile: &Kitfile) -> String {
    value_to_yaml(&yaml_tree(kitfile))
}

/// The Kitfile as a tree with the keys in the order of [`to_yaml`], for output of its parts.
///
/// An empty package is left out, and the maps in parameters are in natural order: `a2` before `a10`.
pub fn yaml_tree(kitfile: &Kitfile) -> Value {
    // The document types contain only strings, lists and parameters, which JSON can represent.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kitfile::parse::parse;

    /// Trees and the YAML that yaml.v3 3.0.1 writes for them with an indent of 2.
    const GOLDEN: &str = include_str!("../../../../tests/golden/yaml_style.json");

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
    fn values_that_go_would_lose_are_quoted_or_kept() {
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
