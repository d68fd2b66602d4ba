//! Signing, attesting, verifying and enforcing a policy.

mod model_signing;

pub use model_signing::{
    ComparedFolder, FolderError, FolderSigning, SignedFolder, VerifiedFolder, compare_folder, sign_folder,
    verify_folder,
};
