//! Signing, attesting, verifying and enforcing a policy.

mod attach_files;
mod attachment_error;
mod place;
mod referrers;

pub use attach_files::{AttachOptions, FileToAttach, attach_files};
pub use attachment_error::AttachmentError;
pub use place::{Signable, find_signed, open_signable};
pub use referrers::{AttachedDocument, attached_document, attached_documents, fetch_files};
