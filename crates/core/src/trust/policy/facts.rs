//! The facts about a ModelKit from which a rule is evaluated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::document::WeightFormat;
use crate::scan::Finding;

/// The facts that are known without the content of the layers.
#[derive(Debug, Clone)]
pub struct DocumentFacts {
    /// The time of the evaluation.
    pub now: Timestamp,
    /// The description of each key of the policy, by its name: `ecdsa-p256 fd50f21f2fc7`.
    pub keys: BTreeMap<String, String>,
    /// The signatures beside the ModelKit.
    pub signatures: Vec<SignatureFact>,
    /// The attestations beside the ModelKit.
    pub attestations: Vec<AttestationFact>,
    /// True if more is attached to it than was read.
    pub is_cut_off: bool,
    /// The signed statements about its files.
    pub files: Vec<FilesFact>,
    /// The licences of its parts.
    pub licences: Vec<LicenceFact>,
    /// The files of its models, or the reason why they are not known.
    pub weights: Result<Vec<WeightFact>, String>,
}

impl DocumentFacts {
    /// The facts about a ModelKit with nothing beside it, evaluated at the time `now`.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            keys: BTreeMap::new(),
            signatures: Vec::new(),
            attestations: Vec::new(),
            is_cut_off: false,
            files: Vec::new(),
            licences: Vec::new(),
            weights: Ok(Vec::new()),
        }
    }
}

/// A plain signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFact {
    /// The names of the keys for which it is valid. Empty if it is valid for none.
    pub signers: Vec<String>,
    /// True for one of the old kind, under a tag `….sig`.
    pub is_legacy: bool,
    /// The reason why it is valid for no key, if that is not another key.
    pub flaw: Option<String>,
}

/// An attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationFact {
    /// The URI of the type of the predicate, as the signed statement gives it.
    pub predicate_type: String,
    /// The names of the keys for which it is valid. Empty if it is valid for none.
    pub signers: Vec<String>,
    /// The predicate.
    pub predicate: Value,
}

/// A signed statement about the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesFact {
    /// The names of the keys for which it is valid.
    pub signers: Vec<String>,
    /// The difference from the tables of contents, if there is one.
    pub difference: Option<String>,
}

/// The licence of a part of a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceFact {
    /// The part: `model`, or the path of a dataset or of code.
    pub subject: String,
    /// The text of the Kitfile.
    pub licence: Option<String>,
}

/// A file in a layer of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightFact {
    /// The path.
    pub path: String,
    /// The format, if it is known.
    pub format: Option<WeightFormat>,
}

/// The facts that only the content of the layers shows.
#[derive(Debug, Clone, Default)]
pub struct ContentFacts {
    /// The findings of the scan.
    pub findings: Vec<FileFinding>,
    /// The files that are pickles or contain one.
    pub pickles: Vec<String>,
    /// The files of models whose content is not what their names say.
    pub disguised: Vec<DisguisedFile>,
    /// The files that could not be examined, each with the reason.
    pub unread: Vec<(String, String)>,
}

impl ContentFacts {
    /// Adds the facts about other content.
    pub fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.pickles.extend(other.pickles);
        self.disguised.extend(other.disguised);
        self.unread.extend(other.unread);
    }
}

/// A file of a model whose content is not what its name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisguisedFile {
    /// The path.
    pub path: String,
    /// The description of the content: `its content is gguf`.
    pub reason: String,
    /// The formats of the content, of which one must be allowed. Without any the file is never allowed.
    pub formats: Vec<WeightFormat>,
}

/// A finding in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFinding {
    /// The path of the file.
    pub path: String,
    /// The finding.
    pub finding: Finding,
}
