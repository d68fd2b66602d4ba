//! Signing, attesting, verifying and enforcing a policy.

mod attach_files;
mod attachment_error;
mod attestations;
mod candidates;
mod disguised;
mod error;
mod facts;
mod gate;
mod legacy;
mod model_signing;
mod place;
mod publish;
mod recalls;
mod referrers;
mod sign;
#[cfg(test)]
mod tests;
mod verified;
mod verify_signature;

pub use attach_files::{AttachOptions, FileToAttach, attach_files};
pub use attachment_error::AttachmentError;
pub use attestations::{Attestation, attestations, recorded_provenance};
pub(crate) use candidates::listed_bundles;
pub use candidates::{Beside, Candidates, beside, candidates};
pub use error::SigningError;
pub(crate) use gate::{
    Admission, admit_documents, admit_files, admit_from, admit_index, admit_new_form, admit_recalls, admit_remote_file,
    admit_renaming, enforce, examine_as, judge as judge_manifest, refuse_unread,
};
pub use gate::{
    Judged, admit, admit_copy, admit_form, admit_packing, admit_to_read, check_policies, is_policy_asked,
    requires_attached, warn_of_policies,
};
pub use model_signing::{
    ComparedFolder, FilesMismatch, FilesSigning, FolderError, FolderSigning, SignedFiles, SignedFolder, VerifiedFolder,
    compare_folder, file_digests, sign_folder, sign_modelkit_files, verify_folder,
};
pub(crate) use model_signing::{compare_linked_folder, differs_in_folder};
pub use place::{Signable, find_signed, open_signable};
pub(crate) use publish::attach_bundle;
pub use recalls::{RecallProof, Recalled, Recaller, recalls};
pub(crate) use recalls::{warn_of as warn_of_recall, warn_of_recalls, warn_of_recalls_of};
pub use referrers::{AttachedDocument, attached_document, attached_documents, fetch_files};
pub use sign::{Attached, AttestOptions, SignForm, SignOptions, SignedManifest, attest, sign};
pub(crate) use sign::{attest_about, sign_statement};
pub use verify_signature::{SignatureCheck, SignatureOptions, judge, verify_signature};
