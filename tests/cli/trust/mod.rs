//! Signatures, attestations and bills of materials, end to end.

mod companions;
mod golden;
mod keys;
mod policy;
mod scene;
mod signing;
