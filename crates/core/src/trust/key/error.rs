//! The reasons why a key cannot be used.

/// The reason why a key cannot be read or used. Never contains a part of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM block, or one with a damaged frame.
    #[error("it is not a PEM file")]
    NotPem,
    /// Several blocks.
    #[error("it contains {0} PEM blocks instead of one key")]
    Several(usize),
    /// A block that is not a key.
    #[error("its PEM block `{0}` is not a key")]
    NotAKey(String),
    /// A public key, but a private one is needed.
    #[error("it is a public key, but a private key is needed to sign")]
    IsPublic,
    /// A private key, but a public one is needed.
    #[error("it is a private key, but the public key is needed to verify")]
    IsPrivate,
    /// A certificate instead of a key.
    #[error("it is a certificate, not a key")]
    IsCertificate,
    /// An encrypted PKCS#8 document.
    #[error(
        "encrypted PKCS#8 keys are not supported; \
         convert it with `openssl pkcs8 -in KEY -out PLAIN`, or create a key with `kit key new`"
    )]
    EncryptedPkcs8,
    /// An encrypted PEM block of the old form of OpenSSL.
    #[error("encrypted keys of this form are not supported; convert it with `openssl pkey -in KEY -out PLAIN`")]
    EncryptedPem,
    /// A public key in the form of PKCS#1.
    #[error(
        "public keys in the form of PKCS#1 are not supported; \
         convert it with `openssl rsa -RSAPublicKey_in -in KEY -pubout`"
    )]
    Pkcs1Public,
    /// A key of an algorithm that is not supported.
    #[error("{0} are not supported")]
    Unsupported(String),
    /// An elliptic curve key without the public key, which `ring` does not compute.
    #[error(
        "the file does not contain the public key that belongs to it; \
         convert it with `openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW`"
    )]
    NoPublicKey,
    /// The document of the key is damaged.
    #[error("the key is damaged")]
    Damaged,
    /// An encrypted key that is not of the known form.
    #[error("the encrypted key is damaged: {0}")]
    Encryption(String),
    /// Costs of the derivation that are not accepted.
    #[error("the encrypted key asks for scrypt with N={n}, r={r}, p={p}, which is not accepted")]
    Costs {
        /// The number of iterations.
        n: u64,
        /// The size of a block.
        r: u64,
        /// The parallel computations.
        p: u64,
    },
    /// The password does not open the key.
    #[error("the password is wrong, or the key is damaged")]
    WrongPassword,
    /// The system has no random numbers, or `ring` failed.
    #[error("the key cannot sign")]
    Signing,
    /// No random numbers.
    #[error("no random numbers are available")]
    NoRandomNumbers,
}
