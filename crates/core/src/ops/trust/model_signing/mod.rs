//! The signatures of folders and of the files of a ModelKit (OpenSSF Model Signing).

mod error;
mod folder;
mod listing;
#[cfg(test)]
mod tests;

pub use error::FolderError;
pub use folder::{
    ComparedFolder, FolderSigning, SignedFolder, VerifiedFolder, compare_folder, sign_folder, verify_folder,
};
