//! The signatures and attestations beside a ModelKit, and what is known of each.

use jiff::Timestamp;
use serde_json::Value;

use crate::digest::Digest;
use crate::ops::error::{Error, reason};
use crate::ops::session::{Located, Session};
use crate::ops::trust::{Beside, beside};
use crate::trust::policy::Name;
use crate::trust::{Candidate, Form, Material, NotVerified, PLAIN_SIGNATURE, Signer, Verifier};

/// A signature or an attestation.
#[derive(Debug, Clone)]
pub struct SignedDocument {
    /// The manifest that contains it.
    pub manifest: Digest,
    /// The form in which it is stored.
    pub form: Form,
    /// The time in its manifest, which is not signed.
    pub created: Option<Timestamp>,
    /// The type of its predicate; `None` if the document is invalid.
    pub predicate_type: Option<String>,
    /// The predicate of an attestation of this ModelKit, verified only if `standing` says so.
    pub predicate: Option<Value>,
    /// True if it was signed with a certificate.
    pub has_certificate: bool,
    /// The result of its verification.
    pub standing: Standing,
}

/// The result of the verification of a signature or an attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is valid, and by a signer who counts.
    Verified(Signer),
    /// No signers were named, so that it was not verified.
    Unchecked,
    /// It does not count, with the reason: it is invalid, of another signer or of another ModelKit.
    Refused(String),
}

impl SignedDocument {
    /// Returns true for a signature, and false for an attestation.
    pub fn is_signature(&self) -> bool {
        self.predicate_type.as_deref().is_some_and(|it| it == PLAIN_SIGNATURE || it == MODEL_SIGNING)
    }

    /// Returns true if it was verified.
    pub fn is_verified(&self) -> bool {
        matches!(self.standing, Standing::Verified(_))
    }

    /// The predicate, if the document has this type, is about this ModelKit, and was not refused.
    pub fn predicate_of(&self, predicate_type: &str) -> Option<&Value> {
        let is_wanted = self.predicate_type.as_deref() == Some(predicate_type);
        self.predicate.as_ref().filter(|_| is_wanted && !matches!(self.standing, Standing::Refused(_)))
    }
}

/// The type of a signed list of files, which names the files instead of the manifest.
const MODEL_SIGNING: &str = "https://model_signing/signature/v1.0";

/// Returns the signers that the rules of policies name for the ModelKit with this name.
pub(super) fn of_policies(session: &Session<'_>, names: &[Name]) -> Result<Vec<Verifier>, Error> {
    let mut verifiers = Vec::new();
    for loaded in session.policies.load()? {
        for (rule, _) in names.iter().filter_map(|name| loaded.policy.rule_for(name)) {
            let of_attestations = rule.attestations.iter().map(|required| &required.signed_by);
            let names = rule.signed_by.iter().chain(of_attestations).flat_map(|signers| &signers.names);
            verifiers.extend(names.filter_map(|name| loaded.keys.get(name)).map(|key| key.verifier.clone()));
        }
    }
    Ok(verifiers)
}

/// Reads everything beside `found`, newest first, and whether there are more documents than are read.
pub(super) fn read(found: &Located, verifiers: &[Verifier]) -> Result<(Vec<SignedDocument>, bool), Error> {
    let Beside { subject, candidates, notation } = beside(found)?;
    let judged = candidates.found.into_iter().map(|candidate| judge(candidate, &subject.digest, verifiers));
    let foreign = notation.into_iter().map(|listed| SignedDocument {
        manifest: listed.digest,
        form: Form::Bundle,
        created: None,
        predicate_type: None,
        predicate: None,
        has_certificate: true,
        standing: Standing::Refused("a signature of Notary Project, which kit does not verify".to_owned()),
    });
    let mut documents: Vec<_> = judged.chain(foreign).collect();
    documents.sort_by_key(|document| std::cmp::Reverse(document.created));
    Ok((documents, candidates.is_cut_off))
}

fn judge(candidate: Candidate, subject: &Digest, verifiers: &[Verifier]) -> SignedDocument {
    let Candidate { manifest, form, created, document, .. } = candidate;
    let unread = SignedDocument {
        manifest,
        form,
        created,
        predicate_type: None,
        predicate: None,
        has_certificate: false,
        standing: Standing::Unchecked,
    };
    let document = match document {
        Ok(document) => document,
        Err(broken) => return SignedDocument { standing: Standing::Refused(reason(&broken)), ..unread },
    };
    let predicate_type = document.claim.predicate_type().to_owned();
    let is_of_files = predicate_type == MODEL_SIGNING;
    let is_about = document.claim.is_about(subject);
    let standing = match document.verify(verifiers) {
        _ if !is_about && !is_of_files => Standing::Refused("it is of another manifest".to_owned()),
        Ok(signer) => Standing::Verified(signer),
        Err(NotVerified::NoVerifier) => Standing::Unchecked,
        Err(error) => Standing::Refused(reason(&error)),
    };
    SignedDocument {
        predicate: document.claim.predicate().filter(|_| is_about).cloned(),
        has_certificate: !matches!(document.material, Material::PublicKey { .. }),
        predicate_type: Some(predicate_type),
        standing,
        ..unread
    }
}
