//! Where an import gets files from: a hub, or git.

use super::error::Error;
use crate::digest::Digest;
use crate::kitfile::Kitfile;
use crate::oci::{Annotations, Content, Descriptor, MediaType};
use crate::provenance::{Commit, SourceUrl};
use crate::relative_path::RelativePath;
use crate::upstream::hub::{RemoteFile, Snapshot};

/// A repository at one commit.
pub trait Upstream: Sync {
    /// What is known of all of it.
    fn about(&self) -> &About;

    /// Its files, in the order of their paths; none of them is git's own.
    fn files(&self) -> &[UpstreamFile];

    /// How many of its files travel at once.
    fn concurrency(&self) -> usize;

    /// All of a file without a known digest: it is small.
    fn read(&self, file: &UpstreamFile) -> Result<Vec<u8>, Error>;

    /// The content of the file at `path`, which `descriptor` describes.
    fn content<'a>(&'a self, path: &RelativePath, descriptor: &Descriptor) -> Box<dyn Content + 'a>;
}

/// What is known of a repository at a commit.
#[derive(Debug, Clone)]
pub struct About {
    /// Where it is, without secrets.
    pub url: String,
    /// The commit in hexadecimal digits.
    pub commit: String,
    /// What it is called, without its owner.
    pub name: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// The identifier of its licence.
    pub license: Option<String>,
    /// The one in it, if that counts.
    pub kitfile: Option<Kitfile>,
}

impl About {
    /// The commit, as it is recorded.
    pub(crate) fn commit(&self) -> Commit {
        Commit {
            id: self.commit.clone(),
            // It may as well have been a tag that led here.
            branch: None,
            remote: SourceUrl::parse(&self.url),
            is_dirty: Some(false),
        }
    }
}

/// A file in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamFile {
    /// Where it is.
    pub path: RelativePath,
    /// In bytes.
    pub size: u64,
    /// What it is; a file without is small, and only its bytes tell.
    pub digest: Option<Digest>,
    /// Whether it is a program.
    pub is_executable: bool,
}

/// A file whose place in a ModelKit does not matter yet, and the annotation with its path (image-spec 1.1, "Pre-Defined Annotation Keys").
const FILE: MediaType = MediaType::of("application/octet-stream");
const TITLE: &str = "org.opencontainers.image.title";

impl UpstreamFile {
    /// Describes the file as a blob of its own; none for a file without a known digest.
    pub(crate) fn descriptor(&self) -> Option<Descriptor> {
        let annotations = Annotations::from([(TITLE.to_owned(), self.path.to_string())]);
        Some(Descriptor { annotations, ..Descriptor::new(FILE, self.digest?, self.size) })
    }

    /// The mode that it has in a checkout.
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
    /// As for the Go tool, a Kitfile in it does not count.
    fn from(snapshot: Snapshot) -> Self {
        let about = About {
            url: snapshot.url(),
            commit: snapshot.commit.clone(),
            name: snapshot.address.short_name().to_owned(),
            owner: snapshot.address.owner().map(str::to_owned),
            license: snapshot.license.clone(),
            kitfile: None,
        };
        // The hub does not tell which are programs.
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
