//! Identities that a service confirms, and the verification of their signatures.

use serde::de::DeserializeOwned;
use serde_json::Value;
use sigstore_verify::types::bundle::{
    CertificateContent, TimestampVerificationData, VerificationMaterial, VerificationMaterialContent, X509Certificate,
};
use sigstore_verify::types::{
    Bundle, DerCertificate, DsseEnvelope, DsseSignature, KeyId, MediaType, MessageSignature, PayloadBytes, Sha256Hash,
    SignatureBytes, SignatureContent, Statement, TransparencyLogEntry,
};
use sigstore_verify::{VerificationPolicy, VerificationResult};

use super::error::KeylessError;
use super::promised::promised_entry;
use super::provider::with_message;
use super::root::TrustedRoot;
use super::wanted::WantedIdentity;
use crate::trust::bundle::{Evidence, EvidencePlace};
use crate::trust::certificate::{Certificate, CertificateIdentity};
use crate::trust::envelope::Envelope;

/// An identity whose keyless signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeylessIdentity {
    /// The e-mail address or URI that the certificate must have.
    pub identity: WantedIdentity,
    /// The provider that must have confirmed the identity, as the certificate names it.
    pub issuer: String,
    /// The service that must have issued the certificate.
    pub root: TrustedRoot,
    /// The necessity of an entry in a transparency log.
    pub log: TransparencyLog,
}

/// The necessity of an entry in a transparency log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TransparencyLog {
    /// An entry is required.
    #[default]
    Required,
    /// An entry is checked if there is one. Otherwise an authority must have confirmed the time of the signature.
    Optional,
}

impl KeylessIdentity {
    /// Verifies that this identity signed `envelope` with the certificate that is the first in `chain`. The statement
    /// in the envelope may be about anything.
    pub fn check(
        &self,
        chain: &[Vec<u8>],
        evidence: &Evidence,
        envelope: &Envelope,
    ) -> Result<CertificateIdentity, KeylessError> {
        let statement: Statement = parse(&envelope.payload, "statement")?;
        let subject = statement.subject.iter().find_map(|subject| subject.digest.sha256);
        let subject: Sha256Hash = subject.ok_or(KeylessError::NoSubject)?;
        let signature = DsseSignature::new(SignatureBytes::new(envelope.signature.clone()), KeyId::default());
        let payload = PayloadBytes::from_bytes(&envelope.payload);
        let content = SignatureContent::DsseEnvelope(DsseEnvelope::new(&envelope.payload_type, payload, signature));
        self.check_content((chain, evidence, content), |bundle, policy| {
            self.root.verifier().verify(subject, bundle, policy)
        })
    }

    /// Verifies that this identity signed the bytes of a `payload` of simple signing with the certificate that is the
    /// first in `chain`. The payload may be about anything.
    pub fn check_payload(
        &self,
        chain: &[Vec<u8>],
        evidence: &Evidence,
        (payload, signature): (&[u8], &[u8]),
    ) -> Result<CertificateIdentity, KeylessError> {
        let signature = MessageSignature::new(SignatureBytes::new(signature.to_vec()));
        self.check_content((chain, evidence, SignatureContent::MessageSignature(signature)), |bundle, policy| {
            with_message(payload, || self.root.verifier().verify(payload, bundle, policy))
        })
    }

    fn check_content(
        &self,
        (chain, evidence, content): (&[Vec<u8>], &Evidence, SignatureContent),
        verify: impl FnOnce(&Bundle, &VerificationPolicy) -> sigstore_verify::Result<VerificationResult>,
    ) -> Result<CertificateIdentity, KeylessError> {
        let entries: Vec<TransparencyLogEntry> = match evidence.place {
            EvidencePlace::Bundle => values(&evidence.entries, "log entry")?,
            EvidencePlace::Annotations => evidence.entries.iter().map(promised_entry).collect::<Result<_, _>>()?,
        };
        let policy = self.policy(&entries, evidence.place)?;
        let is_known = entries.iter().all(|entry| self.root.contains_log(&entry.log_id.key_id));
        let bundle = bundle(chain, evidence, entries, content)?;
        let verified = verify(&bundle, &policy).map_err(|error| match error.into() {
            KeylessError::Log(_) if !is_known => KeylessError::UnknownLog,
            reason => reason,
        })?;
        self.expect_identity(chain, &verified)
    }

    /// The checks that the bundle must pass.
    fn policy(
        &self,
        entries: &[TransparencyLogEntry],
        place: EvidencePlace,
    ) -> Result<VerificationPolicy, KeylessError> {
        // Whose certificate it is, is decided by `expect_identity`.
        let policy = VerificationPolicy::any_identity();
        if place == EvidencePlace::Bundle && entries.iter().any(|entry| entry.inclusion_proof.is_none()) {
            return Err(KeylessError::NoInclusionProof);
        }
        let policy = match (self.log, entries) {
            (TransparencyLog::Required, []) => return Err(KeylessError::NotLogged),
            (TransparencyLog::Optional, []) => policy.skip_tlog_unsafe(),
            (TransparencyLog::Required | TransparencyLog::Optional, _) => policy,
        };
        // A service without logs, such as that of GitHub for private repositories.
        let is_unpublished = self.log == TransparencyLog::Optional && !self.root.has_certificate_logs();
        Ok(if is_unpublished { policy.skip_sct() } else { policy })
    }

    /// Checks that a verified certificate is of this identity.
    fn expect_identity(
        &self,
        chain: &[Vec<u8>],
        verified: &VerificationResult,
    ) -> Result<CertificateIdentity, KeylessError> {
        let leaf = chain.first().filter(|_| verified.certificate_verified());
        let leaf = leaf.ok_or_else(|| KeylessError::Certificate("it was not verified".to_owned()))?;
        let leaf = Certificate::read(leaf).map_err(|error| KeylessError::Certificate(error.to_string()))?;
        let Some(identity) = leaf.identities().iter().find(|identity| self.identity.matches(identity)) else {
            let (found, wanted) = (quoted(leaf.identities(), "an owner without a name"), self.identity.to_string());
            return Err(KeylessError::OtherIdentity { found, wanted });
        };
        if leaf.issuer() != Some(&self.issuer) || verified.issuer() != leaf.issuer() {
            let issuers: Vec<_> = leaf.issuer().map(str::to_owned).into_iter().collect();
            let (found, wanted) = (quoted(&issuers, "no provider"), self.issuer.clone());
            return Err(KeylessError::OtherIssuer { found, wanted });
        }
        Ok(CertificateIdentity { san: Some(identity.clone()), issuer: Some(self.issuer.clone()) })
    }
}

/// The bundle of exactly the parts that were read: no part can mean something else to another reader.
fn bundle(
    chain: &[Vec<u8>],
    evidence: &Evidence,
    entries: Vec<TransparencyLogEntry>,
    content: SignatureContent,
) -> Result<Bundle, KeylessError> {
    let certificate = |der: &Vec<u8>| DerCertificate::new(der.clone());
    // Version 0.3 knows a single certificate. In all else that is verified the versions are the same.
    let (version, certificates) = match chain {
        [leaf] => {
            let leaf = VerificationMaterialContent::Certificate(CertificateContent::new(certificate(leaf)));
            (MediaType::Bundle0_3, leaf)
        }
        chain => {
            let certificates = chain.iter().map(|der| X509Certificate::new(certificate(der))).collect();
            (MediaType::Bundle0_2, VerificationMaterialContent::X509CertificateChain { certificates })
        }
    };
    // Version 0.1 requires the promise of the log, and not the proof.
    let is_promised = evidence.place == EvidencePlace::Annotations && !entries.is_empty();
    let version = if is_promised { MediaType::Bundle0_1 } else { version };
    let timestamps = TimestampVerificationData::new(values(&evidence.timestamps, "timestamp")?);
    let material = VerificationMaterial::new(certificates).with_tlog_entries(entries);
    Ok(Bundle::new(version, material.with_timestamp_verification_data(timestamps), content))
}

fn parse<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, KeylessError> {
    serde_json::from_slice(bytes).map_err(|error| KeylessError::Evidence { what, detail: error.to_string() })
}

fn values<T: DeserializeOwned>(values: &[Value], what: &'static str) -> Result<Vec<T>, KeylessError> {
    // As text, because numbers of any precision are not read from values in the same way.
    values.iter().map(|value| parse(value.to_string().as_bytes(), what)).collect()
}

fn quoted(found: &[String], none: &str) -> String {
    let quoted: Vec<_> = found.iter().map(|found| format!("`{found}`")).collect();
    if quoted.is_empty() { none.to_owned() } else { quoted.join(", ") }
}
