//! The hashes of files in a statement of a model.

use std::fmt;

use blake2::Blake2b512;
use sha2::{Digest as _, Sha256};

/// A hash of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashType {
    /// SHA-256, the usual one.
    Sha256,
    /// `BLAKE2b` with digests of 64 bytes.
    Blake2b,
    /// BLAKE3 with digests of 32 bytes.
    Blake3,
}

impl HashType {
    /// Returns the hash with this name in a statement.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Blake2b, Self::Blake3].into_iter().find(|hash| hash.name() == name)
    }

    /// The name in a statement.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake2b => "blake2b",
            Self::Blake3 => "blake3",
        }
    }

    /// The bytes of a digest.
    pub(super) fn digest_bytes(self) -> usize {
        match self {
            Self::Sha256 | Self::Blake3 => 32,
            Self::Blake2b => 64,
        }
    }

    pub(super) fn begin(self) -> Hashing {
        match self {
            Self::Sha256 => Hashing::Sha256(Sha256::new()),
            Self::Blake2b => Hashing::Blake2b(Box::new(Blake2b512::new())),
            Self::Blake3 => Hashing::Blake3(Box::new(blake3::Hasher::new())),
        }
    }
}

impl fmt::Display for HashType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A running computation.
pub(super) enum Hashing {
    Sha256(Sha256),
    Blake2b(Box<Blake2b512>),
    Blake3(Box<blake3::Hasher>),
}

impl Hashing {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Blake2b(hash) => hash.update(bytes),
            Self::Blake3(hash) => drop(hash.update(bytes)),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Blake2b(hash) => hash.finalize().to_vec(),
            Self::Blake3(hash) => hash.finalize().as_bytes().to_vec(),
        }
    }
}
