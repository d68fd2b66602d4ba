//! Keys, signatures, attestations and policies: documents and decisions, without I/O.

pub mod policy;
