//! Signatures, attestations, scans, policies and bills of materials, end to end.

mod attachments;
mod attesting;
mod companions;
mod golden;
mod guarded;
mod interrupted;
mod keys;
mod policy;
mod policy_rules;
mod sbom;
mod scan;
mod scene;
mod signing;
