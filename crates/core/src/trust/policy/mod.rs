//! `policy.toml`: which signatures and attestations the ModelKits of a repository need, and what they may contain.
//!
//! The file is parsed strictly, so that a misspelt key cannot disable a requirement. A policy is evaluated from facts
//! that the caller has collected; the keys and the time are among them.

mod attested;
mod content;
mod decoder;
mod describe;
mod document;
mod evaluate;
mod facts;
mod key;
mod licences;
mod name;
mod parse;
mod predicate;
mod rule;
#[cfg(test)]
mod tests;
mod verdict;

pub use document::{
    AtLeast, Ceiling, KeyMaterial, LicenceRule, Mode, PickleRule, Policy, RequiredAttestation, Rule, ScanRule, Signers,
    TrustedKey, Unmatched, WeightFormat,
};
pub use evaluate::{evaluate, evaluate_content, evaluate_documents, needs_content};
pub use facts::{
    AttestationFact, ContentFacts, DisguisedFile, DocumentFacts, FileFinding, FilesFact, LicenceFact, SignatureFact,
    WeightFact,
};
pub use name::{Name, Pattern};
pub use predicate::{PREDICATE_TYPES, predicate_type};
pub use verdict::{Outcome, Requirement, Row, Verdict};
