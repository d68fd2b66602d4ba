//! Verifying the signature of a ModelKit.

use crate::oci::{Annotations, Companion, Descriptor};
use crate::ops::error::Error;
use crate::ops::session::Located;
use crate::ops::trust::candidates::{Candidates, candidates};
use crate::ops::trust::model_signing::{SignedFiles, check_files};
use crate::trust::{Candidate, NotCounted, PLAIN_SIGNATURE, Signer, Verifier, Wanted};

/// The signatures and attestations that are asked for.
#[derive(Debug, Clone, Default)]
pub struct SignatureOptions {
    /// The signers whose signatures count. One is enough.
    pub verifiers: Vec<Verifier>,
    /// The types of the attestations that are asked for; none means a plain signature.
    pub predicate_types: Vec<String>,
    /// The annotations that a signature must have.
    pub annotations: Annotations,
}

/// The candidates beside a manifest, and the decision about each.
#[derive(Debug)]
pub struct SignatureCheck {
    /// The manifest.
    pub subject: Descriptor,
    /// The candidates, each with its signer, or the reason why it does not count.
    pub judged: Vec<(Candidate, Result<Signer, NotCounted>)>,
    /// The types that were asked for and that no candidate has.
    pub missing: Vec<String>,
    /// The lists of files by signers that count. They are compared, even if they were not asked for.
    pub files: Vec<SignedFiles>,
    /// True if there are more candidates than are read.
    pub is_cut_off: bool,
}

impl SignatureCheck {
    /// Returns true if everything that was asked for is there, and no signer listed other files only.
    pub fn is_verified(&self) -> bool {
        self.missing.is_empty() && self.other_files().is_none()
    }

    /// A list of files that is not that of the ModelKit, if there is no other list.
    pub fn other_files(&self) -> Option<&SignedFiles> {
        let is_right = self.files.iter().any(|files| files.compared.is_ok());
        self.files.first().filter(|_| !is_right)
    }

    /// The candidates that count.
    pub fn counted(&self) -> impl Iterator<Item = (&Candidate, &Signer)> {
        self.judged.iter().filter_map(|(candidate, judged)| Some((candidate, judged.as_ref().ok()?)))
    }
}

/// Reads the signatures and attestations of `found`, and decides which of them are asked for by `options`.
pub fn verify_signature(found: &Located, options: &SignatureOptions) -> Result<SignatureCheck, Error> {
    let subject = found.resolve()?;
    let companions: &[Companion] = if options.predicate_types.is_empty() {
        &[Companion::Signatures]
    } else {
        &[Companion::Signatures, Companion::Attestations]
    };
    let candidates = candidates(&*found.source, &subject, companions)?;
    let mut check = judge(subject, candidates, options);
    check_files(found, &mut check, &options.verifiers)?;
    Ok(check)
}

/// Decides which of `candidates` are asked for by `options`. Lists of files are not compared.
pub fn judge(subject: Descriptor, candidates: Candidates, options: &SignatureOptions) -> SignatureCheck {
    let mut types = options.predicate_types.clone();
    if types.is_empty() {
        types.push(PLAIN_SIGNATURE.to_owned());
    }
    let wanted: Vec<_> = types
        .iter()
        .map(|predicate_type| Wanted {
            annotations: options.annotations.clone(),
            ..Wanted::attestation(subject.digest, predicate_type)
        })
        .collect();
    let mut missing = types;
    let mut judged = Vec::new();
    for candidate in candidates.found {
        let verdict = judge_one(&candidate, &options.verifiers, &wanted);
        if let (Ok(_), Ok(signed)) = (&verdict, &candidate.document) {
            missing.retain(|predicate_type| predicate_type != signed.claim.predicate_type());
        }
        judged.push((candidate, verdict));
    }
    SignatureCheck { subject, judged, missing, files: Vec::new(), is_cut_off: candidates.is_cut_off }
}

/// Judges a candidate by the wanted type that it has, or else by the first.
fn judge_one(candidate: &Candidate, verifiers: &[Verifier], wanted: &[Wanted]) -> Result<Signer, NotCounted> {
    let has_type = |wanted: &&Wanted| {
        candidate.document.as_ref().is_ok_and(|signed| signed.claim.predicate_type() == wanted.predicate_type)
    };
    let fitting = wanted.iter().find(has_type).or(wanted.first());
    fitting.map_or_else(
        || Err(NotCounted::NotVerified(crate::trust::NotVerified::NoVerifier)),
        |wanted| candidate.judge(verifiers, wanted),
    )
}
