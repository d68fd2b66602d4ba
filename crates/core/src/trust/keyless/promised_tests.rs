//! Tests of keyless signatures in the form of cosign 2, with a service that exists only here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_testkit::keyless::{Confirmed, Entry, IDENTITY, ISSUER};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{Scene, timestamped};
use super::*;
use crate::digest::Digest;
use crate::oci::Annotations;
use crate::trust::{NotVerified, Signed, Signer, SimpleSigning, Verifier, decode_base64};

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const ENTRY: &str = "dev.sigstore.cosign/bundle";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";

/// A layer of cosign 2 with its annotations.
#[derive(Clone)]
struct Layer {
    bytes: Vec<u8>,
    annotations: Annotations,
}

impl Layer {
    fn of((bytes, annotations): (Vec<u8>, Value)) -> Self {
        let text = |(key, value): (&String, &Value)| (key.clone(), value.as_str().unwrap().to_owned());
        Self { bytes, annotations: annotations.as_object().unwrap().iter().map(text).collect() }
    }

    /// A signature of a ModelKit.
    fn payload(scene: &Scene, confirmed: &Confirmed) -> Self {
        let repository = "registry.example/team/net".to_owned();
        let payload =
            SimpleSigning { repository, manifest: Digest::of(b"a ModelKit"), annotations: Annotations::new() };
        let entry = confirmed.entry.map(|_| Entry::Payload);
        Self::of(scene.service.sign_layer(&payload.to_bytes(), &Confirmed { entry, ..confirmed.clone() }))
    }

    /// An attestation.
    fn envelope(scene: &Scene, confirmed: &Confirmed) -> Self {
        Self::of(scene.service.sign_layer(&scene.statement, confirmed))
    }

    fn with(&self, annotation: &str, text: &str) -> Self {
        let mut layer = self.clone();
        layer.annotations.insert(annotation.to_owned(), text.to_owned());
        layer
    }

    /// Changes the entry of the log.
    fn with_entry(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut entry = serde_json::from_str(&self.annotations[ENTRY]).unwrap();
        change(&mut entry);
        self.with(ENTRY, &entry.to_string())
    }

    fn verify(&self, identity: KeylessIdentity) -> Result<Signer, NotVerified> {
        let (bytes, annotations) = (self.bytes.clone(), self.annotations.clone());
        let signed = match annotations.get(SIGNATURE) {
            Some(signature) => Signed::of_payload(bytes, decode_base64(signature).unwrap(), annotations),
            None => Signed::of_bare_envelope(bytes, annotations),
        };
        signed.unwrap().verify(&[Verifier::Keyless(Box::new(identity))])
    }

    /// The reason why the layer does not count.
    fn refused(&self, identity: KeylessIdentity) -> String {
        match self.verify(identity).unwrap_err() {
            NotVerified::Keyless(reason) => reason.to_string(),
            other => other.to_string(),
        }
    }
}

/// The two forms of layers.
fn both(scene: &Scene, confirmed: &Confirmed) -> [Layer; 2] {
    [Layer::payload(scene, confirmed), Layer::envelope(scene, confirmed)]
}

#[test]
fn the_promise_of_the_log_counts() {
    let scene = Scene::new();
    for confirmed in [Confirmed::default(), timestamped(), Confirmed { is_old_issuer: true, ..Confirmed::default() }] {
        for layer in both(&scene, &confirmed) {
            assert_eq!(layer.verify(scene.identity()).unwrap().to_string(), format!("{IDENTITY} ({ISSUER})"));
            // The authority is in the trusted root.
            let mut without = layer.clone();
            without.annotations.remove("dev.sigstore.cosign/chain");
            without.verify(scene.identity()).unwrap();
        }
    }
}

#[test]
fn another_identity_provider_or_service_does_not_count() {
    let scene = Scene::new();
    for layer in both(&scene, &Confirmed::default()) {
        let other = KeylessIdentity { identity: WantedIdentity::Exact("ada".to_owned()), ..scene.identity() };
        assert_eq!(layer.refused(other), format!("its certificate is of `{IDENTITY}`, not of `ada`"));
        let other = KeylessIdentity { issuer: "https://accounts.google.com".to_owned(), ..scene.identity() };
        assert!(layer.refused(other).starts_with("its identity is confirmed by"));
        layer.verify(Scene::new().identity()).unwrap_err();
    }
    for layer in both(&scene, &Confirmed { is_published: false, ..Confirmed::default() }) {
        assert!(layer.refused(scene.identity()).starts_with("its certificate is not proven to be in a certificate"));
    }
}

#[test]
fn a_changed_payload_signature_or_certificate_does_not_count() {
    let scene = Scene::new();
    let [payload, envelope] = both(&scene, &Confirmed::default());
    let [other, other_envelope] = both(&scene, &Confirmed::default());
    let text = String::from_utf8(payload.bytes.clone()).unwrap();
    let changed = Layer { bytes: text.replace("team/net", "team/nut").into_bytes(), ..payload.clone() };
    assert_ne!(changed.bytes, payload.bytes);
    changed.verify(scene.identity()).unwrap_err();
    Layer { bytes: other_envelope.bytes.clone(), ..envelope.clone() }.verify(scene.identity()).unwrap_err();
    for annotation in [SIGNATURE, CERTIFICATE, ENTRY] {
        payload.with(annotation, &other.annotations[annotation]).verify(scene.identity()).unwrap_err();
    }
    for annotation in [CERTIFICATE, ENTRY] {
        envelope.with(annotation, &other_envelope.annotations[annotation]).verify(scene.identity()).unwrap_err();
    }
}

#[test]
fn the_entry_of_another_signature_does_not_count() {
    let scene = Scene::new();
    let [payload, envelope] = both(&scene, &timestamped());
    for (layer, other) in
        [(&payload, Layer::payload(&scene, &timestamped())), (&envelope, Layer::envelope(&scene, &timestamped()))]
    {
        let reason = layer.with(ENTRY, &other.annotations[ENTRY]).refused(scene.identity());
        assert!(reason.starts_with("its log entry is that of another signature: "), "{reason}");
    }
    payload.with(ENTRY, &envelope.annotations[ENTRY]).verify(scene.identity()).unwrap_err();
}

#[test]
fn every_part_of_the_promise_is_signed() {
    let scene = Scene::new();
    for layer in both(&scene, &Confirmed::default()) {
        for change in [
            (|entry| {
                entry["Payload"]["integratedTime"] = json!(entry["Payload"]["integratedTime"].as_i64().unwrap() + 1);
            }) as fn(&mut Value),
            |entry| entry["Payload"]["logIndex"] = json!(2),
            |entry| entry["SignedEntryTimestamp"] = json!("AAAA"),
            |entry| {
                let body = entry["Payload"]["body"].as_str().unwrap();
                let body = String::from_utf8(decode_base64(body).unwrap()).unwrap();
                entry["Payload"]["body"] = json!(STANDARD.encode(body.replacen('{', "{ ", 1)));
            },
        ] {
            layer.with_entry(change).verify(scene.identity()).unwrap_err();
        }
        let unknown = layer.with_entry(|entry| entry["Payload"]["logID"] = json!("00".repeat(32)));
        unknown.verify(scene.identity()).unwrap_err();
        for text in ["", "{}", "[]", "null", "{\"SignedEntryTimestamp\":\"\",\"SignedEntryTimestamp\":\"\"}"] {
            let reason = layer.with(ENTRY, text).refused(scene.identity());
            assert!(reason.starts_with("its log entry is not valid: "), "{reason}");
        }
    }
}

#[test]
fn a_signature_outside_the_validity_of_its_certificate_does_not_count() {
    let scene = Scene::new();
    for after in [-1, 601] {
        for layer in both(&scene, &Confirmed { logged_after: after, ..Confirmed::default() }) {
            layer.verify(scene.identity()).unwrap_err();
        }
    }
}

#[test]
fn without_an_entry_an_authority_must_confirm_the_time_and_the_log_be_optional() {
    let scene = Scene::new();
    let optional = KeylessIdentity { log: TransparencyLog::Optional, ..scene.identity() };
    let payload = Layer::payload(&scene, &Confirmed { entry: None, ..timestamped() });
    assert_eq!(payload.refused(scene.identity()), "it has no entry in a transparency log");
    payload.verify(optional.clone()).unwrap();
    let untimed = Layer::payload(&scene, &Confirmed { entry: None, ..Confirmed::default() });
    assert!(untimed.refused(optional).starts_with("nothing proves when it was made"));
}

/// A bundle must have the proof: a promise is what cosign 2 kept.
#[test]
fn a_promise_does_not_count_in_a_bundle() {
    let scene = Scene::new();
    let mut bundle = scene.service.sign(&scene.statement, &Confirmed::default());
    bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionProof");
    let signed = Signed::of_bundle(bundle.to_string().into_bytes()).unwrap();
    let reason = signed.verify(&[Verifier::Keyless(Box::new(scene.identity()))]).unwrap_err();
    assert_eq!(reason, NotVerified::Keyless(KeylessError::NoInclusionProof));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_layer_with_one_other_character_does_not_count_or_means_the_same(
        position in any::<prop::sample::Index>(),
        which in 0..4_usize,
        other in "[A-Za-z0-9+/=. -]",
    ) {
        let scene = Scene::new();
        let layer = Layer::payload(&scene, &Confirmed::default());
        let mut changed = layer.clone();
        if let Some(annotation) = [CERTIFICATE, ENTRY, "dev.sigstore.cosign/chain"].get(which) {
            let text = changed.annotations.get_mut(*annotation).unwrap();
            let at = position.index(text.len());
            text.replace_range(at..=at, &other);
        } else {
            let at = position.index(changed.bytes.len());
            changed.bytes[at] = other.as_bytes()[0];
        }
        let signature = decode_base64(&changed.annotations[SIGNATURE]).unwrap();
        let read = Signed::of_payload(changed.bytes.clone(), signature, changed.annotations.clone());
        let Ok(signed) = read else { return Ok(()) };
        if signed.verify(&[Verifier::Keyless(Box::new(scene.identity()))]).is_ok() {
            prop_assert_eq!(&changed.bytes, &layer.bytes);
        }
    }
}
