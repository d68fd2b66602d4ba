//! The comparison of two versions: all reasons, and all that cannot be known.

use std::str::FromStr;

use serde_json::Value;

use super::profile::Profile;
use super::reason::Reason;
use super::{documents, kitfiles, labels, metrics, model, packages, pickles, remote_code, signature, tokenizer};
use crate::relative_path::RelativePath;

/// Two versions, and what is known to differ.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// The first version.
    pub before: &'a Profile,
    /// The second version.
    pub after: &'a Profile,
    /// The fields of the Kitfile that differ.
    pub fields: Vec<FieldChange<'a>>,
    /// The files that differ.
    pub files: Vec<FileChange<'a>>,
    /// The parameters of the model in the second version.
    pub parameters: Option<&'a Value>,
    /// The minimums for metrics.
    pub minimums: &'a [Minimum],
    /// The metrics in evaluations, by the data.
    pub evaluated: Vec<EvaluatedMetrics<'a>>,
}

/// The metrics of two versions on the same data.
#[derive(Debug, Clone)]
pub struct EvaluatedMetrics<'a> {
    /// The name of the data.
    pub data: &'a str,
    /// The metrics: the name, and the values of the first and of the second version.
    pub metrics: Vec<(&'a str, Option<f64>, Option<f64>)>,
}

/// A field of the Kitfile that differs.
#[derive(Debug, Clone, Copy)]
pub struct FieldChange<'a> {
    /// Its path, as in `datasets[train].license`.
    pub path: &'a str,
    /// Its value in the first version.
    pub before: Option<&'a Value>,
    /// Its value in the second version.
    pub after: Option<&'a Value>,
}

/// A file that differs.
#[derive(Debug, Clone, Copy)]
pub struct FileChange<'a> {
    /// Its path.
    pub path: &'a RelativePath,
    /// The kind of change.
    pub change: Change,
    /// The area that it belongs to.
    pub area: Area,
}

/// The kind of change of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Only the second version has it.
    Added,
    /// Only the first version has it.
    Removed,
    /// Its content differs.
    Changed,
    /// It may differ, but was not read.
    Unread,
    /// Its path or its mode differs.
    Same,
}

/// The area of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Weights and files that belong to them.
    Model,
    /// Datasets.
    Data,
    /// Files that define how to build and run the project.
    Deployment,
    /// Any other.
    Other,
}

/// The lowest value of a metric that is accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The name of the metric: the last name of its path in the parameters.
    pub metric: String,
    /// The lowest accepted value.
    pub lowest: f64,
}

/// The error for a text that is not a minimum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not of the form METRIC=NUMBER")]
pub struct InvalidMinimum(String);

impl FromStr for Minimum {
    type Err = InvalidMinimum;

    fn from_str(text: &str) -> Result<Self, InvalidMinimum> {
        let parse = || {
            let (metric, lowest) = text.split_once('=')?;
            let lowest: f64 = lowest.trim().parse().ok()?;
            let metric = metric.trim().to_owned();
            (!metric.is_empty() && lowest.is_finite()).then_some(Self { metric, lowest })
        };
        parse().ok_or_else(|| InvalidMinimum(text.to_owned()))
    }
}

/// Returns all reasons, in the order of the facts.
pub fn reasons(comparison: &Comparison<'_>) -> Vec<Reason> {
    let sides = (comparison.before, comparison.after);
    let mut reasons = model::compare(comparison);
    reasons.extend(documents::compare(sides));
    reasons.extend(tokenizer::compare(comparison));
    reasons.extend(labels::compare(sides));
    reasons.extend(signature::compare(sides));
    reasons.extend(remote_code::compare(comparison));
    reasons.extend(pickles::compare(sides));
    reasons.extend(packages::compare(sides));
    reasons.extend(kitfiles::compare(comparison));
    reasons.extend(metrics::compare(comparison));
    reasons.sort_by_key(|reason| reason.fact);
    reasons.dedup();
    reasons
}

/// Returns what cannot be known about the two versions, as sentences without a full stop.
pub fn unknown(comparison: &Comparison<'_>) -> Vec<String> {
    let mut unknown: Vec<String> = comparison.before.unread.iter().chain(&comparison.after.unread).cloned().collect();
    unknown.extend(model::unknown(comparison));
    unknown.extend(metrics::unknown(comparison));
    unknown.sort();
    unknown.dedup();
    unknown
}
