//! The golden vectors of OpenSSF Model Signing, and the round trip of a signature.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use std::collections::BTreeMap;

use super::*;
use crate::progress::Silent;
use crate::relative_path::RelativePath;
use crate::trust::{
    Authority, CertificateChain, Identity, KeyFile, PrivateKey, PublicKey, UnsignedFiles, Usage, ValidAt, Verifier,
    default_ignored,
};

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "case")]
    name: String,
    signature: String,
    verify_with: String,
    flags: Vec<String>,
    verdict: String,
    folder_change: Change,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Change {
    write: BTreeMap<String, String>,
    remove: Vec<String>,
    rename: BTreeMap<String, String>,
}

/// The reasons of the cases that are refused. A difference is named by its path.
const REASONS: [(&str, &str); 20] = [
    ("key-p521", "ECDSA keys on the curve P-521 are not supported"),
    ("file-changed", "data/train.csv differs"),
    ("file-extra", "src/evil.py unsigned"),
    ("file-renamed", "src/a/x.py missing, src/a/y.py unsigned"),
    ("wrong-key", "signed by another key, or changed afterwards"),
    ("key-for-certificate", "signed with a key, not with a certificate"),
    ("bad-hint", "it names another key: its hint is 0000"),
    ("bad-payload", "signed by another key, or changed afterwards"),
    ("bad-root-digest", "its statement is inconsistent"),
    ("bad-payload-type", "its payload has the type `application/json`"),
    ("bad-path-escapes", "which is not a path inside the folder"),
    ("bad-duplicate-name", "twice"),
    ("bad-ignores-everything", "it does not cover any file"),
    ("bad-hash-type", "its files are hashed with `md5`"),
    ("bad-two-signatures", "its envelope has 2 signatures instead of one"),
    ("bad-no-signature", "its envelope has 0 signatures instead of one"),
    ("bad-bundle-version", "it is a bundle of a version that this version of kit does not support"),
    ("bad-json", "it is not a valid bundle"),
    ("bad-raw-signature", "signed by another key, or changed afterwards"),
    ("bad-certificate-no-chain", "signed with a certificate that does not count: none of the trusted authorities"),
];

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/trust").join(path)
}

fn read(path: &str) -> Vec<u8> {
    fs_err::read(golden(path)).unwrap()
}

fn key(name: &str) -> PrivateKey {
    match KeyFile::from_pem(&read(&format!("keys/{name}"))).unwrap() {
        KeyFile::Plain(key) => key,
        KeyFile::Encrypted(_) => panic!("{name} is encrypted"),
    }
}

fn authority() -> Verifier {
    let authority = Authority::read_pem([&read("keys/test-ca.pem")[..]]).unwrap();
    Verifier::Identity(Box::new(Identity { san: None, authority, valid_at: ValidAt::Issued, usage: Usage::Signature }))
}

/// A copy of the signed folder with the changes of a case.
fn model(change: &Change) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    let model = golden("oms/model");
    for found in super::listing::list(&model, &|_| false).unwrap() {
        fs_err::copy(found.path.join_to(&model), at(found.path.as_str())).unwrap();
    }
    change.write.iter().for_each(|(name, text)| fs_err::write(at(name), text).unwrap());
    change.remove.iter().for_each(|name| fs_err::remove_file(at(name)).unwrap());
    change.rename.iter().for_each(|(from, to)| fs_err::rename(at(from), at(to)).unwrap());
    folder
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn verify(case: &Case) -> Result<(), String> {
    let verifier = match case.verify_with.split_once(' ').unwrap() {
        ("key", name) => {
            PublicKey::from_pem(&read(&format!("keys/{name}"))).map(Verifier::Key).map_err(|error| error.to_string())?
        }
        (kind, name) => {
            assert_eq!((kind, name), ("certificate", "test-ca.pem"));
            authority()
        }
    };
    let is_lenient = case.flags.iter().any(|flag| flag == "--ignore-unsigned-files");
    let unsigned = if is_lenient { UnsignedFiles::Ignored } else { UnsignedFiles::Refused };
    let (folder, signature) = (model(&case.folder_change), read(&format!("oms/{}", case.signature)));
    let compared = verify_folder(folder.path(), &signature, &[verifier], (&[], unsigned), 2, &Silent);
    let differences = compared.map_err(|error| with_sources(&error))?.compared.differences;
    let words: Vec<_> = differences.iter().map(|(path, word)| format!("{path} {}", word.word())).collect();
    if words.is_empty() { Ok(()) } else { Err(words.join(", ")) }
}

#[test]
fn every_golden_vector_has_its_verdict_and_its_reason() {
    let cases: Vec<Case> = serde_json::from_slice(&read("oms/cases.json")).unwrap();
    assert_eq!(cases.len(), 38);
    for case in &cases {
        let reason = REASONS.iter().find(|(name, _)| *name == case.name).map(|(_, reason)| *reason);
        match (verify(case), case.verdict.as_str(), reason) {
            (Ok(()), "accept", None) => {}
            (Err(error), "refuse", Some(reason)) => assert!(error.contains(reason), "{}: {error}", case.name),
            (result, verdict, _) => panic!("{}: {result:?} instead of {verdict}", case.name),
        }
    }
}

fn sign(folder: &Path, key: &PrivateKey, certificates: Option<&CertificateChain>) -> Result<SignedFolder, FolderError> {
    let (name, ignored) = ("sentiment".to_owned(), default_ignored(None));
    sign_folder(&FolderSigning { folder, name, key, certificates, ignored, jobs: 2 }, &Silent)
}

fn differences(folder: &Path, signature: &[u8], verifier: Verifier) -> Vec<String> {
    let own = ["model.sig".parse::<RelativePath>().unwrap()];
    let all = (&own[..], UnsignedFiles::Refused);
    let compared = verify_folder(folder, signature, &[verifier], all, 2, &Silent).unwrap();
    compared.compared.differences.iter().map(|(path, word)| format!("{path} {}", word.word())).collect()
}

#[test]
fn a_signed_folder_is_verified_and_all_differences_are_listed() {
    let folder = model(&Change::default());
    let key = key("test-p256.key.pem");
    let signed = sign(folder.path(), &key, None).unwrap();
    assert_eq!((signed.files, signed.root.hex().get(..12)), (9, Some("9bb17e632dce")));
    let public = || Verifier::Key(key.public_key().clone());
    fs_err::write(folder.path().join("model.sig"), &signed.bundle).unwrap();
    assert!(differences(folder.path(), &signed.bundle, public()).is_empty());
    fs_err::write(folder.path().join("README.md"), "other").unwrap();
    fs_err::remove_file(folder.path().join("src/a/x.py")).unwrap();
    fs_err::write(folder.path().join("src/a.py"), "").unwrap();
    fs_err::create_dir(folder.path().join("data/new")).unwrap();
    fs_err::write(folder.path().join("data/new/model.sig"), "").unwrap();
    let expected = ["README.md differs", "data/new/model.sig unsigned", "src/a/x.py missing", "src/a.py unsigned"];
    assert_eq!(differences(folder.path(), &signed.bundle, public()), expected);
}

#[test]
fn a_folder_is_signed_with_a_certificate() {
    let folder = model(&Change::default());
    let key = key("test-leaf.key.pem");
    let others = [read("keys/test-int.pem"), read("keys/test-ca.pem")];
    let others = || others.iter().map(Vec::as_slice);
    let chain = CertificateChain::read(key.public_key(), &read("keys/test-leaf.pem"), others()).unwrap();
    let signed = sign(folder.path(), &key, Some(&chain)).unwrap();
    assert!(differences(folder.path(), &signed.bundle, authority()).is_empty());
    let other = CertificateChain::read(key.public_key(), &read("keys/test-int.pem"), others()).unwrap_err();
    assert_eq!(other.to_string(), "the certificate belongs to another key");
}

#[test]
fn a_folder_that_a_signature_cannot_cover_is_refused() {
    let folder = model(&Change::default());
    for name in ["test-ed25519.key.pem", "test-rsa2048.key.pem"] {
        let error = sign(folder.path(), &key(name), None).unwrap_err();
        assert!(matches!(error, FolderError::OtherAlgorithm(_)), "{error}");
    }
    let empty = tempfile::tempdir().unwrap();
    fs_err::write(empty.path().join("Kitfile"), "").unwrap();
    let error = sign(empty.path(), &key("test-p256.key.pem"), None).unwrap_err();
    assert_eq!(error.to_string(), "nothing can be signed: it does not cover any file");
    let file = folder.path().join("README.md");
    let error = sign(&file, &key("test-p256.key.pem"), None).unwrap_err();
    assert!(matches!(error, FolderError::NotAFolder(_)), "{error}");
}
