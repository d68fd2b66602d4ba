//! Signing a ModelKit, or a statement about it.

use jiff::Timestamp;
use serde_json::Value;

use super::candidates::candidates;
use super::error::SigningError;
use super::legacy;
use super::place::Signable;
use super::publish::attach_bundle;
use crate::digest::Digest;
use crate::limits;
use crate::modelkit::{ModelKitIndex, Variant};
use crate::oci::{Annotations, Descriptor};
use crate::ops::artifact::variants;
use crate::ops::error::Error;
use crate::trust::{
    Algorithm, Bundle, CertificateChain, Envelope, Evidence, Form, IN_TOTO, KeyName, Material, PrivateKey, Statement,
};

/// The forms of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignForm {
    /// A Sigstore bundle.
    Bundle,
    /// Simple signing under the tag `sha256-<hex>.sig`.
    Legacy,
    /// Both.
    Both,
}

/// Options of a signature.
#[derive(Debug)]
pub struct SignOptions<'a> {
    /// The key.
    pub key: &'a PrivateKey,
    /// The certificate of the key, if bundles contain one.
    pub certificates: Option<&'a CertificateChain>,
    /// The forms that are written.
    pub form: SignForm,
    /// Annotations of the ModelKit, which are signed with it.
    pub annotations: Annotations,
    /// The time that the manifest of a bundle contains.
    pub time: Timestamp,
    /// True if the members of an index are signed, too.
    pub is_recursive: bool,
}

/// A manifest that was signed.
#[derive(Debug, Clone)]
pub struct SignedManifest {
    /// The manifest.
    pub subject: Descriptor,
    /// The key.
    pub signer: KeyName,
    /// The signatures.
    pub attached: Vec<Attached>,
    /// The bundle, if one is attached.
    pub bundle: Option<Vec<u8>>,
}

/// A signature at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its form.
    pub form: Form,
    /// The manifest that contains it.
    pub manifest: Digest,
    /// False if the same signature was attached before, so that nothing was written.
    pub is_new: bool,
}

/// Signs the manifest of `signable`, and returns it; with `is_recursive`, followed by the members of an index.
pub fn sign(signable: &Signable, options: &SignOptions<'_>) -> Result<Vec<SignedManifest>, Error> {
    // Before anything is written.
    if options.form != SignForm::Bundle && options.key.public_key().algorithm() == Algorithm::Ed25519 {
        return Err(SigningError::LegacyEd25519.into());
    }
    let mut signed = vec![sign_one(signable, &signable.subject, options)?];
    if options.is_recursive {
        for member in members(signable)? {
            signed.push(sign_one(signable, &member, options)?);
        }
    }
    Ok(signed)
}

/// The members of the index, or none if it is not an index.
fn members(signable: &Signable) -> Result<Vec<Descriptor>, Error> {
    let bytes = signable.found.source.manifest(&signable.subject);
    let bytes = bytes.map_err(|error| Error::reading("the manifest", error))?;
    let index = variants::read(&signable.subject, &bytes)?;
    Ok(index.iter().flat_map(ModelKitIndex::variants).map(Variant::descriptor).collect())
}

fn sign_one(signable: &Signable, subject: &Descriptor, options: &SignOptions<'_>) -> Result<SignedManifest, Error> {
    let mut attached = Vec::new();
    let mut bundle = None;
    if options.form != SignForm::Legacy {
        let statement = Statement::of_signature(&subject.digest, &options.annotations);
        let (new, bytes) =
            attach_statement(signable, subject, &statement, (options.key, options.certificates), options.time)?;
        attached.push(new);
        bundle = Some(bytes);
    }
    if options.form != SignForm::Bundle {
        attached.push(legacy::sign(signable, subject, options)?);
    }
    Ok(SignedManifest { subject: subject.clone(), signer: options.key.public_key().name(), attached, bundle })
}

/// Options of an attestation.
#[derive(Debug)]
pub struct AttestOptions<'a> {
    /// The key.
    pub key: &'a PrivateKey,
    /// The certificate of the key, if bundles contain one.
    pub certificates: Option<&'a CertificateChain>,
    /// The type of the predicate, a URI.
    pub predicate_type: String,
    /// The predicate.
    pub predicate: Value,
    /// The time that the manifest of the bundle contains.
    pub time: Timestamp,
}

/// Signs a statement about the manifest of `signable`, and attaches it.
pub fn attest(signable: &Signable, options: AttestOptions<'_>) -> Result<SignedManifest, Error> {
    let AttestOptions { key, certificates, predicate_type, predicate, time } = options;
    let subject = &signable.subject;
    let name = signable.repository.clone();
    let statement = Statement::of_attestation(&subject.digest, name, &predicate_type, predicate);
    let (attached, bundle) = attach_statement(signable, subject, &statement, (key, certificates), time)?;
    let signer = key.public_key().name();
    Ok(SignedManifest { subject: subject.clone(), signer, attached: vec![attached], bundle: Some(bundle) })
}

/// Signs `statement` and attaches the bundle to `subject`, unless a bundle of the same key with the same statement is
/// attached. Returns the bundle that is attached.
fn attach_statement(
    signable: &Signable,
    subject: &Descriptor,
    statement: &Statement,
    (key, certificates): (&PrivateKey, Option<&CertificateChain>),
    time: Timestamp,
) -> Result<(Attached, Vec<u8>), Error> {
    let bytes = statement.to_bytes();
    let there = candidates(&*signable.found.source, subject, &[])?;
    if let Some(same) = there.found.iter().find(|candidate| candidate.repeats(key.public_key(), &bytes))
        && let Ok(signed) = &same.document
    {
        return Ok((Attached { form: Form::Bundle, manifest: same.manifest, is_new: false }, signed.bytes.clone()));
    }
    let bundle = bundle(bytes, key, certificates)?;
    let manifest = attach_bundle(&*signable.target, subject, &bundle, &statement.predicate_type, time)?;
    Ok((Attached { form: Form::Bundle, manifest, is_new: true }, bundle))
}

fn bundle(statement: Vec<u8>, key: &PrivateKey, certificates: Option<&CertificateChain>) -> Result<Vec<u8>, Error> {
    let envelope = Envelope::sign(statement, IN_TOTO, key).map_err(SigningError::Key)?;
    let hint = || Material::PublicKey { hint: Some(key.public_key().hint()) };
    let material = certificates.map_or_else(hint, CertificateChain::without_root);
    let bundle = Bundle { material, evidence: Evidence::default(), envelope }.to_bytes();
    let (size, limit) = (bundle.len() as u64, limits::BUNDLE_BYTES);
    if size > limit {
        return Err(SigningError::TooLarge { size, limit }.into());
    }
    Ok(bundle)
}
