//! Signing, attesting, verifying and enforcing a policy.

mod candidates;
mod error;
mod place;
mod publish;
mod sign;
mod verify_signature;

pub use candidates::{Candidates, candidates};
pub use error::SigningError;
pub use place::{Signable, find_signed, open_signable};
pub use sign::{Attached, AttestOptions, SignForm, SignOptions, SignedManifest, attest, sign};
pub use verify_signature::{SignatureCheck, SignatureOptions, judge, verify_signature};
