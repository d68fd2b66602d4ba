//! Packs an MLflow run or model: from the directory that MLflow wrote, or from a tracking server.

mod files;
mod find;
mod run;
mod tracked;

pub use find::mlflow_runs;
pub use run::{MlflowFolder, is_mlflow};
