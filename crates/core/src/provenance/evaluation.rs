//! The result of an evaluation: the predicate of an in-toto test result (in-toto attestation framework, "Predicate
//! type: Test Result" 0.1), with the data that the model was evaluated on and the metrics as further members.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::statement::{digest_of, digest_set, text};
use crate::digest::Digest;

/// The type of the predicate.
pub const EVALUATION_PREDICATE_TYPE: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// The annotation that marks the data among the descriptors of the configuration.
const ROLE: &str = "ml.kitops.modelkit.role";
const DATA: &str = "data";

/// The metrics of a model on some data.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The data.
    pub data: EvaluatedData,
    /// The metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// The lowest accepted values of metrics, by the whole or the last name of a metric.
    pub minimums: BTreeMap<String, f64>,
    /// The name and the digest of the file with the results.
    pub file: Option<(String, Digest)>,
}

/// The data that a model was evaluated on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EvaluatedData {
    /// A name for people. It does not identify the data.
    pub name: String,
    /// The digest, which does.
    pub digest: Digest,
}

/// Returns true if `name` is the whole or the last name of `metric`.
pub fn is_called(metric: &str, name: &str) -> bool {
    metric == name || metric.rsplit('.').next() == Some(name)
}

impl Evaluation {
    /// The minimums as tests, each with true if all metrics of this name reach it.
    fn tests(&self) -> impl Iterator<Item = (String, bool)> {
        self.minimums.iter().map(|(name, lowest)| {
            let mut meant = self.metrics.iter().filter(|(metric, _)| is_called(metric, name));
            (format!("{name} >= {lowest}"), meant.all(|(_, value)| value >= lowest))
        })
    }

    /// Returns true if all minimums are reached.
    pub fn has_passed(&self) -> bool {
        self.tests().all(|(_, has_passed)| has_passed)
    }

    /// The minimums that are the name of no metric.
    pub fn unknown_minimums(&self) -> Vec<&str> {
        let is_unknown = |name: &&str| !self.metrics.keys().any(|metric| is_called(metric, name));
        self.minimums.keys().map(String::as_str).filter(is_unknown).collect()
    }

    /// The predicate.
    pub fn to_predicate(&self) -> Value {
        let tests = |wanted| {
            let tests = self.tests().filter(move |(_, has_passed)| *has_passed == wanted);
            tests.map(|(test, _)| Value::from(test)).collect::<Value>()
        };
        let EvaluatedData { name, digest } = &self.data;
        let mut configuration = vec![json!({
            "name": name, "digest": digest_set(digest), "annotations": { ROLE: DATA },
        })];
        configuration
            .extend(self.file.iter().map(|(name, digest)| json!({ "name": name, "digest": digest_set(digest) })));
        json!({
            "result": if self.has_passed() { "PASSED" } else { "FAILED" },
            "configuration": configuration,
            "passedTests": tests(true),
            "failedTests": tests(false),
            "metrics": numbers(&self.metrics),
            "minimums": numbers(&self.minimums),
        })
    }

    /// Reads a predicate. Returns `None` if it does not name the data, as test results of other programs.
    pub fn parse(predicate: &Value) -> Option<Self> {
        let configuration = predicate["configuration"].as_array()?;
        let is_data = |descriptor: &&Value| descriptor["annotations"][ROLE] == DATA;
        let described = |descriptor: &Value| Some((text(&descriptor["name"])?, digest_of(descriptor)?));
        let (name, digest) = described(configuration.iter().find(is_data)?)?;
        let file = configuration.iter().find(|descriptor| !is_data(descriptor)).and_then(described);
        let read = |name: &str| predicate[name].as_object().map(read_numbers).unwrap_or_default();
        let (metrics, minimums) = (read("metrics"), read("minimums"));
        Some(Self { data: EvaluatedData { name, digest }, metrics, minimums, file })
    }
}

fn numbers(numbers: &BTreeMap<String, f64>) -> Value {
    numbers.iter().map(|(name, number)| (name.clone(), json!(number))).collect::<Map<_, _>>().into()
}

fn read_numbers(object: &Map<String, Value>) -> BTreeMap<String, f64> {
    let finite = |value: &Value| value.as_f64().filter(|number| number.is_finite());
    object.iter().filter_map(|(name, value)| Some((name.clone(), finite(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(minimums: &[(&str, f64)]) -> Evaluation {
        let map = |pairs: &[(&str, f64)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Evaluation {
            data: EvaluatedData { name: "eval.csv".to_owned(), digest: Digest::of(b"data") },
            metrics: map(&[("test.accuracy", 0.93), ("loss", 0.1)]),
            minimums: map(minimums),
            file: Some(("results.json".to_owned(), Digest::of(b"results"))),
        }
    }

    #[test]
    fn an_evaluation_is_a_test_result_and_can_be_read_again() {
        let evaluation = evaluation(&[("accuracy", 0.9), ("loss", 0.2)]);
        let predicate = evaluation.to_predicate();
        let expected = json!({
            "result": "FAILED",
            "configuration": [
                {
                    "name": "eval.csv",
                    "digest": { "sha256": Digest::of(b"data").hex() },
                    "annotations": { "ml.kitops.modelkit.role": "data" },
                },
                { "name": "results.json", "digest": { "sha256": Digest::of(b"results").hex() } },
            ],
            "passedTests": ["accuracy >= 0.9"],
            "failedTests": ["loss >= 0.2"],
            "metrics": { "loss": 0.1, "test.accuracy": 0.93 },
            "minimums": { "accuracy": 0.9, "loss": 0.2 },
        });
        assert_eq!(predicate, expected);
        assert_eq!(Evaluation::parse(&predicate), Some(evaluation));
    }

    #[test]
    fn a_minimum_has_to_be_the_name_of_a_metric() {
        assert!(evaluation(&[]).has_passed() && evaluation(&[("test.accuracy", 0.93)]).has_passed());
        assert!(!evaluation(&[("accuracy", 0.94)]).has_passed());
        assert_eq!(
            evaluation(&[("accuracy", 0.1), ("curacy", 0.1), ("test", 0.1)]).unknown_minimums(),
            ["curacy", "test"]
        );
    }

    #[test]
    fn a_test_result_without_data_is_not_an_evaluation() {
        for predicate in [
            json!({ "result": "PASSED", "configuration": [] }),
            json!({ "result": "PASSED", "configuration": [{ "name": "ci.yml", "digest": { "gitBlob": "ebe4" } }] }),
            json!([]),
            Value::Null,
        ] {
            assert_eq!(Evaluation::parse(&predicate), None, "{predicate}");
        }
    }
}
