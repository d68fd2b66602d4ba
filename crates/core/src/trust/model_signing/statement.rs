//! Statements about the files of a model: writing them, and reading them more strictly than other tools do.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde_json::{Map, Value, json};

use super::error::ModelStatementError;
use super::hash::HashType;
use super::predicate::{self, Method, Predicate};
use crate::digest::Digest;
use crate::limits;
use crate::relative_path::RelativePath;
use crate::trust::envelope::{Envelope, IN_TOTO};
use crate::trust::statement::{Statement, StatementSubject};

/// The type of the predicate that lists the files of a model.
pub const MODEL_SIGNATURE: &str = "https://model_signing/signature/v1.0";

/// The predicate before version 1.0: each file is a subject.
const DIGESTS: &str = "https://model_signing/Digests/v0.1";

/// The name of the file with the signature of the folder that contains it.
pub const SIGNATURE_FILE: &str = "model.sig";

/// The paths that are ignored in any folder, even if the statement does not name them.
const GIT_PATHS: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

/// The files that `kit unpack` and other tools generate, so that their bytes are not those of the maker.
const GENERATED: [&str; 3] = ["Kitfile", "Kitfile.lock", ".kitignore"];

const READ_BYTES: usize = 1 << 20;

/// A statement about the files of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStatement {
    /// The name of the model. It is not verified.
    pub name: Option<String>,
    hash: HashType,
    method: Method,
    pub(super) allows_links: bool,
    pub(super) ignored: Vec<RelativePath>,
    pub(super) files: BTreeMap<RelativePath, SignedFile>,
}

/// The digests of a file, which was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFile {
    hash: HashType,
    /// The parts in order. They follow each other, and the last one ends with the file.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    start: u64,
    /// `None` for a file of any length.
    end: Option<u64>,
    digest: Vec<u8>,
}

/// The paths that a statement written by `kit` ignores, for a signature at the path `signature` in the folder.
pub fn default_ignored(signature: Option<&RelativePath>) -> Vec<RelativePath> {
    let names = GIT_PATHS.into_iter().chain(GENERATED).filter_map(|name| name.parse().ok());
    let signature = signature.cloned().or_else(|| SIGNATURE_FILE.parse().ok());
    signature.into_iter().chain(names).collect()
}

/// Returns the statement about `files` of the model `name`. Those at or below an `ignored` path are left out.
pub fn model_statement(
    name: &str,
    files: &BTreeMap<RelativePath, Digest>,
    ignored: &[RelativePath],
) -> Result<Statement, ModelStatementError> {
    let covered = files.iter().filter(|(path, _)| !is_below(path, ignored));
    let (mut root, mut resources) = (Vec::new(), Vec::new());
    for (path, digest) in covered {
        root.extend_from_slice(digest.bytes());
        resources.push(json!({ "name": path.as_str(), "algorithm": HashType::Sha256.name(), "digest": digest.hex() }));
    }
    check_count(resources.len())?;
    let predicate = json!({
        "serialization": {
            "method": "files",
            "hash_type": HashType::Sha256.name(),
            "allow_symlinks": false,
            "ignore_paths": ignored.iter().map(RelativePath::as_str).collect::<Vec<_>>(),
        },
        "resources": resources,
    });
    let digest = BTreeMap::from([(HashType::Sha256.name().to_owned(), Digest::of(&root).hex())]);
    let subject = StatementSubject { name: Some(name.to_owned()), digest, annotations: Map::new() };
    Ok(Statement::new(subject, MODEL_SIGNATURE, predicate))
}

impl ModelStatement {
    /// Reads the statement in an envelope. The signature must have been verified.
    pub fn of(envelope: &Envelope) -> Result<Self, ModelStatementError> {
        if envelope.payload_type != IN_TOTO {
            return Err(ModelStatementError::PayloadType(envelope.payload_type.clone()));
        }
        Self::read(Statement::read(&envelope.payload)?)
    }

    /// Reads the list of files in a statement.
    pub fn read(statement: Statement) -> Result<Self, ModelStatementError> {
        match statement.predicate_type.as_str() {
            MODEL_SIGNATURE => Self::read_predicate(&statement.subject, statement.predicate),
            DIGESTS => Self::read_subjects(&statement.subject),
            _ => Err(ModelStatementError::OtherPredicate(statement.predicate_type)),
        }
    }

    fn read_predicate(subjects: &[StatementSubject], predicate: Value) -> Result<Self, ModelStatementError> {
        let [subject] = subjects else { return Err(ModelStatementError::Subjects(subjects.len())) };
        let predicate: Predicate =
            serde_json::from_value(predicate).map_err(|error| ModelStatementError::Predicate(error.into()))?;
        let Predicate { serialization, resources } = &predicate;
        check_count(resources.len())?;
        let (hash, method, ignored) = (serialization.hash()?, serialization.method()?, serialization.ignored()?);
        let (mut root, mut files) = (Vec::new(), BTreeMap::new());
        for resource in resources {
            let digest = resource.digest(hash, method)?;
            // The order is that of the document.
            root.extend_from_slice(&digest);
            match method {
                Method::Files => {
                    let part = Part { start: 0, end: None, digest };
                    insert(&mut files, predicate::path_of(&resource.name)?, SignedFile { hash, parts: vec![part] })?;
                }
                Method::Shards(size) => {
                    let (path, start, end) = resource.shard(size)?;
                    let file = files.entry(path).or_insert_with(|| SignedFile { hash, parts: Vec::new() });
                    file.parts.push(Part { start, end: Some(end), digest });
                }
            }
        }
        for (path, file) in &mut files {
            file.order(path)?;
        }
        let stated = subject.sha256().ok_or(ModelStatementError::NoRoot)?;
        if stated != Digest::of(&root) {
            return Err(ModelStatementError::Root);
        }
        let allows_links = serialization.allow_symlinks;
        Ok(Self { name: subject.name.clone(), hash, method, allows_links, ignored, files })
    }

    fn read_subjects(subjects: &[StatementSubject]) -> Result<Self, ModelStatementError> {
        check_count(subjects.len())?;
        let hash = HashType::Sha256;
        let mut files = BTreeMap::new();
        for subject in subjects {
            let name = subject.name.as_deref().unwrap_or_default();
            let none = || ModelStatementError::NoDigest(name.to_owned(), hash);
            let hex = subject.digest.get(hash.name()).ok_or_else(none)?;
            let part = Part { start: 0, end: None, digest: predicate::digest(name, hex, hash)? };
            insert(&mut files, predicate::path_of(name)?, SignedFile { hash, parts: vec![part] })?;
        }
        let (method, ignored) = (Method::Files, Vec::new());
        Ok(Self { name: None, hash, method, allows_links: false, ignored, files })
    }

    /// The hash of the files.
    pub fn hash(&self) -> HashType {
        self.hash
    }

    /// The files that the statement lists, in the order of their paths.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&RelativePath, &SignedFile)> {
        self.files.iter()
    }

    /// Returns the file at `path`, if the statement lists it.
    pub fn file(&self, path: &RelativePath) -> Option<&SignedFile> {
        self.files.get(path)
    }

    /// Returns true if a file at `path` does not have to be signed.
    pub fn ignores(&self, path: &RelativePath) -> bool {
        let git = GIT_PATHS.iter().filter_map(|name| name.parse().ok());
        is_below(path, &self.ignored) || git.into_iter().any(|ignored: RelativePath| path.starts_with(&ignored))
    }

    /// Returns true if the statement lists a file at or below `path`.
    pub fn lists_below(&self, path: &RelativePath) -> bool {
        self.files.range(path..).next().is_some_and(|(listed, _)| listed.starts_with(path))
    }

    /// Returns true if the statement lists empty files. By parts it cannot, since they have none.
    pub(super) fn covers_empty_files(&self) -> bool {
        self.method == Method::Files
    }
}

impl SignedFile {
    /// The SHA-256 digest of the whole file, if the statement contains it.
    pub fn sha256(&self) -> Option<Digest> {
        match &self.parts[..] {
            [Part { start: 0, end: None, digest }] if self.hash == HashType::Sha256 => {
                digest.as_slice().try_into().ok().map(Digest::from_bytes)
            }
            _ => None,
        }
    }

    /// Reads `content` to its end, unless it is too long, and returns true if it is what was signed.
    pub fn matches(&self, content: &mut dyn Read) -> io::Result<bool> {
        let mut buffer = vec![0; READ_BYTES];
        for part in &self.parts {
            let length = part.end.map_or(u64::MAX, |end| end - part.start);
            let (mut part_of, mut hashing, mut taken) = (content.take(length), self.hash.begin(), 0);
            loop {
                match part_of.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => {
                        hashing.update(&buffer[..read]);
                        taken += read as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            if part.end.is_some() && taken < length || hashing.finish() != part.digest {
                return Ok(false);
            }
        }
        Ok(content.take(1).read_to_end(&mut Vec::new())? == 0)
    }

    /// Sorts the parts and checks that they follow each other.
    fn order(&mut self, path: &RelativePath) -> Result<(), ModelStatementError> {
        self.parts.sort_by_key(|part| part.start);
        let mut end = Some(0);
        for part in &self.parts {
            if end != Some(part.start) {
                return Err(ModelStatementError::Shards(path.clone()));
            }
            end = part.end;
        }
        Ok(())
    }
}

fn insert(
    files: &mut BTreeMap<RelativePath, SignedFile>,
    path: RelativePath,
    file: SignedFile,
) -> Result<(), ModelStatementError> {
    match files.insert(path.clone(), file) {
        None => Ok(()),
        Some(_) => Err(ModelStatementError::Twice(path)),
    }
}

fn check_count(count: usize) -> Result<(), ModelStatementError> {
    match count {
        0 => Err(ModelStatementError::NoFiles),
        count if count > limits::SIGNED_FILES => Err(ModelStatementError::TooMany(limits::SIGNED_FILES)),
        _ => Ok(()),
    }
}

pub(super) fn is_below(path: &RelativePath, folders: &[RelativePath]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}
