//! Signatures, attestations and bills of materials, end to end.

mod companions;
