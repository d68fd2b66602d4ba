//! The files of an MLflow run: its metadata, its model and a metric.

#![no_main]

use kit_core::draft::{MlflowModel, MlflowRun, last_metric};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    drop(MlflowRun::parse(text).map_err(|problems| problems.to_string()));
    drop(MlflowModel::parse(text).map_err(|problems| problems.to_string()));
    drop(last_metric(text));
});
