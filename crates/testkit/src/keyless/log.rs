//! Entries of transparency logs, and what proves that a log contains them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::certificate::{Key, extension};
use super::der::octets;
use crate::registry::sha256;

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The entry of an envelope in a log of version 1.
    Envelope,
    /// The entry of a digest in a log of version 2.
    Digest,
    /// The entry of a digest in a log of version 1, as cosign 2 makes it for a payload.
    Payload,
}

/// The envelope that an entry is about.
pub(super) struct Logged<'a> {
    pub(super) encoded: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) certificate: &'a [u8],
}

impl Entry {
    fn version(self) -> (&'static str, &'static str) {
        match self {
            Self::Envelope => ("dsse", "0.0.1"),
            Self::Digest => ("hashedrekord", "0.0.2"),
            Self::Payload => ("hashedrekord", "0.0.1"),
        }
    }

    fn body(self, logged: &Logged<'_>) -> Vec<u8> {
        let signature = STANDARD.encode(logged.signature);
        let pem = STANDARD.encode(pem(logged.certificate));
        let spec = match self {
            Self::Payload => json!({
                "data": { "hash": { "algorithm": "sha256", "value": hex_digest(logged.encoded) } },
                "signature": { "content": signature, "publicKey": { "content": pem } },
            }),
            Self::Envelope => {
                let payload = hex_digest(logged.payload);
                json!({
                    "envelopeHash": { "algorithm": "sha256", "value": hex_digest(logged.encoded) },
                    "payloadHash": { "algorithm": "sha256", "value": payload },
                    "signatures": [{ "signature": signature, "verifier": pem }],
                })
            }
            Self::Digest => {
                let certificate = json!({ "rawBytes": STANDARD.encode(logged.certificate) });
                let verifier = json!({ "keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": certificate });
                let digest = STANDARD.encode(Sha256::digest(logged.encoded));
                json!({ "hashedRekordV002": {
                    "data": { "algorithm": "SHA2_256", "digest": digest },
                    "signature": { "content": signature, "verifier": verifier },
                } })
            }
        };
        let (kind, version) = self.version();
        json!({ "apiVersion": version, "kind": kind, "spec": spec }).to_string().into_bytes()
    }

    /// The entry of a log with two entries, with the proof that the log contains it. Logs of version 1 also sign the
    /// `time`.
    pub(super) fn to_json(self, logged: &Logged<'_>, log: &Key, time: i64) -> Value {
        let body = self.body(logged);
        let other = leaf(b"another entry");
        let root = Sha256::digest([&[1], &other[..], &leaf(&body)[..]].concat());
        let note = format!("log.test\n2\n{}\n", STANDARD.encode(root));
        let hint = &log.id()[..4];
        let signature = STANDARD.encode([hint, &log.sign(note.as_bytes())].concat());
        let (kind, version) = self.version();
        let mut entry = json!({
            "logIndex": "1",
            "logId": { "keyId": STANDARD.encode(log.id()) },
            "kindVersion": { "kind": kind, "version": version },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": STANDARD.encode(root),
                "treeSize": "2",
                "hashes": [STANDARD.encode(other)],
                "checkpoint": { "envelope": format!("{note}\n\u{2014} log.test {signature}\n") },
            },
            "canonicalizedBody": STANDARD.encode(&body),
        });
        if self != Self::Digest {
            let promised = promised(&body, log, time);
            entry["integratedTime"] = json!(time.to_string());
            entry["inclusionPromise"] = json!({ "signedEntryTimestamp": promised["SignedEntryTimestamp"] });
        }
        entry
    }

    /// The entry as cosign 2 keeps it in an annotation, with the promise of the log and without the proof.
    pub(super) fn to_annotation(self, logged: &Logged<'_>, log: &Key, time: i64) -> String {
        promised(&self.body(logged), log, time).to_string()
    }
}

/// The payload that `log` signs as its promise to contain an entry with this body, and the promise.
fn promised(body: &[u8], log: &Key, time: i64) -> Value {
    let (body, log_id) = (STANDARD.encode(body), hex_digest(&log.spki()));
    let signed = format!(r#"{{"body":"{body}","integratedTime":{time},"logID":"{log_id}","logIndex":1}}"#);
    let payload = json!({ "body": body, "integratedTime": time, "logIndex": 1, "logID": log_id });
    json!({ "SignedEntryTimestamp": STANDARD.encode(log.sign(signed.as_bytes())), "Payload": payload })
}

pub(super) fn pem(certificate: &[u8]) -> String {
    let lines = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}

/// The extension of a certificate with the promise of `log` to contain it (RFC 6962): `body` is the certificate
/// without this extension.
pub(super) fn promise(body: &[u8], issuer: &Key, log: &Key, time: i64) -> Vec<u8> {
    let time = u64::try_from(time * 1000).expect("a time after 1970").to_be_bytes();
    let length = u32::try_from(body.len()).expect("a short certificate").to_be_bytes();
    let signed = [&[0, 0], &time[..], &[0, 1], &issuer.id(), &length[1..], body, &[0, 0]].concat();
    let signature = log.sign(&signed);
    let promise = [&[0], &log.id()[..], &time, &[0, 0, 4, 3], &sized(&signature)].concat();
    extension("1.3.6.1.4.1.11129.2.4.2", &octets(&sized(&sized(&promise))))
}

/// The content after its length in two bytes.
fn sized(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short content").to_be_bytes();
    [&length, content].concat()
}

fn leaf(body: &[u8]) -> Vec<u8> {
    Sha256::digest([&[0], body].concat()).to_vec()
}

fn hex_digest(content: &[u8]) -> String {
    sha256(content).trim_start_matches("sha256:").to_owned()
}
