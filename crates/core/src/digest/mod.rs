//! Names content by its SHA-256 digest, and computes or verifies the digest while bytes are read or written.
//!
//! Does not know files, HTTP or OCI documents.

mod hasher;
mod hex;
mod name;
mod sha256;
mod twin;
mod verify;
mod writer;

pub use hasher::{Hasher, PartDigests};
pub(crate) use hex::read_hex;
pub use name::{Digest, ParseError};
pub use verify::{Mismatch, VerifyingReader};
pub use writer::{DigestWriter, Digesting};
