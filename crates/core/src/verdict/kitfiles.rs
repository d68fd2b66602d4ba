//! Compares what the Kitfiles state: licences, the base model, metrics and datasets; and files of deployments and data.

use std::collections::BTreeMap;

use serde_json::Value;

use super::comparison::{Area, Change, Comparison, FieldChange};
use super::fact::{Fact, Level};
use super::reason::Reason;
use super::words::{arrow, counted};
use crate::kitfile::is_reference;

pub(super) fn compare(comparison: &Comparison<'_>) -> Vec<Reason> {
    let fields = comparison.fields.iter();
    let mut reasons: Vec<_> = fields.clone().filter_map(licence).collect();
    reasons.extend(fields.clone().filter_map(base_model));
    reasons.extend(fields.clone().filter_map(dataset));
    reasons.extend(fields.filter_map(metric));
    reasons.extend(files(comparison));
    reasons
}

fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn arrow_of(field: &FieldChange<'_>) -> String {
    arrow(field.before.map(show), field.after.map(show))
}

fn licence(field: &FieldChange<'_>) -> Option<Reason> {
    let is_licence = field.path.ends_with(".license") && !field.path.starts_with(PARAMETERS);
    is_licence.then(|| Reason::of_field(Fact::Licence, Level::Breaking, field.path, arrow_of(field)))
}

fn base_model(field: &FieldChange<'_>) -> Option<Reason> {
    let refers = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(is_reference);
    let is_base = field.path == "model.path" && (refers(field.before) || refers(field.after));
    is_base.then(|| Reason::of_field(Fact::BaseModel, Level::Breaking, field.path, arrow_of(field)))
}

fn dataset(field: &FieldChange<'_>) -> Option<Reason> {
    let name = field.path.strip_prefix("datasets[")?;
    let reason = |level, text: String| Some(Reason::of_field(Fact::Datasets, level, field.path, text));
    match name.rsplit_once("].")?.1 {
        "path" if field.after.is_none() => reason(Level::Breaking, "the dataset was removed".to_owned()),
        "path" if field.before.is_none() => reason(Level::Changed, "a dataset was added".to_owned()),
        "remotePath" | "remoteHash" => reason(Level::Changed, arrow_of(field)),
        _ => None,
    }
}

pub(super) const PARAMETERS: &str = "model.parameters.";

/// The names under which parameters contain results, and usual names of metrics.
const RESULTS: [&str; 20] = [
    "accuracy",
    "auc",
    "bleu",
    "eval",
    "evaluation",
    "evaluations",
    "f1",
    "loss",
    "mae",
    "metric",
    "metrics",
    "perplexity",
    "precision",
    "recall",
    "results",
    "rmse",
    "rouge",
    "roc_auc",
    "scores",
    "wer",
];

fn metric(field: &FieldChange<'_>) -> Option<Reason> {
    let path = field.path.strip_prefix(PARAMETERS)?;
    let is_result = is_result(path);
    let is_number = field.before.or(field.after).is_some_and(Value::is_number);
    (is_result && is_number).then(|| Reason::of_field(Fact::Metrics, Level::Changed, field.path, arrow_of(field)))
}

/// Returns true if a parameter is a result by one of the names in its path.
fn is_result(path: &str) -> bool {
    path.split('.').any(|name| RESULTS.contains(&name.to_lowercase().as_str()))
}

/// The metrics that the parameters of a model state, by their path: `metrics.accuracy`.
pub fn declared_metrics(parameters: Option<&Value>) -> BTreeMap<String, f64> {
    let mut metrics = numbers(parameters);
    metrics.retain(|path, _| is_result(path) || path.contains("_metrics."));
    metrics
}

/// The numbers in a document by their path.
pub fn numbers(parameters: Option<&Value>) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let mut left: Vec<(String, &Value)> = parameters.map(|value| (String::new(), value)).into_iter().collect();
    while let Some((path, value)) = left.pop() {
        match value {
            Value::Object(object) => {
                left.extend(object.iter().map(|(name, value)| {
                    (if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, value)
                }));
            }
            value => found.extend(value.as_f64().map(|number| (path, number))),
        }
    }
    found
}

fn files(comparison: &Comparison<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut data: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in &comparison.files {
        let path = file.path.as_str();
        let Some(word) = word(file.change) else { continue };
        if is_licence_file(file.path.file_name().unwrap_or_default()) {
            reasons.push(Reason::of_file(Fact::Licence, Level::Breaking, path, format!("the licence file {word}")));
        } else if file.area == Area::Deployment {
            let level = if file.change == Change::Removed { Level::Breaking } else { Level::Changed };
            reasons.push(Reason::of_file(Fact::Deployment, level, path, format!("the file {word}")));
        } else if file.area == Area::Data {
            data.entry(word).or_default().push(path);
        }
    }
    reasons.extend(data.into_iter().map(|(word, paths)| {
        let verb = if paths.len() == 1 {
            word.to_owned()
        } else {
            word.replacen("was", "were", 1).replacen("differs", "differ", 1)
        };
        let text = format!("{} {verb}", counted(paths.len(), "file"));
        Reason::of_file(Fact::Datasets, Level::Changed, paths[0], text)
    }));
    reasons
}

fn word(change: Change) -> Option<&'static str> {
    match change {
        Change::Added => Some("was added"),
        Change::Removed => Some("was removed"),
        Change::Changed => Some("differs"),
        Change::Unread => Some("was not read"),
        Change::Same => None,
    }
}

fn is_licence_file(name: &str) -> bool {
    let stem = name.split(['.', '-', '_']).next().unwrap_or_default().to_ascii_uppercase();
    ["LICENSE", "LICENCE", "COPYING", "NOTICE"].contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::verdict::comparison::Minimum;
    use crate::verdict::{Profile, metrics};

    fn compare_fields(fields: &[(&str, Value, Value)], minimums: &[Minimum], parameters: &Value) -> Vec<String> {
        let value = |value: &'static Value| (!value.is_null()).then_some(value);
        let fields: Vec<_> = fields
            .iter()
            .map(|(path, before, after)| {
                let leak = |value: &Value| &*Box::leak(Box::new(value.clone()));
                FieldChange { path, before: value(leak(before)), after: value(leak(after)) }
            })
            .collect();
        let profile = Profile::default();
        let (before, after, files) = (&profile, &profile, Vec::new());
        let comparison =
            Comparison { before, after, fields, files, parameters: Some(parameters), minimums, evaluated: Vec::new() };
        let words = |reason: Reason| format!("{} {}: {}", reason.fact.word(), reason.level.word(), reason.text);
        let reasons = compare(&comparison).into_iter().chain(metrics::compare(&comparison));
        reasons.map(words).chain(metrics::unknown(&comparison)).collect()
    }

    #[test]
    fn fields_are_facts() {
        let minimums = ["accuracy=0.9".parse().unwrap(), "f1=0.5".parse().unwrap()];
        let parameters = json!({ "metrics": { "test": { "accuracy": 0.87 } }, "epochs": 3 });
        let fields = [
            ("package.license", json!("MIT"), json!("Apache-2.0")),
            ("model.path", json!("reg.example/base:v1"), json!("reg.example/base:v2")),
            ("datasets[eval].path", json!("data/eval"), Value::Null),
            ("datasets[web].remoteHash", json!("a"), json!("b")),
            ("model.parameters.metrics.test.accuracy", json!(0.91), json!(0.87)),
            ("model.parameters.epochs", json!(2), json!(3)),
            ("package.name", json!("a"), json!("b")),
        ];
        let expected = [
            "licence breaking: MIT → Apache-2.0",
            "base model breaking: reg.example/base:v1 → reg.example/base:v2",
            "datasets breaking: the dataset was removed",
            "datasets changed: a → b",
            "metrics changed: 0.91 → 0.87",
            "metrics breaking: 0.87 is below the minimum of 0.9",
            "metric `f1`: neither the parameters of the model nor an evaluation contain it",
        ];
        assert_eq!(compare_fields(&fields, &minimums, &parameters), expected);
        assert!("accuracy".parse::<Minimum>().is_err() && "=1".parse::<Minimum>().is_err());
        assert!("a=nan".parse::<Minimum>().is_err());
    }
}
