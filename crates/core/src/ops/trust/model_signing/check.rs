//! The signed lists of files beside a ModelKit.

use std::collections::BTreeMap;

use super::modelkit::file_digests;
use crate::digest::Digest;
use crate::oci::Descriptor;
use crate::ops::artifact;
use crate::ops::error::Error;
use crate::ops::session::Located;
use crate::ops::trust::verify_signature::SignatureCheck;
use crate::ops::workers;
use crate::relative_path::RelativePath;
use crate::trust::{
    Candidate, FileDifference, HashType, MODEL_SIGNATURE, ModelSignature, ModelSignatureError, NotCounted, Signer,
    Verifier,
};

/// A list of files by one of the signers that count, compared with the tables of contents of a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFiles {
    /// The manifest that contains the list.
    pub manifest: Digest,
    /// The signer.
    pub signer: Signer,
    /// The number of files.
    pub files: usize,
    /// The comparison.
    pub compared: Result<(), FilesMismatch>,
}

/// The reason why a signed list of files is not that of a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesMismatch {
    /// Differences, each with a path.
    #[error("{}", listed(.0))]
    Differences(Vec<(RelativePath, FileDifference)>),
    /// A hash that tables of contents do not have.
    #[error("its files are hashed with {0}, but tables of contents have SHA-256 digests of whole files")]
    Hash(HashType),
}

fn listed(differences: &[(RelativePath, FileDifference)]) -> String {
    const LISTED: usize = 20;
    let words = differences.iter().take(LISTED).map(|(path, difference)| format!("`{path}` {}", difference.word()));
    let more = differences.len().saturating_sub(LISTED);
    let more = (more > 0).then(|| format!("and {more} more"));
    words.chain(more).collect::<Vec<_>>().join(", ")
}

/// Compares the lists of files among the candidates of `check` with the tables of contents of `found`. The tables are
/// read only if one of `verifiers` signed a list.
pub(in crate::ops::trust) fn check_files(
    found: &Located,
    check: &mut SignatureCheck,
    verifiers: &[Verifier],
) -> Result<(), Error> {
    let is_wanted = check.missing.iter().any(|wanted| wanted == MODEL_SIGNATURE);
    let mut digests = None;
    for (candidate, judged) in &mut check.judged {
        let Some(signature) = signature_of(candidate, verifiers) else { continue };
        let compared = match signature {
            Err(ModelSignatureError::NotVerified(error)) => {
                *judged = Err(error.into());
                continue;
            }
            Err(error) => {
                *judged = Err(NotCounted::Files(error.to_string()));
                continue;
            }
            Ok(ModelSignature { signer, statement }) => {
                if digests.is_none() {
                    digests = Some(digests_of(found, &check.subject)?);
                }
                let files = digests.get_or_insert_default();
                let differences = statement.compare_digests(files);
                let compared = match differences {
                    Some(differences) if differences.is_empty() => Ok(()),
                    Some(differences) => Err(FilesMismatch::Differences(differences)),
                    None => Err(FilesMismatch::Hash(statement.hash())),
                };
                SignedFiles { manifest: candidate.manifest, signer, files: statement.files().len(), compared }
            }
        };
        *judged = match &compared.compared {
            Err(mismatch) => Err(NotCounted::Files(mismatch.to_string())),
            Ok(()) if is_wanted => Ok(compared.signer.clone()),
            Ok(()) => Err(NotCounted::Attestation(MODEL_SIGNATURE.to_owned())),
        };
        check.files.push(compared);
    }
    if check.files.iter().any(|files| files.compared.is_ok()) {
        check.missing.retain(|wanted| wanted != MODEL_SIGNATURE);
    }
    Ok(())
}

fn digests_of(found: &Located, subject: &Descriptor) -> Result<BTreeMap<RelativePath, Digest>, Error> {
    let source = &*found.source;
    let inspected = artifact::read(source, subject.clone(), &found.title)?;
    file_digests(source, &inspected.modelkit, workers::jobs())
}

/// Verifies a candidate that is a list of files; `None` for others.
pub(in crate::ops::trust) fn signature_of(
    candidate: &Candidate,
    verifiers: &[Verifier],
) -> Option<Result<ModelSignature, ModelSignatureError>> {
    let signed = candidate.document.as_ref().ok()?;
    let envelope = signed.envelope.as_ref().filter(|_| signed.claim.predicate_type() == MODEL_SIGNATURE)?;
    Some(ModelSignature::of_envelope(envelope, (&signed.material, &signed.evidence), verifiers))
}
