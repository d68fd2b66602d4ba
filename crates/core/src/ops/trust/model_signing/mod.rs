//! The signatures of folders and of the files of a ModelKit (OpenSSF Model Signing).

mod check;
mod error;
mod folder;
mod listing;
mod modelkit;
#[cfg(test)]
mod tests;

pub use check::{FilesMismatch, SignedFiles};
pub(super) use check::{check_files, signature_of};
pub use error::FolderError;
pub use folder::{
    ComparedFolder, FolderSigning, SignedFolder, VerifiedFolder, compare_folder, sign_folder, verify_folder,
};
pub(crate) use folder::{compare_linked_folder, differs_in_folder};
pub use modelkit::{FilesSigning, file_digests, sign_modelkit_files};
