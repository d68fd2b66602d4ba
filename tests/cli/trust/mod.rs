//! Signatures, attestations and bills of materials, end to end.

mod attesting;
mod companions;
mod golden;
mod interrupted;
mod keys;
mod policy;
mod scene;
mod signing;
