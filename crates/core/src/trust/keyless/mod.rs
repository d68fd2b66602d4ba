//! Keyless signatures: a certificate of some minutes that a service such as Fulcio issued to an identity, with proofs
//! that certificate and signature are in public logs, and of the time of the signature. All of it is verified with what
//! a bundle and a trusted root contain.

mod error;
mod identity;
mod promised;
#[cfg(test)]
mod promised_tests;
mod provider;
mod root;
#[cfg(test)]
mod tests;
mod wanted;

pub use error::{KeylessError, TrustedRootError};
pub use identity::{KeylessIdentity, TransparencyLog};
pub(in crate::trust) use root::TRUSTED_ROOT;
pub use root::TrustedRoot;
pub use wanted::{PatternError, WantedIdentity};
