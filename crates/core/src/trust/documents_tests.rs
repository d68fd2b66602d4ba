//! Tests of statements, envelopes, bundles and payloads: the exact bytes that are written, and what is refused.

use serde_json::{Value, json};

use super::*;
use crate::digest::Digest;
use crate::oci::Annotations;

const MODELKIT: &str = "sha256:4bc9ab393d190fb05e984d2ff25a3d36712fa6a1d49c6ef7e67f5bd8ed34c7ab";

fn modelkit() -> Digest {
    MODELKIT.parse().unwrap()
}

fn bundle() -> Bundle {
    let envelope =
        Envelope { payload: b"{}".to_vec(), payload_type: IN_TOTO.to_owned(), signature: b"signature".to_vec() };
    let material = Material::PublicKey { hint: Some("abc=".to_owned()) };
    Bundle { material, evidence: Evidence::default(), envelope }
}

#[test]
fn a_plain_signature_has_the_bytes_of_cosign() {
    let statement = Statement::of_signature(&modelkit(), &Annotations::new());
    let expected = concat!(
        r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"#,
        r#""4bc9ab393d190fb05e984d2ff25a3d36712fa6a1d49c6ef7e67f5bd8ed34c7ab"}}],"#,
        r#""predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}"#,
    );
    assert_eq!(String::from_utf8(statement.to_bytes()).unwrap(), expected);
    let signed = pre_authentication_encoding(IN_TOTO, expected.as_bytes());
    assert_eq!(signed, format!("DSSEv1 28 application/vnd.in-toto+json 213 {expected}").into_bytes());
    assert_eq!(Statement::read(expected.as_bytes()).unwrap(), statement);
}

#[test]
fn annotations_are_those_of_the_subject() {
    let annotations = Annotations::from([("env".to_owned(), "prod".to_owned())]);
    let statement = Statement::of_signature(&modelkit(), &annotations);
    let text = String::from_utf8(statement.to_bytes()).unwrap();
    let expected = format!(r#"{{"digest":{{"sha256":"{}"}},"annotations":{{"env":"prod"}}}}"#, modelkit().hex());
    assert!(text.contains(&expected), "{text}");
    assert_eq!(statement.subject_of(&modelkit()).unwrap().texts(), annotations);
    assert_eq!(statement.subject_of(&Digest::of(b"")), None);
}

#[test]
fn a_bundle_has_the_bytes_of_cosign() {
    let expected = concat!(
        r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","#,
        r#""verificationMaterial":{"publicKey":{"hint":"abc="}},"#,
        r#""dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","#,
        r#""signatures":[{"sig":"c2lnbmF0dXJl"}]}}"#,
    );
    assert_eq!(String::from_utf8(bundle().to_bytes()).unwrap(), expected);
    assert_eq!(Bundle::read(expected.as_bytes()).unwrap(), bundle());
    for material in [Material::Certificate(vec![1, 2]), Material::Chain(vec![vec![1], vec![2]])] {
        let bundle = Bundle { material, ..bundle() };
        assert_eq!(Bundle::read(&bundle.to_bytes()).unwrap(), bundle);
        let (entries, timestamps) = (vec![json!({ "logIndex": "1" })], vec![json!({}), json!({})]);
        let evidence = Evidence { entries, timestamps, ..Evidence::default() };
        let bundle = Bundle { evidence, ..bundle };
        assert_eq!(Bundle::read(&bundle.to_bytes()).unwrap(), bundle);
        let entries = vec![json!({}); 31];
        let bundle = Bundle { evidence: Evidence { entries, ..bundle.evidence }, ..bundle };
        assert_eq!(Bundle::read(&bundle.to_bytes()), Err(BundleError::Evidence(33)));
    }
}

/// Reads the bundle after `change`.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Bundle, BundleError> {
    let mut document: Value = serde_json::from_slice(&bundle().to_bytes()).unwrap();
    change(&mut document);
    Bundle::read(document.to_string().as_bytes())
}

#[test]
fn a_bundle_is_read_strictly() {
    let version = |version: Value| changed(|bundle| bundle["mediaType"] = version);
    version(json!("application/vnd.dev.sigstore.bundle+json;version=0.3")).unwrap();
    let earlier = "application/vnd.dev.sigstore.bundle+json;version=0.2";
    for other in [json!(earlier), json!("application/vnd.dev.sigstore.bundle+json;version=0.1"), json!(null)] {
        assert!(matches!(version(other), Err(BundleError::UnknownVersion(_))));
    }
    let material = |material: Value| changed(|bundle| bundle["verificationMaterial"] = material);
    material(json!({ "publicKey": {}, "tlogEntries": [], "certificate": null })).unwrap();
    let several = json!({ "publicKey": {}, "certificate": { "rawBytes": "" } });
    for wrong in [json!({}), several, json!({ "x509CertificateChain": { "certificates": [] } })] {
        assert_eq!(material(wrong), Err(BundleError::Material));
    }
    assert_eq!(changed(|bundle| bundle["messageSignature"] = json!({})), Err(BundleError::MessageSignature));
    assert_eq!(changed(|bundle| bundle["dsseEnvelope"] = json!(null)), Err(BundleError::NoEnvelope));
    let signatures = |list: Value| changed(|bundle| bundle["dsseEnvelope"]["signatures"] = list);
    signatures(json!([{ "sig": "AA==", "keyid": "x" }])).unwrap();
    assert_eq!(signatures(json!([])), Err(EnvelopeError::Signatures(0).into()));
    assert_eq!(signatures(json!([{ "sig": "" }, { "sig": "" }])), Err(EnvelopeError::Signatures(2).into()));
    assert_eq!(signatures(json!([{ "sig": "A" }])), Err(EnvelopeError::NotBase64("signature").into()));
    let twice =
        String::from_utf8(bundle().to_bytes()).unwrap().replacen("\"payload\"", "\"payload\":\"\",\"payload\"", 1);
    assert!(matches!(Bundle::read(twice.as_bytes()), Err(BundleError::NotValid(_))));
}

#[test]
fn both_alphabets_of_base64_are_read() {
    for text in ["-_8=", "+/8="] {
        let payload = changed(|bundle| bundle["dsseEnvelope"]["payload"] = json!(text)).unwrap().envelope.payload;
        assert_eq!(payload, [0xfb, 0xff]);
    }
}

#[test]
fn a_statement_is_read_strictly() {
    let read = |statement: Value| Statement::read(statement.to_string().as_bytes());
    let subject = json!([{ "digest": { "sha256": modelkit().hex() } }]);
    let of_type = |kind: &str| read(json!({ "_type": kind, "subject": subject, "predicateType": "x" }));
    of_type("https://in-toto.io/Statement/v0.1").unwrap();
    assert!(matches!(of_type("https://in-toto.io/Statement/v2"), Err(StatementError::UnknownType(_))));
    let upper = json!([{ "digest": { "sha256": modelkit().hex().to_uppercase() } }]);
    let upper = json!({ "_type": STATEMENT_V1, "subject": upper, "predicateType": "x" });
    assert_eq!(read(upper), Err(StatementError::InvalidDigest));
    let others = json!([{ "digest": { "sha512": "x" } }, { "name": "b", "digest": { "sha256": modelkit().hex() } }]);
    let others = read(json!({ "_type": STATEMENT_V1, "subject": others, "predicateType": "x" })).unwrap();
    assert_eq!(others.subject_of(&modelkit()).unwrap().name.as_deref(), Some("b"));
}

#[test]
fn a_payload_of_simple_signing_has_the_bytes_of_cosign() {
    let mut payload = SimpleSigning {
        repository: "registry.example/team/sentiment".to_owned(),
        manifest: modelkit(),
        annotations: Annotations::new(),
    };
    let text = |payload: &SimpleSigning| String::from_utf8(payload.to_bytes()).unwrap();
    let critical = [
        r#""critical":{"identity":{"docker-reference":"registry.example/team/sentiment"},"#,
        r#""image":{"docker-manifest-digest":""#,
        MODELKIT,
        r#""},"type":"cosign container image signature"}"#,
    ]
    .concat();
    assert_eq!(text(&payload), format!(r#"{{{critical},"optional":null}}"#));
    payload.annotations.insert("a".to_owned(), "b".to_owned());
    assert_eq!(text(&payload), format!(r#"{{{critical},"optional":{{"a":"b"}}}}"#));
    assert_eq!(SimpleSigning::read(&payload.to_bytes()).unwrap(), payload);
    let other = text(&payload).replace("cosign container image signature", "atomic container signature");
    assert!(matches!(SimpleSigning::read(other.as_bytes()), Err(SimpleSigningError::OtherType(_))));
    assert!(matches!(SimpleSigning::read(b"nonsense"), Err(SimpleSigningError::NotValid(_))));
}
