//! Signatures, attestations and bills of materials, end to end.

mod attachments;
mod companions;
mod sbom;
