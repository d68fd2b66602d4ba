//! Signatures, attestations, scans, policies and bills of materials, end to end.

mod attachments;
mod attesting;
mod certificates;
mod companions;
mod golden;
pub mod guarded;
mod interrupted;
mod judged_once;
pub mod keyless;
mod keyless_layers;
mod keys;
mod model_signing;
mod policy;
mod policy_rules;
mod publisher;
mod sbom;
mod scan;
pub mod scene;
mod signing;
