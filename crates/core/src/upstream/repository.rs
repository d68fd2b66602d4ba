//! The repository that an import reads files from: on a hub, or in git.

use super::error::Error;
use crate::digest::Digest;
use crate::kitfile::Kitfile;
use crate::oci::{Annotations, Content, Descriptor, MediaType};
use crate::provenance::{Commit, SourceUrl};
use crate::relative_path::RelativePath;
use crate::upstream::hub::{RemoteFile, Snapshot};

/// A repository at one commit.
pub trait Upstream: Sync {
    /// The metadata of the repository.
    fn about(&self) -> &About;

    /// Its files, sorted by path, without git's own files.
    fn files(&self) -> &[UpstreamFile];

    /// The number of its files that are transferred at once.
    fn concurrency(&self) -> usize;

    /// Reads the whole of a file without a known digest, which is small.
    fn read(&self, file: &UpstreamFile) -> Result<Vec<u8>, Error>;

    /// The content of the file at `path`, which `descriptor` describes.
    fn content<'a>(&'a self, path: &RelativePath, descriptor: &Descriptor) -> Box<dyn Content + 'a>;
}

/// The metadata of a repository at a commit.
#[derive(Debug, Clone)]
pub struct About {
    /// The address without secrets.
    pub url: String,
    /// The commit in hexadecimal digits; of an artifact, the digest of its manifest.
    pub commit: String,
    /// The digest of the manifest, if this is an artifact in a registry, which has no commit.
    pub artifact: Option<Digest>,
    /// The name without the owner.
    pub name: String,
    /// The owner.
    pub owner: Option<String>,
    /// The identifier of its licence.
    pub license: Option<String>,
    /// The Kitfile in the repository, if it applies.
    pub kitfile: Option<Kitfile>,
}

impl About {
    /// The commit, as provenance records it.
    pub(crate) fn commit(&self) -> Commit {
        Commit {
            id: self.commit.clone(),
            // The revision may also have been a tag.
            branch: None,
            remote: SourceUrl::parse(&self.url),
            is_dirty: Some(false),
        }
    }
}

/// A file in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamFile {
    /// The path in the repository.
    pub path: RelativePath,
    /// The size in bytes.
    pub size: u64,
    /// The digest. A file without one is small, and has to be read to compute it.
    pub digest: Option<Digest>,
    /// Set if the file is executable.
    pub is_executable: bool,
}

/// The media type of a file whose place in a ModelKit does not matter yet, and the annotation with its path
/// (image-spec 1.1, "Pre-Defined Annotation Keys").
const FILE: MediaType = MediaType::of("application/octet-stream");
const TITLE: &str = "org.opencontainers.image.title";

impl UpstreamFile {
    /// Describes the file as a separate blob; `None` for a file without a known digest.
    pub(crate) fn descriptor(&self) -> Option<Descriptor> {
        let annotations = Annotations::from([(TITLE.to_owned(), self.path.to_string())]);
        Some(Descriptor { annotations, ..Descriptor::new(FILE, self.digest?, self.size) })
    }

    /// The file mode in a checkout.
    pub(crate) fn mode(&self) -> u32 {
        if self.is_executable { 0o755 } else { 0o644 }
    }
}

/// A repository of a hub.
pub struct HubUpstream {
    snapshot: Snapshot,
    about: About,
    files: Vec<UpstreamFile>,
}

impl From<Snapshot> for HubUpstream {
    /// Takes the metadata from `snapshot`. A Kitfile in the repository is ignored, as in KitOps.
    fn from(snapshot: Snapshot) -> Self {
        let about = About {
            url: snapshot.url(),
            commit: snapshot.commit.clone(),
            artifact: None,
            name: snapshot.address.short_name().to_owned(),
            owner: snapshot.address.owner().map(str::to_owned),
            license: snapshot.license.clone(),
            kitfile: None,
        };
        // The hub does not report which files are executable.
        let file = |RemoteFile { path, size, digest }| UpstreamFile { path, size, digest, is_executable: false };
        let files = snapshot.files.iter().cloned().map(file).collect();
        Self { snapshot, about, files }
    }
}

impl Upstream for HubUpstream {
    fn about(&self) -> &About {
        &self.about
    }

    fn files(&self) -> &[UpstreamFile] {
        &self.files
    }

    fn concurrency(&self) -> usize {
        self.snapshot.concurrency()
    }

    fn read(&self, file: &UpstreamFile) -> Result<Vec<u8>, Error> {
        let file = RemoteFile { path: file.path.clone(), size: file.size, digest: file.digest };
        Ok(self.snapshot.read(&file)?)
    }

    fn content<'a>(&'a self, path: &RelativePath, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        Box::new(self.snapshot.content(path, descriptor))
    }
}
