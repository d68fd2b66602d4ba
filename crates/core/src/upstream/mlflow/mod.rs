//! An MLflow tracking server: its runs, registered models, logged models, and their files.

mod address;
mod answers;
mod error;
mod server;

pub use address::{MlflowAddress, Subject};
pub use answers::{ModelVersion, Pair, Run, RunData, RunInfo};
pub use error::Error;
pub use server::{ArtifactFile, Artifacts, MlflowServer};
