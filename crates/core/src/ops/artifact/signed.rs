//! Reading the signed records beside a manifest, such as recalls and approvals. No signature is verified here.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::Value;

use crate::digest::Digest;
use crate::limits;
use crate::oci::{CREATED, ContentError, Descriptor, Manifest, Referrer, Source, read_document};
use crate::trust::{Claim, Material, PREDICATE_TYPE_ANNOTATION, Signed, Signer, Verifier, is_bundle_type};

/// A statement in a bundle. Its signature is not verified.
#[derive(Debug, Clone)]
pub struct SignedRecord {
    /// The manifest that contains the bundle.
    pub manifest: Digest,
    signed: Signed,
}

impl SignedRecord {
    /// The predicate.
    pub fn predicate(&self) -> &Value {
        self.signed.claim.predicate().unwrap_or(&Value::Null)
    }

    /// The type of the predicate.
    pub fn predicate_type(&self) -> &str {
        self.signed.claim.predicate_type()
    }

    /// Returns true if the statement is about the manifest `subject`.
    pub fn is_about(&self, subject: &Digest) -> bool {
        self.signed.claim.is_about(subject)
    }

    /// The statement.
    pub fn statement(&self) -> Option<Vec<u8>> {
        match &self.signed.claim {
            Claim::Statement(statement) => Some(statement.to_bytes()),
            Claim::Simple(_) => None,
        }
    }

    /// Returns the signer, if one of `verifiers` accepts the signature.
    pub fn signer(&self, verifiers: &[Verifier]) -> Option<Signer> {
        self.signed.verify(verifiers).ok()
    }

    /// The text by which the bundle identifies its signer, which may be wrong. Bundles of one key have the same.
    pub fn hint(&self) -> String {
        match &self.signed.material {
            Material::PublicKey { hint } => hint.clone().unwrap_or_default(),
            Material::Certificate(leaf) => Digest::of(leaf).to_string(),
            Material::Chain(chain) => chain.first().map(|leaf| Digest::of(leaf).to_string()).unwrap_or_default(),
        }
    }
}

/// The signed records beside a manifest.
#[derive(Debug, Default)]
pub(crate) struct SignedRecords {
    /// The records, the newest first by the annotations of their manifests.
    pub(crate) found: Vec<SignedRecord>,
    /// The number of those that could not be read.
    pub(crate) unreadable: usize,
}

/// Reads the signed records of these types among the referrers `listed` of `subject`, the newest ones up to a limit.
///
/// A list of referrers names the type of each, so other signatures are not read. Registries that list no annotations
/// make it necessary to read them.
pub(crate) fn signed_records(
    source: &dyn Source,
    subject: &Descriptor,
    listed: &[Descriptor],
    types: &[&str],
) -> SignedRecords {
    let mut wanted: Vec<_> = listed.iter().filter(|listed| may_be_of(listed, types)).collect();
    wanted.sort_by_key(|listed| Reverse(created(listed)));
    let mut records = SignedRecords::default();
    for listed in wanted.into_iter().take(limits::SIGNED_RECORDS) {
        match read(source, subject, listed, types) {
            Ok(record) => records.found.extend(record.filter(|record| types.contains(&record.predicate_type()))),
            Err(_) => records.unreadable += 1,
        }
    }
    records
}

fn created(listed: &Descriptor) -> Option<Timestamp> {
    listed.annotations.get(CREATED).and_then(|time| time.parse().ok())
}

/// Returns true if a listed referrer may be a bundle of one of these types.
fn may_be_of(listed: &Descriptor, types: &[&str]) -> bool {
    let is_bundle = listed.artifact_type.as_ref().is_none_or(|kind| is_bundle_type(kind.as_str()));
    let named = listed.annotations.get(PREDICATE_TYPE_ANNOTATION);
    is_bundle && named.is_none_or(|named| types.contains(&named.as_str()))
}

/// Reads a bundle. Returns `None` if it is of another type, or not a bundle about a referrer of `subject`.
fn read(
    source: &dyn Source,
    subject: &Descriptor,
    listed: &Descriptor,
    types: &[&str],
) -> Result<Option<SignedRecord>, ContentError> {
    let bytes = source.manifest(listed)?;
    let referrer = Referrer::read(listed, &bytes).filter(|referrer| referrer.subject == subject.digest);
    let (Some(referrer), Ok(manifest)) = (referrer, Manifest::parse(&bytes)) else { return Ok(None) };
    let [layer] = &manifest.layers[..] else { return Ok(None) };
    let is_bundle = is_bundle_type(layer.media_type.as_str()) && layer.size <= limits::BUNDLE_BYTES;
    if !is_bundle || !may_be_of(&referrer.descriptor, types) {
        return Ok(None);
    }
    let signed = Signed::of_bundle(read_document(&*source.blob(layer), layer)?).ok();
    Ok(signed.map(|signed| SignedRecord { manifest: listed.digest, signed }))
}
