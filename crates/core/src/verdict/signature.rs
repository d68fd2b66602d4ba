//! Compares the signatures of MLflow models (`signature` in the `MLmodel`; mlflow.org/docs, "Model Signatures").

use std::collections::BTreeMap;

use serde_json::Value;

use super::fact::{Fact, Level};
use super::profile::{Pair, Profile, pairs};
use super::reason::Reason;
use crate::yaml::read_value;

pub(super) fn compare(sides: (&Profile, &Profile)) -> Vec<Reason> {
    pairs(sides, "MLmodel").iter().flat_map(compare_one).collect()
}

fn compare_one(pair: &Pair<'_>) -> Vec<Reason> {
    let (Some(before), Some(after)) = (pair.before, pair.after) else { return Vec::new() };
    let signature = |text| read_value(text).map(|model| model["signature"].clone()).unwrap_or_default();
    let (before, after) = (signature(before), signature(after));
    let mut reasons = Vec::new();
    for kind in ["inputs", "outputs", "params"] {
        let (before, after) = (columns(&before[kind]), columns(&after[kind]));
        let mut note = |level, text: String| {
            reasons.push(Reason::of_file(Fact::Signature, level, pair.path.as_str(), format!("{kind}: {text}")));
        };
        for (name, column) in &before {
            match after.get(name) {
                None if kind == "inputs" => note(Level::Changed, format!("`{name}` is no longer used")),
                None => note(Level::Breaking, format!("`{name}` was removed")),
                Some(new) if new.kind != column.kind => {
                    note(
                        Level::Breaking,
                        format!("the type of `{name}` is {}, before it was {}", new.kind, column.kind),
                    );
                }
                Some(new) if kind == "inputs" && new.is_required && !column.is_required => {
                    note(Level::Breaking, format!("`{name}` is now required"));
                }
                Some(new) if new != column => {
                    note(Level::Changed, format!("`{name}` has another default or is optional"));
                }
                Some(_) => {}
            }
        }
        for (name, column) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            let level = if kind == "inputs" && column.is_required { Level::Breaking } else { Level::Changed };
            note(level, format!("`{name}` ({}) is new", column.kind));
        }
    }
    reasons
}

#[derive(PartialEq)]
struct Column {
    kind: String,
    is_required: bool,
    default: Value,
}

/// The columns or tensors of one part of a signature, which is JSON in a string. Those without a name have a number.
fn columns(part: &Value) -> BTreeMap<String, Column> {
    let parsed = part.as_str().and_then(|text| serde_json::from_str(text).ok());
    let Some(Value::Array(columns)) = parsed else { return BTreeMap::new() };
    let column = |(at, column): (usize, &Value)| {
        let name = column["name"].as_str().map_or_else(|| format!("#{at}"), str::to_owned);
        let tensor = &column["tensor-spec"];
        let kind = if tensor.is_null() { column["type"].clone() } else { tensor.clone() };
        let kind = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
        let is_required = column["required"].as_bool().unwrap_or(column["optional"] != Value::Bool(true));
        (name, Column { kind, is_required, default: column["default"].clone() })
    };
    columns.iter().enumerate().map(column).collect()
}
