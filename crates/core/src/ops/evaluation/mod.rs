//! Evaluations of models: the digest of the data, reading them, and comparing their metrics.

mod compare;
mod data;
mod evaluate;
mod read;

pub(crate) use compare::compare;
pub use compare::{DataMetrics, MetricChange, MetricsDiff};
pub use data::{DataSource, evaluated_data};
pub use evaluate::{EvaluateOptions, EvaluationError, evaluate};
pub(crate) use read::evaluations;
