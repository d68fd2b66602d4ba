//! OpenSSF Model Signing 1.0: statements that list the files of a folder with their digests, and the comparison of a
//! folder with one.

mod compare;
mod error;
mod hash;
mod predicate;
mod signature;
mod statement;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, FileDifference, FoundFile, FoundKind, UnsignedFiles};
pub use error::ModelStatementError;
pub use hash::HashType;
pub use signature::{ModelSignature, ModelSignatureError, model_hint};
pub use statement::{MODEL_SIGNATURE, ModelStatement, SIGNATURE_FILE, SignedFile, default_ignored, model_statement};
