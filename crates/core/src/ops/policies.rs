//! The policies that a session asks: the files, and the keys that they name.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::digest::Digest;
use crate::limits;
use crate::problem::{Invalid, printable};
use crate::sys::read_regular_text;
use crate::trust::policy::{KeyMaterial, Policy, Row, TrustedKey};
use crate::trust::{
    Authority, Certificate, Identity, KeylessIdentity, PublicKey, TrustedRoot, Usage, ValidAt, Verifier,
};

/// The files of the policies that must all be satisfied. They are read once, when the first of them is asked.
#[derive(Debug, Default)]
pub struct Policies {
    files: Vec<PolicyFile>,
    time: Option<Timestamp>,
    loaded: OnceLock<Result<Vec<LoadedPolicy>, PolicyError>>,
}

/// The file of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// The path.
    pub path: PathBuf,
    /// True if a missing file is an error, because the user named it.
    pub is_required: bool,
}

/// A policy with its keys.
#[derive(Debug)]
pub struct LoadedPolicy {
    /// The policy.
    pub policy: Policy,
    /// The digest of the file.
    pub digest: Digest,
    /// The keys by their names.
    pub keys: BTreeMap<String, LoadedKey>,
}

/// A key of a policy.
#[derive(Debug, Clone)]
pub struct LoadedKey {
    /// The owner of the signatures that count.
    pub verifier: Verifier,
    /// The description: `ecdsa-p256 fd50f21f2fc7`, or the identity.
    pub description: String,
}

impl Policies {
    /// The policies in `files`, evaluated at `time`.
    pub fn new(files: Vec<PolicyFile>, time: Timestamp) -> Self {
        Self { files, time: Some(time), loaded: OnceLock::new() }
    }

    /// The files, in the order in which they are asked.
    pub fn files(&self) -> &[PolicyFile] {
        &self.files
    }

    /// The time of the evaluation.
    pub fn time(&self) -> Timestamp {
        self.time.unwrap_or_else(Timestamp::now)
    }

    /// Reads the files that exist, with their keys.
    pub fn load(&self) -> Result<&[LoadedPolicy], PolicyError> {
        let load = |file: &PolicyFile| file.load(self.time()).transpose();
        let loaded = self.loaded.get_or_init(|| self.files.iter().filter_map(load).collect());
        loaded.as_deref().map_err(Clone::clone)
    }
}

impl PolicyFile {
    /// Returns true for a symbolic link: one that leads nowhere is a policy that cannot be read.
    fn is_link(&self) -> bool {
        fs_err::symlink_metadata(&self.path).is_ok()
    }

    /// Reads the policy. Returns `None` if the file does not exist and need not.
    fn load(&self, time: Timestamp) -> Result<Option<LoadedPolicy>, PolicyError> {
        let text = match read_regular_text(&self.path, limits::POLICY_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_required && !self.is_link() => {
                return Ok(None);
            }
            Err(error) => return Err(PolicyError::Unreadable { file: self.path.clone(), source: Arc::new(error) }),
        };
        LoadedPolicy::parse(&text, &self.path, time).map(Some)
    }
}

impl LoadedPolicy {
    /// Reads the policy in `file`, which must exist. Certificates must be valid at `time`.
    pub fn open(file: &Path, time: Timestamp) -> Result<Self, PolicyError> {
        let unreadable = |error| PolicyError::Unreadable { file: file.to_owned(), source: Arc::new(error) };
        Self::parse(&read_regular_text(file, limits::POLICY_BYTES).map_err(unreadable)?, file, time)
    }

    fn parse(text: &str, file: &Path, time: Timestamp) -> Result<Self, PolicyError> {
        let policy = Policy::parse(text, file)?;
        let (mut keys, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, key) in &policy.keys {
            match load_key(key, time) {
                Ok(loaded) => drop(keys.insert(name.clone(), loaded)),
                Err(message) => {
                    let invalid = policy.invalid_at(&key.position, name, format!("the key `{name}` {message}"));
                    problems.extend(invalid.problems().iter().cloned());
                }
            }
        }
        if problems.is_empty() {
            return Ok(Self { policy, digest: Digest::of(text.as_bytes()), keys });
        }
        problems.sort_by_key(|problem| problem.position.as_ref().map(|position| (position.line, position.column)));
        Err(Invalid::new(&policy.file, problems).into())
    }
}

/// Reads a key, whose certificates must be valid at `time`. The error completes a sentence that begins with its name.
fn load_key(key: &TrustedKey, time: Timestamp) -> Result<LoadedKey, String> {
    let public = |pem: &[u8], place: &str| {
        let key = PublicKey::from_pem(pem).map_err(|error| format!("cannot be read{place}: {error}"))?;
        Ok(LoadedKey { description: key.name().to_string(), verifier: Verifier::Key(key) })
    };
    match &key.material {
        KeyMaterial::Pem(pem) => public(pem.as_bytes(), ""),
        KeyMaterial::File(path) => public(read(path)?.as_bytes(), &format!(" from `{}`", path.display())),
        KeyMaterial::Identity { identity, issuer, trusted_root, log } => {
            let root = TrustedRoot::read(read(trusted_root)?.as_bytes());
            let failed = |error| format!("cannot use the trusted root `{}`: {error}", trusted_root.display());
            let (identity, issuer) = (identity.clone(), issuer.clone());
            let description = printable(&format!("{identity} ({issuer})")).into_owned();
            let verifier = KeylessIdentity { identity, issuer, root: root.map_err(failed)?, log: *log };
            Ok(LoadedKey { description, verifier: Verifier::Keyless(Box::new(verifier)) })
        }
        KeyMaterial::Authority { identity, ca, accepts_expired } => {
            let valid_at = if *accepts_expired { ValidAt::Issued } else { ValidAt::Time(time) };
            let (san, authority) = (Some(identity.clone()), authority(ca)?);
            let verifier = Identity { san, authority, valid_at, usage: Usage::CodeSigning };
            Ok(LoadedKey {
                description: printable(identity).into_owned(),
                verifier: Verifier::Identity(Box::new(verifier)),
            })
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: io::Error| format!("cannot be read from `{}`: {error}", path.display());
    read_regular_text(path, limits::POLICY_BYTES).map_err(failed)
}

/// Reads the authorities in certificates.
fn authority(files: &[PathBuf]) -> Result<Authority, String> {
    let mut anchors = Vec::new();
    for file in files {
        let certificates = Certificate::read_pem(read(file)?.as_bytes());
        let failed = |error| format!("cannot use the authority `{}`: {error}", file.display());
        anchors.extend(certificates.map_err(failed)?);
    }
    Ok(Authority::new(anchors))
}

/// The reason why a policy does not allow an operation, or could not be asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy `{}`", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: Arc<io::Error>,
    },
    /// The file is not valid, or one of its keys is not.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The requirements for a ModelKit are not satisfied.
    #[error("the policy does not allow `{name}`")]
    NotAllowed {
        /// The ModelKit as the user named it.
        name: String,
        /// The requirements.
        source: Refusal,
    },
}

impl PolicyError {
    /// Returns true if the text of the error has several lines.
    pub fn has_lines(&self) -> bool {
        matches!(self, Self::Invalid(_))
    }
}

/// The rules that do not allow a ModelKit, each with the requirements that are not satisfied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// One for each policy.
    pub rules: Vec<RefusedBy>,
}

/// A rule that does not allow a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedBy {
    /// The pattern of the rule that applies; `None` if no rule does.
    pub pattern: Option<String>,
    /// The file of the policy.
    pub file: String,
    /// The line of the rule, or of `default`.
    pub line: usize,
    /// The requirements that are not satisfied.
    pub failures: Vec<Row>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rule) in self.rules.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "\n" })?;
            rule.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for RefusedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (printable(&self.file), self.line);
        match &self.pattern {
            Some(pattern) => write!(f, "rule for `{}` in {file}:{line}", printable(pattern))?,
            None => write!(f, "no rule matches, and the default in {file}:{line} is `refuse`")?,
        }
        let words = self.failures.iter().map(|row| row.requirement.as_str().len());
        let width = words.max().unwrap_or_default();
        self.failures.iter().try_for_each(|row| {
            let word = row.requirement.as_str();
            write!(f, "\n  {word:<width$}  {}", printable(&row.reason))?;
            if row.ask.is_empty() { Ok(()) } else { write!(f, "; ask {}", printable(&row.ask.join(", "))) }
        })
    }
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;
    use crate::trust::policy::Requirement;

    #[test]
    fn a_refusal_lists_every_failure_of_every_rule() {
        let row = |requirement, reason: &str| Row::failed(requirement, reason);
        let system = RefusedBy {
            pattern: Some("r.example/production/".to_owned()),
            file: "/etc/kit/policy.toml".to_owned(),
            line: 14,
            failures: vec![
                row(Requirement::SignedBy, "no signature of `release`"),
                row(Requirement::Licences, "`data`: GPL\u{1b}[2J is not allowed"),
            ],
        };
        let user = RefusedBy { pattern: None, file: "policy.toml".to_owned(), line: 2, failures: Vec::new() };
        let text = Refusal { rules: vec![system, user] }.to_string();
        let expected = "rule for `r.example/production/` in /etc/kit/policy.toml:14\n  \
                        signed-by  no signature of `release`\n  \
                        licence    `data`: GPL\\u{1b}[2J is not allowed\n\
                        no rule matches, and the default in policy.toml:2 is `refuse`";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_missing_file_is_an_error_only_if_the_user_named_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        let load = |is_required| {
            let file = PolicyFile { path: path.clone(), is_required };
            Policies::new(vec![file], Timestamp::UNIX_EPOCH).load().map(<[_]>::len)
        };
        assert_eq!(load(false).unwrap(), 0);
        let error = load(true).unwrap_err();
        assert!(matches!(error, PolicyError::Unreadable { .. }), "{error}");
        fs::create_dir(&path).unwrap();
        let error = load(false).unwrap_err();
        assert!(matches!(error, PolicyError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn a_key_that_cannot_be_read_fails_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        let text = "version = 1\ndefault = 'refuse'\n[keys.a]\nfile = 'missing.pub'\n[keys.b]\npem = 'not a key'\n";
        fs::write(&path, text).unwrap();
        let error = LoadedPolicy::open(&path, Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        assert!(error.contains("policy.toml:4:8: the key `a` cannot be read from"), "{error}");
        assert!(error.contains("policy.toml:6:7: the key `b` cannot be read: "), "{error}");
    }

    #[test]
    fn a_trusted_root_that_cannot_be_used_fails_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        fs::write(folder.path().join("root.json"), "{}").unwrap();
        let text =
            "version = 1\ndefault = 'refuse'\n[keys.ci]\nidentity = 'a'\nissuer = 'b'\ntrusted-root = 'root.json'\n";
        fs::write(&path, text).unwrap();
        let error = LoadedPolicy::open(&path, Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        assert!(error.contains("policy.toml:6:16: the key `ci` cannot use the trusted root"), "{error}");
        assert!(error.contains("it is not a trusted root of version 0.1"), "{error}");
        fs::write(&path, "version = 1\ndefault = 'refuse'\n[keys.ada]\nidentity = 'a'\nca = ['root.json']\n").unwrap();
        let error = LoadedPolicy::open(&path, Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        assert!(error.contains("policy.toml:5:6: the key `ada` cannot use the authority"), "{error}");
    }
}
