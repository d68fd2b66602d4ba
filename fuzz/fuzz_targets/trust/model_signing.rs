//! A list of files of OpenSSF Model Signing, and a certificate. A list that was read has only paths inside its folder.

#![no_main]

use kit_core::trust::{Certificate, ModelStatement, Statement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(statement) = Statement::read(bytes) {
        match ModelStatement::read(statement) {
            Err(error) => drop(error.to_string()),
            Ok(statement) => {
                for (path, file) in statement.files() {
                    assert!(!path.is_root() && !path.as_str().starts_with('/'));
                    drop(file.matches(&mut &*bytes));
                }
            }
        }
    }
    if let Ok(certificate) = Certificate::read(bytes) {
        drop(certificate.public_key());
        assert_eq!(certificate.der(), bytes);
    }
    drop(Certificate::read_pem(bytes));
});
