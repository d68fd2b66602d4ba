//! Signing a folder, and comparing it with its signature.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use fs_err as fs;

use super::error::FolderError;
use super::listing::list;
use crate::digest::Digest;
use crate::limits;
use crate::ops::files::digest_file;
use crate::ops::workers;
use crate::progress::{Phase, Progress, Silent, Task};
use crate::relative_path::RelativePath;
use crate::sys;
use crate::trust::{
    Algorithm, Bundle, CertificateChain, Envelope, Evidence, FileDifference, FoundFile, FoundKind, IN_TOTO, Material,
    ModelSignature, ModelStatement, PrivateKey, SignedFile, Signer, UnsignedFiles, Verifier, model_hint,
    model_statement,
};

/// Settings for signing a folder.
#[derive(Debug)]
pub struct FolderSigning<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The name of the model in the statement.
    pub name: String,
    /// The key.
    pub key: &'a PrivateKey,
    /// The certificate of the key, if the signature contains one.
    pub certificates: Option<&'a CertificateChain>,
    /// The paths that the signature does not cover.
    pub ignored: Vec<RelativePath>,
    /// The number of files that are read at once.
    pub jobs: usize,
}

/// A folder that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFolder {
    /// The signature: a bundle.
    pub bundle: Vec<u8>,
    /// The digest of the list of files.
    pub root: Digest,
    /// The number of files that it covers.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A folder that was compared with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedFolder {
    /// The signer.
    pub signer: Signer,
    /// The comparison.
    pub compared: ComparedFolder,
}

/// The comparison of a folder with a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedFolder {
    /// The number of files that were signed.
    pub files: usize,
    /// The bytes of those that were read.
    pub bytes: u64,
    /// All differences, in the order of their paths.
    pub differences: Vec<(RelativePath, FileDifference)>,
}

/// Signs the files in a folder. Nothing is written.
pub fn sign_folder(options: &FolderSigning<'_>, progress: &dyn Progress) -> Result<SignedFolder, FolderError> {
    let FolderSigning { folder, name, key, certificates, ignored, jobs } = options;
    let found = list(folder, &|path| ignored.iter().any(|ignored| path.starts_with(ignored)))?;
    let mut bytes = 0_u64;
    for FoundFile { path, kind } in &found {
        match kind {
            FoundKind::File(size) => bytes = bytes.saturating_add(*size),
            FoundKind::Link => return Err(FolderError::Link(path.clone())),
            FoundKind::Special => return Err(FolderError::Special(path.clone())),
        }
    }
    let task = progress.start(Phase::Hashing, &counted(found.len()), Some(bytes));
    let digest = |found: &FoundFile| digest_file(sys::open_regular(&found.path.join_to(folder))?, &*task);
    let digests = workers::run(*jobs, &found, digest)?;
    let files: BTreeMap<_, _> = found.into_iter().map(|found| found.path).zip(digests).collect();
    let bundle = sign_files(name, &files, ignored, key, *certificates)?;
    let root: Vec<u8> = files.values().flat_map(|digest| *digest.bytes()).collect();
    Ok(SignedFolder { bundle, root: Digest::of(&root), files: files.len(), bytes })
}

/// Signs a list of files, and returns the bundle.
pub(super) fn sign_files(
    name: &str,
    files: &BTreeMap<RelativePath, Digest>,
    ignored: &[RelativePath],
    key: &PrivateKey,
    certificates: Option<&CertificateChain>,
) -> Result<Vec<u8>, FolderError> {
    let algorithm = key.public_key().algorithm();
    if !matches!(algorithm, Algorithm::EcdsaP256 | Algorithm::EcdsaP384) {
        return Err(FolderError::OtherAlgorithm(algorithm.to_string()));
    }
    let statement = model_statement(name, files, ignored).map_err(FolderError::Unsignable)?;
    let envelope = Envelope::sign(statement.to_bytes(), IN_TOTO, key)?;
    let hint = || Material::PublicKey { hint: Some(model_hint(key.public_key())) };
    let material = certificates.map_or_else(hint, CertificateChain::whole);
    let bundle = Bundle { material, evidence: Evidence::default(), envelope }.to_bytes();
    let (size, limit) = (bundle.len() as u64, limits::BUNDLE_BYTES);
    if size > limit { Err(FolderError::TooLarge { size, limit }) } else { Ok(bundle) }
}

/// Verifies that one of `verifiers` signed `bundle`, and compares the folder with what was signed. Files at or below a
/// path in `own`, such as the signature, do not have to be covered.
pub fn verify_folder(
    folder: &Path,
    bundle: &[u8],
    verifiers: &[Verifier],
    (own, unsigned): (&[RelativePath], UnsignedFiles),
    jobs: usize,
    progress: &dyn Progress,
) -> Result<VerifiedFolder, FolderError> {
    let ModelSignature { signer, statement } = ModelSignature::read(bundle, verifiers)?;
    let compared = compare_folder(folder, &statement, (own, unsigned), jobs, progress)?;
    Ok(VerifiedFolder { signer, compared })
}

/// Compares the folder with a statement, and returns all differences.
pub fn compare_folder(
    folder: &Path,
    statement: &ModelStatement,
    (own, unsigned): (&[RelativePath], UnsignedFiles),
    jobs: usize,
    progress: &dyn Progress,
) -> Result<ComparedFolder, FolderError> {
    let found = list(folder, &|path| statement.ignores(path) && !statement.lists_below(path))?;
    compare_found(folder, &found, statement, (own, unsigned), jobs, progress)
}

/// Compares a folder like [`compare_folder`], but takes links to files for files: a snapshot in the cache of the
/// Hugging Face hub consists of links.
pub(crate) fn compare_linked_folder(
    folder: &Path,
    statement: &ModelStatement,
    (own, unsigned): (&[RelativePath], UnsignedFiles),
    jobs: usize,
    progress: &dyn Progress,
) -> Result<ComparedFolder, FolderError> {
    let mut found = list(folder, &|path| statement.ignores(path) && !statement.lists_below(path))?;
    for found in found.iter_mut().filter(|found| found.kind == FoundKind::Link) {
        let target = fs::metadata(found.path.join_to(folder)).ok().filter(std::fs::Metadata::is_file);
        found.kind = target.map_or(FoundKind::Link, |target| FoundKind::File(target.len()));
    }
    compare_found(folder, &found, statement, (own, unsigned), jobs, progress)
}

fn compare_found(
    folder: &Path,
    found: &[FoundFile],
    statement: &ModelStatement,
    (own, unsigned): (&[RelativePath], UnsignedFiles),
    jobs: usize,
    progress: &dyn Progress,
) -> Result<ComparedFolder, FolderError> {
    let compared = statement.compare_names(found, own, unsigned);
    let sizes: BTreeMap<_, _> = found.iter().map(|found| (&found.path, found.kind)).collect();
    let size = |path: &RelativePath| match sizes.get(path) {
        Some(FoundKind::File(size)) => *size,
        _ => 0,
    };
    let bytes = compared.to_read.iter().map(|(path, _)| size(path)).fold(0, u64::saturating_add);
    let task = progress.start(Phase::Verifying, &counted(compared.to_read.len()), Some(bytes));
    let read = |(path, file): &(&RelativePath, &SignedFile)| difference(folder, path, file, &*task);
    let read = workers::run(jobs, &compared.to_read, read)?;
    let mut differences = compared.differences;
    let paths = compared.to_read.iter().map(|(path, _)| (*path).clone());
    differences.extend(paths.zip(read).filter_map(|(path, difference)| Some((path, difference?))));
    differences.sort();
    Ok(ComparedFolder { files: statement.files().len(), bytes, differences })
}

/// Compares the content of the file at `path` in `folder` with what was signed.
pub(crate) fn differs_in_folder(
    folder: &Path,
    path: &RelativePath,
    signed: &SignedFile,
) -> io::Result<Option<FileDifference>> {
    difference(folder, path, signed, &Silent)
}

fn difference(
    folder: &Path,
    path: &RelativePath,
    signed: &SignedFile,
    task: &dyn Task,
) -> io::Result<Option<FileDifference>> {
    let place = path.join_to(folder);
    // The target of a link may be anything, and a file may have been removed since it was listed.
    match fs::metadata(&place) {
        Ok(metadata) if !metadata.is_file() => return Ok(Some(FileDifference::NotAFile)),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(FileDifference::Missing)),
        Err(error) => return Err(error),
    }
    let mut file = sys::open_regular(&place)?;
    if let Some(digest) = signed.sha256() {
        return Ok((digest_file(file, task)? != digest).then_some(FileDifference::Differs));
    }
    let size = file.metadata()?.len();
    let is_same = signed.matches(&mut file)?;
    task.advance(size);
    Ok((!is_same).then_some(FileDifference::Differs))
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}
