//! Packs an MLflow run or model from the directory that MLflow wrote.

mod files;
mod run;

pub use run::{MlflowFolder, is_mlflow};
