//! Compares two Kitfiles field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::concern::Concern;
use crate::kitfile::Kitfile;

/// A field that differs between two Kitfiles.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDiff {
    /// Its path, such as `model.parameters.epochs`. Entries of a list are identified by their name or path:
    /// `datasets[data/train].license`.
    pub path: String,
    /// Its value in the first; `None` if the field does not exist there.
    pub before: Option<Value>,
    /// Its value in the second; `None` if the field does not exist there.
    pub after: Option<Value>,
}

impl FieldDiff {
    /// The concern of the field.
    pub fn concern(&self) -> Concern {
        Concern::of_field(&self.path)
    }
}

/// Returns the fields that differ, sorted by path.
pub(crate) fn compare(first: &Kitfile, second: &Kitfile) -> Vec<FieldDiff> {
    let (first, mut second) = (fields(first), fields(second));
    let mut found = Vec::new();
    for (path, before) in first {
        let after = second.remove(&path);
        if after.as_ref() != Some(&before) {
            found.push(FieldDiff { path, before: Some(before), after });
        }
    }
    found.extend(second.into_iter().map(|(path, after)| FieldDiff { path, before: None, after: Some(after) }));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn fields(kitfile: &Kitfile) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    let tree = serde_json::to_value(kitfile).expect("texts, lists and parameters have a form in JSON");
    flatten(String::new(), tree, &mut fields);
    fields
}

/// Collects the leaves of `value`. A list of anything but objects is one leaf: authors, for example, are compared as a
/// list.
fn flatten(path: String, value: Value, fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(object) if !object.is_empty() || path == "package" => {
            for (key, value) in object {
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(path, value, fields);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            for (index, item) in items.into_iter().enumerate() {
                let place = format!("{path}[{}]", identity(&item).map_or_else(|| index.to_string(), str::to_owned));
                let is_taken = has_fields_below(&place, fields);
                flatten(if is_taken { format!("{path}[{index}]") } else { place }, item, fields);
            }
        }
        value => drop(fields.insert(path, value)),
    }
}

/// Returns true if `fields` has a field of the entry `place`. The keys are sorted, so a single one is looked at.
fn has_fields_below(place: &str, fields: &BTreeMap<String, Value>) -> bool {
    let prefix = format!("{place}.");
    fields.range(prefix.clone()..).next().is_some_and(|(known, _)| known.starts_with(&prefix))
}

/// Returns the name or path that identifies an entry of a list, so that a new entry in front of it does not change its
/// identity.
fn identity(entry: &Value) -> Option<&str> {
    ["name", "path"].iter().find_map(|key| entry.get(key)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: &str, second: &str, expected: &[&str]) {
        let parse = |text: &str| crate::kitfile::parse(&format!("manifestVersion: 1.0.0\n{text}")).unwrap();
        let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        let found = compare(&parse(first), &parse(second));
        let found: Vec<_> = found
            .iter()
            .map(|field| format!("{} {} {}", field.path, show(&field.before), show(&field.after)))
            .collect();
        assert_eq!(found, expected, "{first} {second}");
    }

    #[test]
    fn fields_are_compared_one_by_one() {
        check("package: {version: 1.0.0}", "package: {version: 1.0.0}", &[]);
        check(
            "package: {version: 1.4.0}",
            "package: {version: 2.0.0, authors: [Ada, Bo]}",
            &[r#"package.authors - ["Ada","Bo"]"#, r#"package.version "1.4.0" "2.0.0""#],
        );
        check(
            "model: {path: m, parameters: {epochs: 10, deep: {a: 1}}}",
            "model: {path: m, parameters: {epochs: 12, deep: {}}}",
            &["model.parameters.deep - {}", "model.parameters.deep.a 1 -", "model.parameters.epochs 10 12"],
        );
        check("package: {}", "model: {}", &["model - {}"]);
    }

    #[test]
    fn a_new_entry_in_front_does_not_change_the_others() {
        check(
            "datasets: [{name: train, path: t}]",
            "datasets: [{name: val, path: v}, {name: train, path: t, license: MIT}]",
            &[r#"datasets[train].license - "MIT""#, r#"datasets[val].name - "val""#, r#"datasets[val].path - "v""#],
        );
        check(
            "datasets: [{name: x, path: a}, {name: x, path: b}]",
            "datasets: [{name: x, path: a}, {name: x, path: b, license: MIT}]",
            &[r#"datasets[1].license - "MIT""#],
        );
    }
}
