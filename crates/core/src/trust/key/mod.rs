//! Keys: reading them from PEM files, signing, and verifying signatures.

mod algorithm;
mod encrypted;
mod error;
pub(super) mod pem;
mod private;
mod public;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use encrypted::{EncryptedKey, Password};
pub use error::KeyError;
pub use private::{KeyFile, PrivateKey};
pub use public::{BadSignature, KeyName, PublicKey};
