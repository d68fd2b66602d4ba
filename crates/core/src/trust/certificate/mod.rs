//! Certificates of signers, and the authorities that vouch for them.

mod authority;
mod chain;
mod error;
mod extensions;
mod identity;
#[cfg(test)]
mod tests;
mod x509;

pub use authority::{Authority, Usage, ValidAt};
pub use chain::CertificateChain;
pub use error::CertificateError;
pub use identity::{CertificateIdentity, Identity};
pub use x509::Certificate;
