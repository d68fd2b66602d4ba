//! Signing, attesting, verifying and enforcing a policy.

mod attestations;
mod candidates;
mod error;
mod legacy;
mod place;
mod publish;
mod sign;
#[cfg(test)]
mod tests;
mod verify_signature;

pub use attestations::{Attestation, attestations, recorded_provenance};
pub use candidates::{Beside, Candidates, beside, candidates};
pub use error::SigningError;
pub use place::{Signable, find_signed, open_signable};
pub use sign::{Attached, AttestOptions, SignForm, SignOptions, SignedManifest, attest, sign};
pub use verify_signature::{SignatureCheck, SignatureOptions, judge, verify_signature};
