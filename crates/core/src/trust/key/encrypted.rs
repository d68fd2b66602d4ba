//! Encrypted private keys in the form of cosign: a key that scrypt derives from a password, and `XSalsa20-Poly1305`.

use std::fmt;

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use ring::rand::{SecureRandom, SystemRandom};
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use scrypt::Params;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::KeyError;
use super::pem;
use super::private::PrivateKey;
use crate::trust::json::read_json;

/// The base 2 logarithms of the costs that are accepted: those that versions of the Go library of this form have
/// written. A higher cost would let the author of a file choose the memory of this process.
const LOG_COSTS: std::ops::RangeInclusive<u32> = 15..=17;

/// The base 2 logarithm of the cost of a new file, as in cosign 3.
const LOG_COST: u32 = 16;

const BLOCK_SIZE: u32 = 8;
const PARALLEL: u32 = 1;
const SALT_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// A password. `Debug` does not print it, and its memory is overwritten when it is dropped.
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password `text`.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A private key that a password opens.
#[derive(Serialize, Deserialize)]
pub struct EncryptedKey {
    kdf: Kdf,
    cipher: Cipher,
    #[serde(with = "binary")]
    ciphertext: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Costs,
    #[serde(with = "binary")]
    salt: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Costs {
    #[serde(rename = "N")]
    n: u64,
    r: u64,
    p: u64,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    #[serde(with = "binary")]
    nonce: Vec<u8>,
}

const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";

impl EncryptedKey {
    /// Reads the JSON inside of the PEM block, and checks everything that can be checked without the password.
    pub(super) fn read(json: &[u8]) -> Result<Self, KeyError> {
        let key: Self = read_json(json).map_err(|error| KeyError::Encryption(error.to_string()))?;
        let Costs { n, r, p } = key.kdf.params;
        let is_known = n.is_power_of_two() && LOG_COSTS.contains(&n.trailing_zeros());
        if !is_known || r != u64::from(BLOCK_SIZE) || p != u64::from(PARALLEL) {
            return Err(KeyError::Costs { n, r, p });
        }
        if key.kdf.name != KDF || key.cipher.name != CIPHER {
            return Err(KeyError::Encryption("its algorithms are not scrypt and nacl/secretbox".to_owned()));
        }
        let has_sizes = key.kdf.salt.len() == SALT_BYTES
            && key.cipher.nonce.len() == NONCE_BYTES
            && key.ciphertext.len() > TAG_BYTES;
        if !has_sizes {
            return Err(KeyError::Encryption("a part of it has the wrong size".to_owned()));
        }
        Ok(key)
    }

    /// Opens the key with its password.
    pub fn open(&self, password: &Password) -> Result<PrivateKey, KeyError> {
        let (tag, ciphertext) = self.ciphertext.split_at_checked(TAG_BYTES).ok_or(KeyError::Damaged)?;
        let mut secret_box = SecretBox::new(&self.kdf, &self.cipher.nonce, password)?;
        if !are_equal(&secret_box.tag(ciphertext), tag) {
            return Err(KeyError::WrongPassword);
        }
        let mut text = Zeroizing::new(ciphertext.to_vec());
        secret_box.stream.apply_keystream(&mut text);
        PrivateKey::from_pkcs8(&text)
    }

    /// Encrypts the DER of a PKCS#8 document.
    pub(super) fn seal(pkcs8: &[u8], password: &Password) -> Result<Self, KeyError> {
        let params = Costs { n: 1 << LOG_COST, r: BLOCK_SIZE.into(), p: PARALLEL.into() };
        let kdf = Kdf { name: KDF.to_owned(), params, salt: random(SALT_BYTES)? };
        let cipher = Cipher { name: CIPHER.to_owned(), nonce: random(NONCE_BYTES)? };
        let mut secret_box = SecretBox::new(&kdf, &cipher.nonce, password)?;
        let mut text = pkcs8.to_vec();
        secret_box.stream.apply_keystream(&mut text);
        let ciphertext = [&secret_box.tag(&text)[..], &text].concat();
        Ok(Self { kdf, cipher, ciphertext })
    }

    /// The PEM of a file with the key.
    pub fn to_pem(&self) -> String {
        let json = serde_json::to_vec(self).expect("it has only strings and integers");
        pem::write("ENCRYPTED SIGSTORE PRIVATE KEY", &json)
    }
}

impl fmt::Debug for EncryptedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptedKey(…)")
    }
}

/// The secretbox of `NaCl`: `XSalsa20`, whose first 32 bytes are the key of `Poly1305` over the ciphertext.
struct SecretBox {
    authenticator: Zeroizing<[u8; 32]>,
    stream: XSalsa20,
}

impl SecretBox {
    fn new(kdf: &Kdf, nonce: &[u8], password: &Password) -> Result<Self, KeyError> {
        let log_cost = u8::try_from(kdf.params.n.trailing_zeros()).map_err(|_| KeyError::Damaged)?;
        let params = Params::new(log_cost, BLOCK_SIZE, PARALLEL).map_err(|_| KeyError::Damaged)?;
        let mut key = Zeroizing::new([0; 32]);
        scrypt::scrypt(password.0.as_bytes(), &kdf.salt, &params, &mut *key).map_err(|_| KeyError::Damaged)?;
        let mut stream = XSalsa20::new_from_slices(&*key, nonce).map_err(|_| KeyError::Damaged)?;
        let mut authenticator = Zeroizing::new([0; 32]);
        stream.apply_keystream(&mut *authenticator);
        Ok(Self { authenticator, stream })
    }

    fn tag(&self, ciphertext: &[u8]) -> [u8; TAG_BYTES] {
        Poly1305::new((&*self.authenticator).into()).compute_unpadded(ciphertext).into()
    }
}

/// Compares all bytes, so that the time does not show where the first difference is.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other)) == 0
}

fn random(bytes: usize) -> Result<Vec<u8>, KeyError> {
    let mut random = vec![0; bytes];
    SystemRandom::new().fill(&mut random).map_err(|_| KeyError::NoRandomNumbers)?;
    Ok(random)
}

/// Binary values as base64 in the standard alphabet.
mod binary {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(|_| de::Error::custom("a value is not base64"))
    }
}
