//! The file of a private or a public key.

#![no_main]

use kit_core::trust::{KeyFile, PublicKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(KeyFile::Plain(key)) = KeyFile::from_pem(bytes) {
        // The numbers of a damaged RSA key may not belong together, which shows when it signs.
        if let Ok(signature) = key.sign(bytes) {
            key.public_key().verify(bytes, &signature).expect("a key verifies what it signed");
        }
    }
    if let Ok(key) = PublicKey::from_pem(bytes) {
        assert_eq!(PublicKey::from_pem(key.to_pem().as_bytes()).as_ref().ok(), Some(&key));
    }
});
