//! Making an evaluation from a file with results.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::data::{DataSource, evaluated_data};
use crate::digest::Digest;
use crate::limits;
use crate::ops::error::Error;
use crate::ops::trust::Signable;
use crate::provenance::{Evaluation, ResultsError, parse_results};
use crate::sys::read_regular;

/// The parts of an evaluation.
#[derive(Debug, Clone)]
pub struct EvaluateOptions {
    /// The file with the results, and its name.
    pub results: (PathBuf, String),
    /// The data.
    pub data: DataSource,
    /// The lowest accepted values of metrics.
    pub minimums: BTreeMap<String, f64>,
    /// The number of layers that are read at once.
    pub jobs: usize,
}

/// The reason why an evaluation cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The file with the results cannot be read.
    #[error("cannot read the results in `{}`", path.display())]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file has no results.
    #[error("`{}` contains no results", path.display())]
    Results {
        /// The path of the file.
        path: PathBuf,
        /// The cause.
        source: ResultsError,
    },
    /// The data cannot be read.
    #[error("cannot determine the digest of the data in `{}`", path.display())]
    Data {
        /// The path of the file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// No dataset, or several ones.
    #[error("`{name}` is {} of the ModelKit, and an evaluation is about one", datasets(*count))]
    NotOneDataset {
        /// The name as the user gave it.
        name: String,
        /// The number of further datasets.
        count: usize,
    },
    /// A minimum that is not the name of a metric.
    #[error("the results have no metric {}", .0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
    UnknownMetrics(Vec<String>),
    /// The ModelKit cannot be read.
    #[error(transparent)]
    Operation(#[from] Error),
}

fn datasets(count: usize) -> &'static str {
    if count == 0 { "not a dataset" } else { "more than one dataset" }
}

/// Reads the results and the digest of the data. Nothing is written.
pub fn evaluate(signable: &Signable, options: &EvaluateOptions) -> Result<Evaluation, EvaluationError> {
    let (path, name) = &options.results;
    let bytes = read_regular(path, limits::EVALUATION_BYTES);
    let bytes = bytes.map_err(|source| EvaluationError::Read { path: path.clone(), source })?;
    let metrics = parse_results(&bytes).map_err(|source| EvaluationError::Results { path: path.clone(), source })?;
    let evaluation = Evaluation {
        data: evaluated_data(&signable.found, &options.data, options.jobs)?,
        metrics,
        minimums: options.minimums.clone(),
        file: Some((name.clone(), Digest::of(&bytes))),
    };
    let unknown: Vec<_> = evaluation.unknown_minimums().into_iter().map(str::to_owned).collect();
    if unknown.is_empty() { Ok(evaluation) } else { Err(EvaluationError::UnknownMetrics(unknown)) }
}
