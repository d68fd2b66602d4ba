//! A trusted root, and a bundle whose log entries and timestamps are read with it. No input is a valid signature of the
//! identity.

#![no_main]

use std::sync::OnceLock;

use kit_core::trust::{KeylessIdentity, Signed, TransparencyLog, TrustedRoot, Verifier, WantedIdentity};
use libfuzzer_sys::fuzz_target;

/// A trusted root without logs, so that each input reaches the parts of a bundle.
const ROOT: &[u8] = include_bytes!("../../../tests/golden/trust/keys/test-trusted-root.json");

fn verifier() -> &'static [Verifier] {
    static VERIFIERS: OnceLock<Vec<Verifier>> = OnceLock::new();
    VERIFIERS.get_or_init(|| {
        let root = TrustedRoot::read(ROOT).expect("the golden file is a trusted root");
        let both = [TransparencyLog::Required, TransparencyLog::Optional].map(|log| {
            let identity = WantedIdentity::Exact("ada@models.example".to_owned());
            let issuer = "https://issuer.example".to_owned();
            Verifier::Keyless(Box::new(KeylessIdentity { identity, issuer, root: root.clone(), log }))
        });
        both.into()
    })
}

fuzz_target!(|bytes: &[u8]| {
    match TrustedRoot::read(bytes) {
        Err(error) => drop(error.to_string()),
        Ok(root) => assert_eq!(TrustedRoot::read(bytes).as_ref().ok(), Some(&root)),
    }
    if let Ok(signed) = Signed::of_bundle(bytes.to_vec()) {
        let refused = signed.verify(verifier()).expect_err("the identity has no certificate");
        drop(refused.to_string());
    }
});
