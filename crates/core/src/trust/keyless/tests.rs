//! Tests of keyless signatures, with a service that exists only here.

use kit_testkit::keyless::{Confirmed, Entry, IDENTITY, ISSUER, Service};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::digest::Digest;
use crate::oci::Annotations;
use crate::trust::{NotVerified, Signed, Signer, Statement, Verifier};

/// A service, and a statement that is signed with it.
pub(super) struct Scene {
    pub(super) service: Service,
    pub(super) statement: Vec<u8>,
}

impl Scene {
    pub(super) fn new() -> Self {
        let statement = Statement::of_signature(&Digest::of(b"a ModelKit"), &Annotations::new());
        Self { service: Service::new(), statement: statement.to_bytes() }
    }

    fn sign(&self, confirmed: &Confirmed) -> Value {
        self.service.sign(&self.statement, confirmed)
    }

    pub(super) fn identity(&self) -> KeylessIdentity {
        let root = TrustedRoot::read(self.service.trusted_root().to_string().as_bytes()).unwrap();
        let (identity, issuer) = (exact(IDENTITY), ISSUER.to_owned());
        KeylessIdentity { identity, issuer, root, log: TransparencyLog::Required }
    }

    /// A service without logs, such as that of GitHub for private repositories.
    fn identity_without_logs(&self) -> KeylessIdentity {
        let mut root = self.service.trusted_root();
        for logs in ["tlogs", "ctlogs"] {
            root.as_object_mut().unwrap().remove(logs);
        }
        let root = TrustedRoot::read(root.to_string().as_bytes()).unwrap();
        KeylessIdentity { root, log: TransparencyLog::Optional, ..self.identity() }
    }
}

fn verify(bundle: &Value, identity: KeylessIdentity) -> Result<Signer, NotVerified> {
    let signed = Signed::of_bundle(bundle.to_string().into_bytes()).unwrap();
    signed.verify(&[Verifier::Keyless(Box::new(identity))])
}

/// The reason why a bundle does not count, as it is shown.
fn refused(bundle: &Value, identity: KeylessIdentity) -> String {
    match verify(bundle, identity).unwrap_err() {
        NotVerified::Keyless(reason) => reason.to_string(),
        other => other.to_string(),
    }
}

fn exact(identity: &str) -> WantedIdentity {
    WantedIdentity::Exact(identity.to_owned())
}

pub(super) fn timestamped() -> Confirmed {
    Confirmed { timestamp_after: Some(30), ..Confirmed::default() }
}

#[test]
fn a_signature_of_the_identity_counts() {
    let scene = Scene::new();
    for confirmed in [
        Confirmed::default(),
        timestamped(),
        Confirmed { entry: Some(Entry::Digest), ..timestamped() },
        Confirmed { is_old_issuer: true, ..Confirmed::default() },
    ] {
        let signer = verify(&scene.sign(&confirmed), scene.identity()).unwrap();
        assert_eq!(signer.to_string(), format!("{IDENTITY} ({ISSUER})"), "{confirmed:?}");
    }
    let person = Confirmed { identity: "ada@models.example".to_owned(), ..Confirmed::default() };
    let identity = KeylessIdentity { identity: exact("ada@models.example"), ..scene.identity() };
    verify(&scene.sign(&person), identity).unwrap();
}

#[test]
fn a_chain_of_certificates_is_read_like_one_certificate() {
    let scene = Scene::new();
    let mut bundle = scene.sign(&Confirmed::default());
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    let leaf = material.remove("certificate").unwrap();
    let authority = &scene.service.trusted_root()["certificateAuthorities"][0]["certChain"]["certificates"][0];
    material.insert("x509CertificateChain".to_owned(), json!({ "certificates": [leaf, authority] }));
    verify(&bundle, scene.identity()).unwrap();
    bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.2");
    verify(&bundle, scene.identity()).unwrap();
    bundle["verificationMaterial"]["x509CertificateChain"]["certificates"].as_array_mut().unwrap().reverse();
    verify(&bundle, scene.identity()).unwrap_err();
}

#[test]
fn another_identity_or_provider_does_not_count() {
    let scene = Scene::new();
    let bundle = scene.sign(&Confirmed::default());
    for other in ["", "https://github.com/acme/models", &IDENTITY[1..], &format!("{IDENTITY}2")] {
        let reason = refused(&bundle, KeylessIdentity { identity: exact(other), ..scene.identity() });
        assert_eq!(reason, format!("its certificate is of `{IDENTITY}`, not of `{other}`"));
    }
    for other in ["", "https://accounts.google.com", &format!("{ISSUER}/")] {
        let reason = refused(&bundle, KeylessIdentity { issuer: other.to_owned(), ..scene.identity() });
        assert_eq!(reason, format!("its identity is confirmed by `{ISSUER}`, not by `{other}`"));
    }
    let without = scene.sign(&Confirmed { issuer: None, ..Confirmed::default() });
    assert_eq!(
        refused(&without, scene.identity()),
        format!("its identity is confirmed by no provider, not by `{ISSUER}`")
    );
    let empty = KeylessIdentity { issuer: String::new(), ..scene.identity() };
    verify(&without, empty).unwrap_err();
}

#[test]
fn a_pattern_names_several_identities() {
    let scene = Scene::new();
    let bundle = scene.sign(&Confirmed::default());
    let pattern = |text: &str| KeylessIdentity { identity: WantedIdentity::pattern(text).unwrap(), ..scene.identity() };
    let workflow = r"https://github\.com/acme/models/\.github/workflows/release\.yml@refs/(heads/main|tags/v.*)";
    assert_eq!(verify(&bundle, pattern(workflow)).unwrap().to_string(), format!("{IDENTITY} ({ISSUER})"));
    let reason = refused(&bundle, pattern("https://github.com/acme/models"));
    assert!(reason.ends_with("not of `https://github.com/acme/models`"), "{reason}");
}

#[test]
fn the_entry_of_another_envelope_does_not_count() {
    let scene = Scene::new();
    for confirmed in [Confirmed::default(), Confirmed { entry: Some(Entry::Digest), ..timestamped() }] {
        let (mut bundle, other) = (scene.sign(&confirmed), scene.sign(&confirmed));
        bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
        let reason = refused(&bundle, scene.identity());
        assert!(reason.starts_with("its log entry is that of another signature: "), "{reason}");
    }
}

#[test]
fn a_certificate_that_is_in_no_log_does_not_count() {
    let scene = Scene::new();
    let bundle = scene.sign(&Confirmed { is_published: false, ..Confirmed::default() });
    let identity = scene.identity();
    let optional = KeylessIdentity { log: TransparencyLog::Optional, ..identity.clone() };
    for identity in [identity, optional] {
        let reason = refused(&bundle, identity);
        assert!(
            reason.starts_with("its certificate is not proven to be in a certificate transparency log"),
            "{reason}"
        );
    }
}

#[test]
fn a_signature_without_an_entry_counts_only_if_the_log_is_optional() {
    let scene = Scene::new();
    let bundle = scene.sign(&Confirmed { entry: None, ..timestamped() });
    let identity = scene.identity();
    assert_eq!(refused(&bundle, identity.clone()), "it has no entry in a transparency log");
    let optional = KeylessIdentity { log: TransparencyLog::Optional, ..identity };
    verify(&bundle, optional.clone()).unwrap();
    // An entry is checked if there is one.
    let (mut logged, other) = (scene.sign(&timestamped()), scene.sign(&timestamped()));
    verify(&logged, optional.clone()).unwrap();
    logged["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
    verify(&logged, optional.clone()).unwrap_err();
    let nothing = scene.sign(&Confirmed { entry: None, ..Confirmed::default() });
    let reason = refused(&nothing, optional);
    assert!(reason.starts_with("nothing proves when it was made"), "{reason}");
}

#[test]
fn a_service_without_logs_needs_a_timestamp() {
    let scene = Scene::new();
    let private = Confirmed { entry: None, is_published: false, ..timestamped() };
    let bundle = scene.sign(&private);
    verify(&bundle, scene.identity_without_logs()).unwrap();
    let required = KeylessIdentity { log: TransparencyLog::Required, ..scene.identity_without_logs() };
    assert_eq!(refused(&bundle, required), "it has no entry in a transparency log");
    let untimed = scene.sign(&Confirmed { timestamp_after: None, ..private });
    assert!(refused(&untimed, scene.identity_without_logs()).starts_with("nothing proves when it was made"));
    // An entry of a log that the trusted root does not know is not ignored.
    verify(&scene.sign(&timestamped()), scene.identity_without_logs()).unwrap_err();
}

#[test]
fn an_entry_without_a_valid_proof_does_not_count() {
    let scene = Scene::new();
    let bundle = scene.sign(&timestamped());
    let entry = |change: fn(&mut Value)| {
        let mut bundle = bundle.clone();
        change(&mut bundle["verificationMaterial"]["tlogEntries"][0]);
        refused(&bundle, scene.identity())
    };
    let missing = entry(|entry| drop(entry.as_object_mut().unwrap().remove("inclusionProof")));
    assert_eq!(missing, "its log entry has no inclusion proof");
    for reason in [
        entry(|entry| entry["inclusionProof"]["hashes"] = json!([])),
        entry(|entry| entry["inclusionProof"]["logIndex"] = json!("0")),
        entry(|entry| entry["inclusionProof"]["treeSize"] = json!("3")),
        entry(|entry| entry["inclusionPromise"]["signedEntryTimestamp"] = json!("AAAA")),
    ] {
        assert!(reason.starts_with("its log entry is not proven to be in the log"), "{reason}");
    }
    let second = {
        let mut bundle = bundle.clone();
        let mut unproven = bundle["verificationMaterial"]["tlogEntries"][0].clone();
        unproven.as_object_mut().unwrap().remove("inclusionProof");
        bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(unproven);
        refused(&bundle, scene.identity())
    };
    assert_eq!(second, "its log entry has no inclusion proof");
}

#[test]
fn the_certificate_must_be_valid_at_every_proven_time() {
    let scene = Scene::new();
    let reason = |confirmed: &Confirmed| refused(&scene.sign(confirmed), scene.identity());
    for after in [-1, 601] {
        reason(&Confirmed { logged_after: after, ..Confirmed::default() });
        reason(&Confirmed { timestamp_after: Some(after), ..Confirmed::default() });
        reason(&Confirmed { timestamp_after: Some(after), entry: Some(Entry::Digest), ..Confirmed::default() });
        reason(&Confirmed { logged_after: after, ..timestamped() });
    }
    for after in [0, 600] {
        verify(&scene.sign(&Confirmed { logged_after: after, ..Confirmed::default() }), scene.identity()).unwrap();
    }
    // A log of version 2 does not sign the time.
    let untimed = reason(&Confirmed { entry: Some(Entry::Digest), ..Confirmed::default() });
    assert!(untimed.starts_with("nothing proves when it was made"), "{untimed}");
}

#[test]
fn only_the_trusted_service_counts() {
    let (scene, other) = (Scene::new(), Scene::new());
    let bundle = scene.sign(&timestamped());
    verify(&bundle, other.identity()).unwrap_err();
    for (part, expected) in [
        ("certificateAuthorities", "no authority of the trusted root issued its certificate"),
        ("ctlogs", "its certificate is not proven to be in a certificate transparency log"),
        ("tlogs", "its log entry is from a log that the trusted root does not contain"),
        ("timestampAuthorities", "the proof of its time is not valid"),
    ] {
        let mut root = scene.service.trusted_root();
        root[part] = other.service.trusted_root()[part].clone();
        let root = TrustedRoot::read(root.to_string().as_bytes()).unwrap();
        let reason = refused(&bundle, KeylessIdentity { root, ..scene.identity() });
        assert!(reason.starts_with(expected), "{part}: {reason}");
    }
}

#[test]
fn a_changed_statement_or_signature_does_not_count() {
    let scene = Scene::new();
    let bundle = scene.sign(&timestamped());
    let mut changed = bundle.clone();
    let statement = Statement::of_signature(&Digest::of(b"another"), &Annotations::new()).to_bytes();
    let other = scene.service.sign(&statement, &timestamped());
    changed["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"].clone();
    verify(&changed, scene.identity()).unwrap_err();
    changed["verificationMaterial"] = other["verificationMaterial"].clone();
    verify(&changed, scene.identity()).unwrap_err();
    changed["dsseEnvelope"] = other["dsseEnvelope"].clone();
    verify(&changed, scene.identity()).unwrap();
}

#[test]
fn a_key_alone_is_not_an_identity() {
    let scene = Scene::new();
    let mut bundle = scene.sign(&Confirmed::default());
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    material.remove("certificate");
    material.insert("publicKey".to_owned(), json!({}));
    assert_eq!(verify(&bundle, scene.identity()), Err(NotVerified::HasKey));
}

#[test]
fn a_trusted_root_is_read_strictly() {
    let root = Service::new().trusted_root();
    let read = |text: &str| TrustedRoot::read(text.as_bytes()).unwrap_err();
    let changed = |change: fn(&mut Value)| {
        let mut root = root.clone();
        change(&mut root);
        read(&root.to_string())
    };
    assert_eq!(changed(|root| root["mediaType"] = json!("application/json")), TrustedRootError::Version);
    assert_eq!(changed(|root| drop(root.as_object_mut().unwrap().remove("mediaType"))), TrustedRootError::Version);
    assert_eq!(changed(|root| root["certificateAuthorities"] = json!([])), TrustedRootError::NoAuthority);
    for error in [
        read(""),
        read("[]"),
        read(&format!("{root}{root}")),
        read(&root.to_string().replacen('{', "{\"tlogs\":[],", 1)),
        changed(|root| root["tlogs"][0]["publicKey"]["rawBytes"] = json!("AAAA")),
        changed(|root| root["certificateAuthorities"][0]["certChain"]["certificates"] = json!([])),
    ] {
        assert!(matches!(error, TrustedRootError::NotValid(_)), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_bundle_with_one_other_character_does_not_count_or_means_the_same(
        position in any::<prop::sample::Index>(),
        other in "[A-Za-z0-9+/=. -]",
    ) {
        let scene = Scene::new();
        let mut text = scene.sign(&timestamped()).to_string();
        let at = position.index(text.len());
        prop_assume!(text.is_char_boundary(at) && text.is_char_boundary(at + 1));
        let before = text.clone();
        text.replace_range(at..=at, &other);
        let Ok(signed) = Signed::of_bundle(text.into_bytes()) else { return Ok(()) };
        let original = Signed::of_bundle(before.into_bytes()).unwrap();
        if signed.verify(&[Verifier::Keyless(Box::new(scene.identity()))]).is_ok() {
            prop_assert_eq!(&signed.claim, &original.claim);
            prop_assert_eq!(&signed.envelope, &original.envelope);
            prop_assert_eq!(&signed.material, &original.material);
        }
    }
}
