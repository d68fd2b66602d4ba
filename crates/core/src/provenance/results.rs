//! Files with the results of an evaluation: those of lm-eval, runs of `MLflow`, and any JSON with numbers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::limits;

/// The reason why a file has no results.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// Not JSON. Python writes `NaN` and `Infinity`, which JSON does not have.
    #[error("it is not valid JSON")]
    NotJson(#[source] serde_json::Error),
    /// No number.
    #[error("it contains no numbers")]
    NoMetrics,
    /// Too many numbers for metrics.
    #[error("it contains more than {0} numbers")]
    TooMany(usize),
}

/// Reads the metrics in a file with results, by name.
///
/// - lm-eval (`results` of its output): `TASK.METRIC`, followed by `,FILTER` unless that is
///   `none`. Standard errors are left out.
/// - a run of `MLflow` (REST API `runs/get`, or `mlflow runs describe`): its metrics, the last value of each.
/// - any other document: all numbers, by their path with full stops; those in lists are left out. If the document has
///   an object `metrics`, only the numbers in it.
pub fn parse_results(bytes: &[u8]) -> Result<BTreeMap<String, f64>, ResultsError> {
    let document: Value = serde_json::from_slice(bytes).map_err(ResultsError::NotJson)?;
    let metrics = of_lm_eval(&document).or_else(|| of_mlflow(&document)).unwrap_or_else(|| of_json(&document));
    match metrics.len() {
        0 => Err(ResultsError::NoMetrics),
        count if count > limits::EVALUATION_METRICS => Err(ResultsError::TooMany(limits::EVALUATION_METRICS)),
        _ => Ok(metrics),
    }
}

/// The members that only the output of lm-eval has beside `results`.
const OF_LM_EVAL: [&str; 5] = ["versions", "configs", "n-shot", "lm_eval_version", "config_general"];

fn of_lm_eval(document: &Value) -> Option<BTreeMap<String, f64>> {
    let results = document["results"].as_object()?;
    OF_LM_EVAL.iter().find(|name| document.get(**name).is_some())?;
    let mut metrics = BTreeMap::new();
    for (task, values) in results {
        for (key, value) in values.as_object().into_iter().flatten() {
            let (metric, filter) = key.split_once(',').unwrap_or((key, "none"));
            if metric.ends_with("_stderr") || metric == "sample_len" {
                continue;
            }
            let filter = if filter == "none" { String::new() } else { format!(",{filter}") };
            metrics.extend(number(value).map(|number| (format!("{task}.{metric}{filter}"), number)));
        }
    }
    Some(metrics)
}

fn of_mlflow(document: &Value) -> Option<BTreeMap<String, f64>> {
    let run = document.get("run").unwrap_or(document);
    run.get("info")?;
    match &run["data"]["metrics"] {
        Value::Object(metrics) => Some(flat(metrics)),
        Value::Array(metrics) => {
            let mut last = BTreeMap::<String, (i64, f64)>::new();
            for metric in metrics {
                let (Some(name), Some(value)) = (metric["key"].as_str(), number(&metric["value"])) else { continue };
                let step = integer(&metric["step"]);
                let is_older = last.get(name).is_some_and(|(known, _)| *known > step);
                if !is_older {
                    last.insert(name.to_owned(), (step, value));
                }
            }
            Some(last.into_iter().map(|(name, (_, value))| (name, value)).collect())
        }
        _ => None,
    }
}

fn of_json(document: &Value) -> BTreeMap<String, f64> {
    let chosen = document["metrics"].as_object().or_else(|| document.as_object());
    chosen.map(flat).unwrap_or_default()
}

/// The numbers in an object and the objects in it. They are not deep: the parser of JSON has a limit.
fn flat(object: &Map<String, Value>) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::new();
    for (name, value) in object {
        match value {
            Value::Object(inner) => {
                metrics.extend(flat(inner).into_iter().map(|(path, value)| (format!("{name}.{path}"), value)));
            }
            value => metrics.extend(number(value).map(|number| (name.clone(), number))),
        }
    }
    metrics
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// A whole number, which the REST API writes as a number or as a text.
fn integer(value: &Value) -> i64 {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_i64().or(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, expected: &[(&str, f64)]) {
        let metrics = parse_results(document.as_bytes()).unwrap();
        let found: Vec<_> = metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(found, expected, "{document}");
    }

    #[test]
    fn the_output_of_lm_eval_is_read() {
        check(
            r#"{"results": {
                "gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.5, "exact_match_stderr,strict-match": 0.01,
                          "exact_match,flexible-extract": 0.6},
                "hellaswag": {"alias": "hellaswag", "acc,none": 0.71, "acc_stderr,none": "N/A", "acc_norm,none": 0.8}},
              "versions": {"gsm8k": 3.0}, "configs": {"gsm8k": {"num_fewshot": 5}}, "n-shot": {"gsm8k": 5}}"#,
            &[
                ("gsm8k.exact_match,flexible-extract", 0.6),
                ("gsm8k.exact_match,strict-match", 0.5),
                ("hellaswag.acc", 0.71),
                ("hellaswag.acc_norm", 0.8),
            ],
        );
        check(r#"{"results": {"piqa": {"acc": 0.7, "acc_stderr": 0.01}}, "versions": {}}"#, &[("piqa.acc", 0.7)]);
    }

    #[test]
    fn runs_of_mlflow_are_read() {
        check(
            r#"{"run": {"info": {"run_id": "1"}, "data": {"metrics": [
                {"key": "loss", "value": 0.3, "step": 2}, {"key": "loss", "value": 0.5, "step": "1"},
                {"key": "acc", "value": 0.9}], "params": [{"key": "lr", "value": "0.1"}]}}}"#,
            &[("acc", 0.9), ("loss", 0.3)],
        );
        check(r#"{"info": {}, "data": {"metrics": {"acc": 0.9}, "params": {"lr": 1}}}"#, &[("acc", 0.9)]);
    }

    #[test]
    fn any_numbers_are_read() {
        check(r#"{"accuracy": 1, "f1": 0.5, "name": "x", "ok": true, "list": [1]}"#, &[("accuracy", 1.0), ("f1", 0.5)]);
        check(
            r#"{"test": {"accuracy": 0.9}, "val": {"accuracy": 0.8}}"#,
            &[("test.accuracy", 0.9), ("val.accuracy", 0.8)],
        );
        check(r#"{"metrics": {"accuracy": 0.9}, "epochs": 3}"#, &[("accuracy", 0.9)]);
        check(r#"{"results": {"accuracy": 0.9}}"#, &[("results.accuracy", 0.9)]);
        check(r#"{"info": {"size": 3}}"#, &[("info.size", 3.0)]);
    }

    #[test]
    fn a_file_without_numbers_is_refused() {
        for document in ["{}", "[1]", "3", r#"{"a": "0.9"}"#, r#"{"a": 1e999}"#] {
            assert!(matches!(
                parse_results(document.as_bytes()),
                Err(ResultsError::NoMetrics | ResultsError::NotJson(_))
            ));
        }
        assert!(matches!(parse_results(br#"{"a": NaN}"#), Err(ResultsError::NotJson(_))));
        let many: Map<_, _> = (0..=limits::EVALUATION_METRICS).map(|n| (n.to_string(), n.into())).collect();
        assert!(matches!(parse_results(Value::from(many).to_string().as_bytes()), Err(ResultsError::TooMany(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            drop(parse_results(&bytes));
        }
    }
}
