//! A bundle with a statement, and a payload of simple signing. What is written for a bundle that was read is read as an
//! equal bundle.

#![no_main]

use kit_core::trust::{Bundle, SimpleSigning, Statement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Bundle::read(bytes) {
        Err(error) => drop(error.to_string()),
        Ok(bundle) => {
            drop(Statement::read(&bundle.envelope.payload));
            assert_eq!(Bundle::read(&bundle.to_bytes()).as_ref().ok(), Some(&bundle));
        }
    }
    drop(Statement::read(bytes));
    if let Ok(payload) = SimpleSigning::read(bytes) {
        assert_eq!(SimpleSigning::read(&payload.to_bytes()).as_ref().ok(), Some(&payload));
    }
});
