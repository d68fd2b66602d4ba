//! The content of a parsed policy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::name::{Name, Pattern};
use crate::problem::{Invalid, Position, Problem};
use crate::scan::Level;
use crate::trust::keyless::{TransparencyLog, WantedIdentity};

/// A parsed policy. Its key files are not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The path of the file, for messages.
    pub file: String,
    /// The decision about names that no rule matches.
    pub unmatched: Unmatched,
    /// The line that sets `default`, if there is one.
    pub unmatched_line: Option<usize>,
    /// The keys by their names.
    pub keys: BTreeMap<String, TrustedKey>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

impl Policy {
    /// Returns the most specific rule that matches `name`, with the pattern that matches.
    pub fn rule_for(&self, name: &Name) -> Option<(&Rule, &Pattern)> {
        self.matching(name).max_by_key(|(_, pattern)| pattern.specificity())
    }

    /// The patterns that match `name`, each with its rule. Only the most specific one applies.
    pub fn matching(&self, name: &Name) -> impl Iterator<Item = (&Rule, &Pattern)> {
        let patterns = self.rules.iter().flat_map(|rule| rule.patterns.iter().map(move |pattern| (rule, pattern)));
        patterns.filter(move |(_, pattern)| pattern.matches(name))
    }

    /// The error that reports `message` at `position` of this file.
    pub fn invalid_at(&self, position: &Position, field: &str, message: String) -> Invalid {
        let problem = Problem { position: Some(position.clone()), ..Problem::of(field, message) };
        Invalid::new(&self.file, vec![problem])
    }
}

/// The decision about names that no rule matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unmatched {
    /// They are allowed.
    #[default]
    Allow,
    /// They are refused.
    Refuse,
}

/// A key or an identity that rules name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key or the identity.
    pub material: KeyMaterial,
    /// The position of the value that contains it or names its file.
    pub position: Position,
}

/// The proof of a signer that a key of the policy accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// A public key in this file.
    File(PathBuf),
    /// A public key as PEM text.
    Pem(String),
    /// An identity that a public authority confirms.
    Identity {
        /// The e-mail address or the URI.
        identity: WantedIdentity,
        /// The account provider.
        issuer: String,
        /// The file with the trusted roots.
        trusted_root: PathBuf,
        /// The necessity of an entry in a transparency log.
        log: TransparencyLog,
    },
    /// An identity that a private authority confirms.
    Authority {
        /// The e-mail address or the URI.
        identity: String,
        /// The files with the certificates of the authorities.
        ca: Vec<PathBuf>,
        /// True if a certificate that has expired since the signature counts.
        accepts_expired: bool,
    },
}

/// A rule: patterns of names, and the requirements for them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of the file")]
pub struct Rule {
    /// The line of the file in which the rule begins.
    pub line: usize,
    /// The names that it applies to.
    pub patterns: Vec<Pattern>,
    /// The consequence of a failure.
    pub mode: Mode,
    /// The keys of the signatures that are needed.
    pub signed_by: Option<Signers>,
    /// True if signatures of the old kind, under a tag `….sig`, count.
    pub legacy: bool,
    /// The attestations that are needed, all of them.
    pub attestations: Vec<RequiredAttestation>,
    /// The approvals that are needed, all of them.
    pub approvals: Vec<RequiredApproval>,
    /// The treatment of a ModelKit that was recalled.
    pub recalled: RecallRule,
    /// True if a statement about the files, signed by [`Rule::signed_by`], is needed.
    pub files_signed: bool,
    /// The pickles that are allowed.
    pub pickle: PickleRule,
    /// True if files that make a loader run code are refused.
    pub forbids_remote_code: bool,
    /// True if credentials are refused.
    pub forbids_secrets: bool,
    /// The formats of weights that are allowed, if not all are.
    pub formats: Option<Vec<WeightFormat>>,
    /// The findings that are allowed.
    pub scan: Option<ScanRule>,
    /// The licences that are allowed.
    pub licences: Option<LicenceRule>,
}

impl Rule {
    /// Returns true if the rule has a requirement about the content of files.
    pub fn reads_content(&self) -> bool {
        self.pickle != PickleRule::Allow || self.forbids_remote_code || self.forbids_secrets || self.scan.is_some()
    }

    /// Returns true if the rule has a requirement about what is attached to the ModelKit.
    pub fn reads_referrers(&self) -> bool {
        self.signed_by.is_some()
            || !self.attestations.is_empty()
            || !self.approvals.is_empty()
            || self.scan.as_ref().is_some_and(|scan| scan.by.is_some())
            || self.heeds_recalls()
    }

    /// Returns true if a recall has a consequence: some keys may recall, and the rule does not ignore them.
    pub fn heeds_recalls(&self) -> bool {
        self.recalled.mode != RecallMode::Allow && !self.recall_keys().is_empty()
    }

    /// The names of the keys whose recalls count: those of the rule, or else those that sign or approve.
    pub fn recall_keys(&self) -> Vec<&str> {
        let approving = self.approvals.iter().map(|required| &required.signed_by);
        let signing = self.signed_by.iter().chain(approving).flat_map(|signers| &signers.names);
        let mut names: Vec<_> = match &self.recalled.by {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => signing.map(String::as_str).collect(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns true if the rule has a requirement.
    pub(super) fn requires_anything(&self) -> bool {
        self.reads_content() || self.reads_referrers() || self.formats.is_some() || self.licences.is_some()
    }

    /// The rule without its other requirements.
    #[must_use]
    pub fn only_recalls(&self) -> Self {
        let by = self.recall_keys().into_iter().map(str::to_owned).collect();
        let (patterns, mode) = (self.patterns.clone(), self.recalled.mode);
        Self { recalled: RecallRule { mode, by: Some(by) }, ..Self::empty(self.line, patterns, self.mode) }
    }

    fn empty(line: usize, patterns: Vec<Pattern>, mode: Mode) -> Self {
        Self {
            line,
            patterns,
            mode,
            signed_by: None,
            legacy: true,
            attestations: Vec::new(),
            approvals: Vec::new(),
            recalled: RecallRule::default(),
            files_signed: false,
            pickle: PickleRule::Allow,
            forbids_remote_code: false,
            forbids_secrets: false,
            formats: None,
            scan: None,
            licences: None,
        }
    }

    /// The names of all keys that the rule names, without duplicates.
    pub fn keys(&self) -> Vec<&str> {
        let attested = self.attestations.iter().map(|required| &required.signed_by);
        let scanned = self.scan.iter().filter_map(|scan| scan.by.as_ref());
        let approved = self.approvals.iter().map(|required| &required.signed_by);
        let all = self.signed_by.iter().chain(attested).chain(approved).chain(scanned);
        let all = all.flat_map(|signers| &signers.names).map(String::as_str);
        let mut names: Vec<_> = all.chain(self.recall_keys()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The consequence of a failed requirement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// The operation fails.
    #[default]
    Enforce,
    /// The operation prints a warning.
    Warn,
    /// The rule is not evaluated.
    Off,
}

/// Keys of which one or all have to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// The number of them that is needed.
    pub at_least: AtLeast,
    /// The names of the keys.
    pub names: Vec<String>,
}

/// The number of signers that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLeast {
    /// One of them.
    Any,
    /// All of them.
    All,
}

/// An attestation that a rule needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredAttestation {
    /// The type as the policy writes it: a word or a URI.
    pub word: String,
    /// The URI of the type of the predicate.
    pub predicate_type: String,
    /// The keys that have to sign it.
    pub signed_by: Signers,
    /// The builders that are accepted, for a provenance.
    pub builders: Option<Vec<String>>,
    /// The results that are accepted, for a test result.
    pub results: Option<Vec<String>>,
    /// The level of the findings that is accepted, for a scan.
    pub at_most: Option<Ceiling>,
}

/// An approval that a rule needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredApproval {
    /// The role in which it is given.
    pub role: String,
    /// The keys that have to sign it.
    pub signed_by: Signers,
}

/// The treatment of ModelKits that were recalled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecallRule {
    /// The consequence of a recall.
    pub mode: RecallMode,
    /// The names of the keys whose recalls count, if the rule names them.
    pub by: Option<Vec<String>>,
}

/// The consequence of a recall by a key that counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecallMode {
    /// The requirement fails.
    #[default]
    Refuse,
    /// A warning.
    Warn,
    /// None.
    Allow,
}

/// The worst level of a finding that is accepted; `None` accepts no finding.
pub type Ceiling = Option<Level>;

/// The pickles that a rule allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PickleRule {
    /// All of them.
    #[default]
    Allow,
    /// Those that use only known, harmless names.
    Listed,
    /// None, also in archives.
    Forbid,
}

/// The findings that a rule allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRule {
    /// The level that is accepted.
    pub at_most: Ceiling,
    /// The keys whose signed scan replaces scanning.
    pub by: Option<Signers>,
}

/// The licences that a rule allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceRule {
    /// The identifiers, also with an exception or as `LicenseRef-NAME`.
    pub allow: Vec<String>,
    /// True if a missing licence, or a text that is not an SPDX expression, is allowed.
    pub allows_unknown: bool,
    /// True if an allowed licence is also allowed with any exception.
    pub allows_exceptions: bool,
}

/// A format of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightFormat {
    /// The file format safetensors.
    Safetensors,
    /// The file format GGUF.
    Gguf,
    /// ONNX.
    Onnx,
    /// An archive or a pickle of `PyTorch`.
    Pytorch,
    /// A pickle of anything else.
    Pickle,
    /// Keras, and HDF5.
    Keras,
    /// `TensorFlow`, also for small devices.
    Tensorflow,
    /// Arrays of `NumPy`.
    Numpy,
}

impl WeightFormat {
    /// All formats, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Safetensors,
        Self::Gguf,
        Self::Onnx,
        Self::Pytorch,
        Self::Pickle,
        Self::Keras,
        Self::Tensorflow,
        Self::Numpy,
    ];

    /// The word in policies and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Gguf => "gguf",
            Self::Onnx => "onnx",
            Self::Pytorch => "pytorch",
            Self::Pickle => "pickle",
            Self::Keras => "keras",
            Self::Tensorflow => "tensorflow",
            Self::Numpy => "numpy",
        }
    }
}
