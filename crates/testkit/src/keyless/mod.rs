//! A service for keyless signatures that exists only in tests: an authority for certificates of ten minutes, a log of
//! certificates, a log of signatures and an authority for timestamps. All keys are new in each run.

mod certificate;
mod der;
mod log;
mod timestamp;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use self::certificate::{Body, Key, extension, name, of_authority, of_identity, of_signer};
use self::der::text;
pub use self::log::Entry;
use self::log::Logged;

/// The identity of certificates, unless a test asks for another.
pub const IDENTITY: &str = "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main";

/// The provider that confirmed it.
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The time at which certificates begin: 2024-06-01T12:00:00Z.
const ISSUED: i64 = 1_717_243_200;

/// The seconds for which certificates are valid.
const LIFETIME: i64 = 600;

const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
const AUTHORITY_YEARS: [&str; 2] = ["200101000000Z", "491231235959Z"];

/// The service.
pub struct Service {
    authority: Key,
    certificate_log: Key,
    log: Key,
    timestamps: Key,
}

/// The facts about a signature that the service confirms.
#[derive(Debug, Clone)]
pub struct Confirmed {
    /// The identity in the certificate.
    pub identity: String,
    /// The provider in the certificate.
    pub issuer: Option<String>,
    /// True if the certificate names the provider as it was done before 2023.
    pub is_old_issuer: bool,
    /// True if the certificate is in the log of certificates.
    pub is_published: bool,
    /// The entry in the log of signatures.
    pub entry: Option<Entry>,
    /// The seconds between the certificate and the entry in the log.
    pub logged_after: i64,
    /// The seconds between the certificate and the timestamp of an authority.
    pub timestamp_after: Option<i64>,
}

impl Default for Confirmed {
    fn default() -> Self {
        Self {
            identity: IDENTITY.to_owned(),
            issuer: Some(ISSUER.to_owned()),
            is_old_issuer: false,
            is_published: true,
            entry: Some(Entry::Envelope),
            logged_after: 60,
            timestamp_after: None,
        }
    }
}

impl Service {
    /// A new service.
    pub fn new() -> Self {
        Self { authority: Key::new(), certificate_log: Key::new(), log: Key::new(), timestamps: Key::new() }
    }

    /// The trusted root of the service.
    pub fn trusted_root(&self) -> Value {
        let start = json!({ "start": "2020-01-01T00:00:00Z" });
        let log = |key: &Key| {
            let details = "PKIX_ECDSA_P256_SHA_256";
            let public = json!({ "rawBytes": STANDARD.encode(key.spki()), "keyDetails": details, "validFor": start });
            let id = json!({ "keyId": STANDARD.encode(key.id()) });
            json!({ "baseUrl": "https://log.test", "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": id })
        };
        let authority = |chain: &[Vec<u8>]| {
            let chain: Vec<_> = chain.iter().map(|der| json!({ "rawBytes": STANDARD.encode(der) })).collect();
            let chain = json!({ "certificates": chain });
            json!({ "uri": "https://authority.test", "certChain": chain, "validFor": start })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.log)],
            "certificateAuthorities": [authority(&[self.root()])],
            "ctlogs": [log(&self.certificate_log)],
            "timestampAuthorities": [authority(&[self.timestamp_certificate(), self.root()])],
        })
    }

    /// The bundle of `statement`, which an identity signed with a new key.
    pub fn sign(&self, statement: &[u8], confirmed: &Confirmed) -> Value {
        let kind = "application/vnd.in-toto+json";
        let key = Key::new();
        let certificate = self.certificate(&key, confirmed);
        let encoded = [format!("DSSEv1 {} {kind} {} ", kind.len(), statement.len()).as_bytes(), statement].concat();
        let signature = key.sign(&encoded);
        let logged = Logged { encoded: &encoded, payload: statement, signature: &signature, certificate: &certificate };
        let entry = confirmed.entry.map(|entry| entry.to_json(&logged, &self.log, ISSUED + confirmed.logged_after));
        let token = self.timestamp(&signature, confirmed);
        let entries: Vec<_> = entry.into_iter().collect();
        let timestamps: Vec<_> =
            token.iter().map(|token| json!({ "signedTimestamp": STANDARD.encode(token) })).collect();
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": STANDARD.encode(certificate) },
                "tlogEntries": entries,
                "timestampVerificationData": { "rfc3161Timestamps": timestamps },
            },
            "dsseEnvelope": {
                "payload": STANDARD.encode(statement),
                "payloadType": kind,
                "signatures": [{ "sig": STANDARD.encode(signature) }],
            },
        })
    }

    /// The annotations of a layer of cosign 2 with `payload`, which an identity signed with a new key. If the entry is
    /// that of an envelope, the layer is the envelope around `payload`, which is returned as well.
    pub fn sign_layer(&self, payload: &[u8], confirmed: &Confirmed) -> (Vec<u8>, Value) {
        let kind = "application/vnd.in-toto+json";
        let is_envelope = confirmed.entry == Some(Entry::Envelope);
        let encoded = [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(), payload].concat();
        let encoded = if is_envelope { &encoded } else { payload };
        let key = Key::new();
        let certificate = self.certificate(&key, confirmed);
        let signature = key.sign(encoded);
        let logged = Logged { encoded, payload, signature: &signature, certificate: &certificate };
        let mut annotations = json!({
            "dev.sigstore.cosign/certificate": log::pem(&certificate),
            "dev.sigstore.cosign/chain": log::pem(&self.root()),
        });
        if let Some(entry) = confirmed.entry {
            annotations["dev.sigstore.cosign/bundle"] =
                entry.to_annotation(&logged, &self.log, ISSUED + confirmed.logged_after).into();
        }
        if let Some(token) = self.timestamp(&signature, confirmed) {
            let timestamp = json!({ "SignedRFC3161Timestamp": STANDARD.encode(token) });
            annotations["dev.sigstore.cosign/rfc3161timestamp"] = timestamp.to_string().into();
        }
        let signature = STANDARD.encode(&signature);
        if !is_envelope {
            annotations["dev.cosignproject.cosign/signature"] = signature.into();
            return (payload.to_vec(), annotations);
        }
        let signatures = json!([{ "keyid": "", "sig": signature }]);
        let envelope = json!({ "payloadType": kind, "payload": STANDARD.encode(payload), "signatures": signatures });
        (envelope.to_string().into_bytes(), annotations)
    }

    /// The timestamp of a signature.
    fn timestamp(&self, signature: &[u8], confirmed: &Confirmed) -> Option<Vec<u8>> {
        let time = format!("20{}", clock(confirmed.timestamp_after?));
        Some(timestamp::of_signature(signature, &time, &name("authority"), &self.timestamps))
    }

    fn certificate(&self, key: &Key, confirmed: &Confirmed) -> Vec<u8> {
        let mut extensions = of_signer(CODE_SIGNING);
        extensions.push(of_identity(&confirmed.identity));
        extensions.extend(confirmed.issuer.iter().map(|issuer| {
            if confirmed.is_old_issuer {
                extension("1.3.6.1.4.1.57264.1.1", issuer.as_bytes())
            } else {
                extension("1.3.6.1.4.1.57264.1.8", &text(issuer))
            }
        }));
        let (issuer, subject) = (name("authority"), der::sequence(&[]));
        let valid = [clock(0), clock(LIFETIME)];
        let mut body = Body { serial: 3, issuer: &issuer, subject: &subject, valid, key, extensions };
        if confirmed.is_published {
            let promise = log::promise(&body.to_der(), &self.authority, &self.certificate_log, ISSUED);
            body.extensions.push(promise);
        }
        body.sign(&self.authority)
    }

    /// The certificate of the authority, which issues those of signers and that for timestamps.
    fn root(&self) -> Vec<u8> {
        let name = name("authority");
        self.long_lived(1, &name, &self.authority, of_authority())
    }

    fn timestamp_certificate(&self) -> Vec<u8> {
        self.long_lived(2, &name("timestamps"), &self.timestamps, of_signer(TIME_STAMPING))
    }

    fn long_lived(&self, serial: u8, subject: &[u8], key: &Key, extensions: Vec<Vec<u8>>) -> Vec<u8> {
        let issuer = name("authority");
        let valid = AUTHORITY_YEARS.map(str::to_owned);
        Body { serial, issuer: &issuer, subject, valid, key, extensions }.sign(&self.authority)
    }
}

/// The time some seconds after certificates begin, on the same day.
fn clock(after: i64) -> String {
    let seconds = 12 * 3600 + after;
    format!("240601{:02}{:02}{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
