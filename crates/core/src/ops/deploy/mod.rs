//! The facts about a ModelKit that its deployment needs, and the comparison of a manifest with them.

mod check;
mod facts;

pub use check::{DeploymentDrift, check_manifest};
pub use facts::{Deployment, ServedModel, deployment};
