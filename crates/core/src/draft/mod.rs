//! Facts that the files of a project state about themselves: names, licences, model cards, formats, MLflow.
//!
//! This module reads names and texts, and does not access the disk. `kit init` and `kit import` draft Kitfiles with it.

mod detect;
mod layout;
mod license;
mod mlflow;
mod model_card;
mod model_format;
mod skill_card;

pub use detect::{Detected, Found, FoundKind, Hints, detect, skill_file};
pub use layout::{
    ADAPTER, MODULES, PIPELINE, base_model, component_folders, module_folders, own_code, relative_imports,
};
pub use license::{detect_license, spdx_license};
pub use mlflow::{MlflowModel, MlflowRun, last_metric, mlflow_value};
pub use model_card::ModelCard;
pub use model_format::{ModelFormat, TELLING_BYTES, is_pickle_format};
pub use skill_card::SkillCard;
