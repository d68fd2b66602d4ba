//! The signature of the publisher of a repository (OpenSSF Model Signing), which covers the files that are imported.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use super::error::ImportError;
use super::into_store::ImportOptions;
use crate::digest::{Digest, VerifyingReader};
use crate::limits;
use crate::oci::Descriptor;
use crate::ops::error::Error;
use crate::ops::trust::{FilesMismatch, FolderError, differs_in_folder};
use crate::ops::workers;
use crate::progress::Progress;
use crate::provenance::{Material, Role};
use crate::relative_path::RelativePath;
use crate::sys::read_regular;
use crate::trust::{
    FileDifference, ModelSignature, ModelSignatureError, SIGNATURE_FILE, SignedFile, Signer, UnsignedFiles, Verifier,
};
use crate::upstream::{Upstream, UpstreamFile};

/// The reason why files are not imported, although a signature of their publisher is required.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// No signature.
    #[error("it has no `{SIGNATURE_FILE}`, but a signature of the publisher is required")]
    NoSignature,
    /// A signature that is too large.
    #[error("its `{SIGNATURE_FILE}` has {size} bytes; at most {limit} are read", limit = limits::BUNDLE_BYTES)]
    TooLarge {
        /// The bytes.
        size: u64,
    },
    /// A signature that does not count.
    #[error("its `{SIGNATURE_FILE}` does not count")]
    Signature(#[source] ModelSignatureError),
    /// Files that are not those that were signed.
    #[error("its files are not those that {signer} signed")]
    OtherFiles {
        /// The signer.
        signer: Signer,
        /// The differences.
        source: FilesMismatch,
    },
    /// A folder that cannot be compared.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// A list of files by the publisher of a repository.
pub(super) struct Published {
    signature: ModelSignature,
    /// The digest of the file with the signature.
    digest: Digest,
}

impl Published {
    /// Reads the signature in a repository, and compares the names and the known digests of the files that are
    /// `wanted` with it. Returns `None` if no signature is required.
    pub(super) fn of(
        upstream: &dyn Upstream,
        wanted: &[&UpstreamFile],
        options: &ImportOptions,
    ) -> Result<Option<Self>, ImportError> {
        if options.publishers.is_empty() {
            return Ok(None);
        }
        let file = upstream.files().iter().find(|file| file.path.as_str() == SIGNATURE_FILE);
        let bundle = read(upstream, file.ok_or(PublisherError::NoSignature)?)?;
        let published = Self::read(&bundle, &options.publishers)?;
        published.compare_names(upstream, wanted)?;
        Ok(Some(published))
    }

    /// Compares a local folder with the signature in it. Returns `None` if no signature is required.
    pub(super) fn of_folder(
        folder: &Path,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<Option<Self>, ImportError> {
        if options.publishers.is_empty() {
            return Ok(None);
        }
        let file = folder.join(SIGNATURE_FILE);
        if !file.exists() {
            return Err(PublisherError::NoSignature.into());
        }
        let published = Self::read(&read_regular(&file, limits::BUNDLE_BYTES)?, &options.publishers)?;
        let own: Vec<RelativePath> = SIGNATURE_FILE.parse().into_iter().collect();
        let comparing = (&own[..], UnsignedFiles::Refused);
        let statement = &published.signature.statement;
        let jobs = workers::jobs();
        let compared = crate::ops::trust::compare_linked_folder(folder, statement, comparing, jobs, progress);
        published.expect_none(compared.map_err(PublisherError::from)?.differences)?;
        Ok(Some(published))
    }

    fn read(bundle: &[u8], publishers: &[Verifier]) -> Result<Self, ImportError> {
        let signature = ModelSignature::read(bundle, publishers).map_err(PublisherError::Signature)?;
        Ok(Self { signature, digest: Digest::of(bundle) })
    }

    fn compare_names(&self, upstream: &dyn Upstream, wanted: &[&UpstreamFile]) -> Result<(), ImportError> {
        let there: BTreeSet<_> = upstream.files().iter().map(|file| &file.path).collect();
        let statement = &self.signature.statement;
        // The list of a repository does not contain the files of git.
        let missing = statement.files().map(|(path, _)| path);
        let missing = missing.filter(|path| !there.contains(path) && !statement.ignores(path));
        let mut differences: Vec<_> = missing.map(|path| (path.clone(), FileDifference::Missing)).collect();
        for file in wanted {
            let difference = match (self.signed(&file.path), file.digest) {
                (None, _) if file.path.as_str() == SIGNATURE_FILE => None,
                (None, _) => Some(FileDifference::Unsigned),
                (Some(signed), Some(digest)) => {
                    signed.sha256().filter(|signed| *signed != digest).map(|_| FileDifference::Differs)
                }
                (Some(_), None) => None,
            };
            differences.extend(difference.map(|difference| (file.path.clone(), difference)));
        }
        self.expect_none(differences)
    }

    /// Compares the content of files in `folder` with what was signed.
    pub(super) fn compare_content(&self, folder: &Path, files: &[&UpstreamFile]) -> Result<(), ImportError> {
        let signed = files.iter().filter_map(|file| Some((&file.path, self.signed(&file.path)?)));
        let signed: Vec<_> = signed.collect();
        let compare = |(path, signed): &(&RelativePath, &SignedFile)| differs_in_folder(folder, path, signed);
        let compared = workers::run(workers::jobs(), &signed, compare)?;
        let paths = signed.iter().map(|(path, _)| (*path).clone());
        self.expect_none(paths.zip(compared).filter_map(|(path, found)| Some((path, found?))).collect())
    }

    /// Returns an error if the file at `path` has another digest than the one that was signed.
    pub(super) fn compare_digest(&self, path: &RelativePath, digest: Digest) -> Result<(), ImportError> {
        let Some(signed) = self.signed(path) else { return Ok(()) };
        let hash = self.signature.statement.hash();
        let signed = signed.sha256().ok_or_else(|| self.other_files(FilesMismatch::Hash(hash)))?;
        let difference = (signed != digest).then(|| (path.clone(), FileDifference::Differs));
        self.expect_none(difference.into_iter().collect())
    }

    fn signed(&self, path: &RelativePath) -> Option<&SignedFile> {
        self.signature.statement.file(path)
    }

    fn expect_none(&self, mut differences: Vec<(RelativePath, FileDifference)>) -> Result<(), ImportError> {
        differences.sort();
        if differences.is_empty() {
            return Ok(());
        }
        Err(self.other_files(FilesMismatch::Differences(differences)))
    }

    fn other_files(&self, source: FilesMismatch) -> ImportError {
        PublisherError::OtherFiles { signer: self.signature.signer.clone(), source }.into()
    }

    /// The record of who signed the files.
    pub(super) fn material(&self) -> Material {
        let name = self.signature.signer.to_string();
        Material { role: Role::Publisher, name, uri: Some(SIGNATURE_FILE.to_owned()), digest: Some(self.digest) }
    }
}

/// Reads a file of a repository, verified if its digest is known.
fn read(upstream: &dyn Upstream, file: &UpstreamFile) -> Result<Vec<u8>, ImportError> {
    if file.size > limits::BUNDLE_BYTES {
        return Err(PublisherError::TooLarge { size: file.size }.into());
    }
    let Some(blob) = file.descriptor() else { return Ok(upstream.read(file)?) };
    read_blob(upstream, file, &blob)
}

fn read_blob(upstream: &dyn Upstream, file: &UpstreamFile, blob: &Descriptor) -> Result<Vec<u8>, ImportError> {
    let content = upstream.content(&file.path, blob);
    let failed = |error| Error::reading(&format!("`{}`", file.path), error);
    let opened = content.open_at(0).map_err(failed)?;
    let mut bytes = Vec::new();
    let read = VerifyingReader::new(opened, blob.digest, blob.size).read_to_end(&mut bytes);
    read.map_err(|error| failed(error.into()))?;
    Ok(bytes)
}
