//! Tests with keys of cosign and OpenSSL, and with damaged ones.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const MESSAGE: &[u8] = b"a message";

#[derive(Deserialize)]
struct Case {
    password: Option<String>,
    public: Option<String>,
    spki_sha256: Option<String>,
    verdict: String,
}

fn read(name: &str) -> Vec<u8> {
    fs_err::read(kit_testkit::sandbox::repository().join("tests/golden/trust/keys").join(name)).unwrap()
}

fn open(name: &str, password: Option<&str>) -> Result<PrivateKey, KeyError> {
    match KeyFile::from_pem(&read(name))? {
        KeyFile::Plain(key) => Ok(key),
        KeyFile::Encrypted(key) => key.open(&Password::new(password.unwrap().to_owned())),
    }
}

#[test]
fn the_keys_of_other_tools_sign_and_verify() {
    let cases: BTreeMap<String, Case> = serde_json::from_slice(&read("keys.json")).unwrap();
    assert_eq!(cases.len(), 16);
    for (name, case) in cases {
        let opened = open(&name, case.password.as_deref());
        if case.verdict != "accept" {
            opened.unwrap_err();
            continue;
        }
        let key = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        let signature = key.sign(MESSAGE).unwrap();
        if let Some(file) = case.public {
            let public = PublicKey::from_pem(&read(&file)).unwrap();
            assert_eq!(key.public_key(), &public, "{name}");
            assert_eq!(public.to_pem().into_bytes(), read(&file), "{name}");
            assert_eq!(public.digest().hex(), case.spki_sha256.unwrap());
        }
        let public = key.public_key();
        public.verify(MESSAGE, &signature).unwrap();
        public.verify(b"another message", &signature).unwrap_err();
        public.verify(MESSAGE, &signature[1..]).unwrap_err();
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("PrivateKey(of {})", public.name()));
    }
}

#[test]
fn a_key_is_named_by_its_algorithm_and_its_digest() {
    let name = |file| PublicKey::from_pem(&read(file)).unwrap().name().to_string();
    assert_eq!(name("test-cosign.pub"), "ecdsa-p256 fd50f21f2fc7");
    assert_eq!(name("test-p384.pub.pem"), "ecdsa-p384 975c96a64e73");
    assert_eq!(name("test-ed25519.pub.pem"), "ed25519 50df1fedd1a7");
    assert_eq!(name("test-rsa2048.pub.pem"), "rsa-2048 ea5b8b240873");
    let hint = PublicKey::from_pem(&read("test-cosign.pub")).unwrap().hint();
    assert_eq!(hint, "/VDyHy/HOJLbCCAAweTohSWskEG9DidqMB8yYyHnSkU=");
}

#[test]
fn keys_that_cannot_be_used_say_why() {
    let private = |name: &str| KeyFile::from_pem(&read(name)).unwrap_err();
    let public = |name: &str| PublicKey::from_pem(&read(name)).unwrap_err();
    assert!(private("test-p521.key.pem").to_string().contains("P-521"));
    assert!(public("test-p521.pub.pem").to_string().contains("P-521"));
    assert!(private("test-p256.pbes2.pem").to_string().contains("openssl pkcs8 -in"));
    assert_eq!(private("test-cosign.pub"), KeyError::IsPublic);
    assert_eq!(public("test-cosign.key"), KeyError::IsPrivate);
    assert_eq!(public("test-leaf.pem"), KeyError::IsCertificate);
    assert_eq!(private("keys.json"), KeyError::NotPem);
    let both = [read("test-cosign.pub"), read("test-other.pub.pem")].concat();
    assert_eq!(PublicKey::from_pem(&both), Err(KeyError::Several(2)));
    let old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    assert_eq!(KeyFile::from_pem(old.as_bytes()).unwrap_err(), KeyError::EncryptedPem);
}

#[test]
fn text_around_a_key_and_the_parameters_of_its_curve_are_ignored() {
    let parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let text = [b"of the team\n", &parameters[..], &read("test-p256.sec1.pem"), b"\n# end\n"].concat();
    let text = String::from_utf8(text).unwrap().replace('\n', "\r\n");
    let KeyFile::Plain(key) = KeyFile::from_pem(text.as_bytes()).unwrap() else { panic!("it is not encrypted") };
    assert_eq!(key.public_key(), &PublicKey::from_pem(&read("test-p256.pub.pem")).unwrap());
}

#[test]
fn a_new_key_opens_with_its_password_only() {
    let (key, pem) = PrivateKey::create(&Password::new("secret".to_owned())).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"), "{pem}");
    let KeyFile::Encrypted(file) = KeyFile::from_pem(pem.as_bytes()).unwrap() else { panic!("it is encrypted") };
    let opened = file.open(&Password::new("secret".to_owned())).unwrap();
    assert_eq!(opened.public_key(), key.public_key());
    assert_eq!(file.open(&Password::new(String::new())).unwrap_err(), KeyError::WrongPassword);
    assert!(!format!("{file:?}{:?}", Password::new("secret".to_owned())).contains("secret"));
}

#[test]
fn costs_of_an_attacker_are_refused_before_they_are_paid() {
    let pem = String::from_utf8(read("test-cosign.key")).unwrap();
    let json = String::from_utf8(super::pem::read_one(pem.as_bytes()).unwrap().content.to_vec()).unwrap();
    for (from, to) in [("65536", "1073741824"), ("65536", "16384"), ("\"r\":8", "\"r\":800"), ("\"p\":1", "\"p\":9")] {
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json);
        assert!(matches!(EncryptedKey::read(changed.as_bytes()), Err(KeyError::Costs { .. })), "{to}");
    }
    let twice = json.replacen('{', "{\"ciphertext\":\"AAAA\",", 1);
    assert!(matches!(EncryptedKey::read(twice.as_bytes()), Err(KeyError::Encryption(_))));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_a_key(
        bytes: Vec<u8>,
        label in "(EC |RSA |ENCRYPTED SIGSTORE )?PRIVATE KEY|PUBLIC KEY",
    ) {
        let label: &'static str = label.leak();
        let pem = super::pem::write(label, &bytes);
        prop_assert!(PublicKey::from_pem(pem.as_bytes()).is_err());
        prop_assert!(KeyFile::from_pem(pem.as_bytes()).is_err());
        prop_assert!(KeyFile::from_pem(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0..2000usize, to: u8) {
        for name in ["test-p256.key.pem", "test-rsa2048.pkcs1.pem", "test-p256.sec1.pem", "test-ed25519.key.pem"] {
            let mut der = super::pem::read_one(&read(name)).unwrap().content;
            let at = at % der.len();
            der[at] = to;
            let label = if name.contains("sec1") { "EC PRIVATE KEY" }
                else if name.contains("pkcs1") { "RSA PRIVATE KEY" } else { "PRIVATE KEY" };
            drop(KeyFile::from_pem(super::pem::write(label, &der).as_bytes()));
        }
    }
}
