//! The contract of a place that holds content: `store` and `registry` fulfil it, `ops` copies between any two.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use super::descriptor::Descriptor;
use crate::digest::{Mismatch, VerifyingReader};

/// Manifests and configs are read into memory up to this many bytes (distribution-spec 1.1, "Pushing Manifests": 4 MiB).
pub const MANIFEST_SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// So many referrers of one manifest are listed: nobody has more to say, and a list without an end must not keep anybody.
pub const REFERRERS_LIMIT: usize = 256;

/// Bytes that can be opened at any offset: one method gives retry (open again) and resume (open where a partial file ends).
pub trait Content: Send + Sync {
    /// Opens the bytes from `offset` on. What comes is not verified.
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError>;

    /// Opens `length` bytes from `offset` on, and lets no others travel where the place can do that. What comes is not verified.
    fn open_range(&self, offset: u64, length: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        Ok(Box::new(self.open_at(offset)?.take(length)))
    }

    /// Whether a range costs no more than its bytes. A place that has to be asked is asked every time.
    fn knows_ranges(&self) -> Result<bool, ContentError> {
        Ok(true)
    }

    /// Hears that what came was not what the descriptor says. Tells whether it now comes from somewhere else.
    fn report_mismatch(&self) -> bool {
        false
    }

    /// What finds parts of the content as files of their own, if there are any.
    fn parts(&self) -> Result<Option<PartFinder>, ContentError> {
        Ok(None)
    }
}

/// Finds the file that holds so many bytes from an offset on, and nothing else, and that nobody writes to. To be asked from front
/// to back.
pub type PartFinder = Box<dyn FnMut(u64, u64) -> io::Result<Option<File>> + Send>;

impl Content for &[u8] {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let start = usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        Ok(Box::new(&self[start..]))
    }
}

impl Content for Vec<u8> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let start = usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        Ok(Box::new(&self[start..]))
    }
}

/// The verified bytes of a small blob, a manifest or a config. One above [`MANIFEST_SIZE_LIMIT`] is not opened.
pub fn read_document(content: &dyn Content, document: &Descriptor) -> Result<Vec<u8>, ContentError> {
    if document.size > MANIFEST_SIZE_LIMIT {
        let reason = format!(
            "{} is {} bytes long; documents have at most {MANIFEST_SIZE_LIMIT}",
            document.digest, document.size
        );
        return Err(ContentError::Other(reason.into()));
    }
    // A byte more than comes, so that the end is found without the vector growing.
    let capacity = usize::try_from(document.size).unwrap_or_default() + 1;
    loop {
        let mut bytes = Vec::with_capacity(capacity);
        let read = VerifyingReader::new(content.open_at(0)?, document.digest, document.size).read_to_end(&mut bytes);
        match read.map_err(ContentError::from) {
            Ok(_) => return Ok(bytes),
            Err(ContentError::Mismatch(_)) if content.report_mismatch() => {}
            Err(error) => return Err(error),
        }
    }
}

/// A place that content comes from.
pub trait Source: Send + Sync {
    /// Finds the manifest called `name`: a tag or a digest.
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError>;

    /// The verified bytes of a manifest, at most [`MANIFEST_SIZE_LIMIT`].
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError>;

    /// The blob that `descriptor` names. Opening it tells whether it is there.
    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a>;

    /// What says of itself that it is about the manifest `subject`, with its artifact type and annotations, as the place
    /// lists it: nothing of it is verified. At most [`REFERRERS_LIMIT`].
    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError>;
}

/// A place that content goes to.
pub trait Target: Send + Sync {
    /// Whether the whole blob is there already.
    fn contains(&self, descriptor: &Descriptor) -> Result<bool, ContentError>;

    /// Whether the place takes such a blob at all, as far as that is known beforehand.
    fn check(&self, _descriptor: &Descriptor) -> Result<(), ContentError> {
        Ok(())
    }

    /// The space that `blobs` need, as far as they are not there yet. None for a place whose space is not ours to know.
    fn need(&self, _blobs: &[Descriptor]) -> Result<Option<Need>, ContentError> {
        Ok(None)
    }

    /// The first of `candidates`, repositories beside this one, that can give the blob without its bytes moving.
    fn origin_among(&self, _descriptor: &Descriptor, _candidates: &[String]) -> Result<Option<String>, ContentError> {
        Ok(None)
    }

    /// Stores a blob and verifies it on the way. Goes on where an earlier attempt stopped, if the place can.
    fn put(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<(), ContentError>;

    /// Like [`put`](Self::put), and tells how the blob came; takes it from the repository `origin` beside this one, if it can.
    fn put_from(
        &self,
        descriptor: &Descriptor,
        _origin: Option<&str>,
        content: &dyn Content,
    ) -> Result<BlobOutcome, ContentError> {
        self.put(descriptor, content).map(|()| BlobOutcome::Sent { resumed_bytes: 0 })
    }

    /// The referrers of `subject` that are here already, as [`Source::referrers`] lists them.
    fn attached(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError>;

    /// Stores a manifest whose blobs are all there, for an index that leads to it and is published next.
    fn put_manifest(&self, descriptor: &Descriptor, manifest: &[u8]) -> Result<(), ContentError> {
        self.publish(descriptor, manifest, None)
    }

    /// Stores a manifest whose blobs are all there, and calls it `tag` if one is given: the artifact appears here and whole.
    /// One that is about another manifest is found by that from now on, be that here yet or not.
    fn publish(&self, descriptor: &Descriptor, manifest: &[u8], tag: Option<&str>) -> Result<(), ContentError>;

    /// [`put`](Self::put)s documents that are not there, and [`publish`](Self::publish)es, one after the other; where the place can
    /// do that, all manifests appear at once.
    fn publish_all(&self, publications: &[Publication<'_>]) -> Result<(), ContentError> {
        for Publication { descriptor, manifest, tag, documents } in publications {
            for (document, content) in documents {
                if !self.contains(document)? {
                    self.put(document, *content)?;
                }
            }
            self.publish(descriptor, manifest, *tag)?;
        }
        Ok(())
    }
}

/// A manifest that is to appear at a place.
pub struct Publication<'a> {
    /// What it is.
    pub descriptor: &'a Descriptor,
    /// Its bytes.
    pub manifest: &'a [u8],
    /// What to call it.
    pub tag: Option<&'a str>,
    /// Those of its blobs that may not be there yet, small ones.
    pub documents: Vec<(&'a Descriptor, &'a dyn Content)>,
}

/// Space for bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The folder that they go to, which need not exist yet.
    pub folder: PathBuf,
    /// How many they are.
    pub bytes: u64,
}

/// How a blob came to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobOutcome {
    /// Its bytes travelled, but for those that an earlier process had sent.
    Sent {
        /// How many those were.
        resumed_bytes: u64,
    },
    /// The place had it in another repository.
    Mounted,
}

/// Why a place did not give or take content. The variants are those that a caller tells apart.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// There is no such manifest or blob.
    #[error("`{0}` was not found")]
    NotFound(String),
    /// The place wants credentials, or others than it got.
    #[error(transparent)]
    Unauthorized(Box<dyn std::error::Error + Send + Sync>),
    /// The place knows the user and refuses.
    #[error(transparent)]
    Denied(Box<dyn std::error::Error + Send + Sync>),
    /// The bytes are not what their descriptor says.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(io::Error),
    /// Anything else.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl From<io::Error> for ContentError {
    /// Keeps a [`Mismatch`] or a `ContentError` that travelled inside an [`io::Error`].
    fn from(error: io::Error) -> Self {
        if let Some(mismatch) = Mismatch::in_io(&error) {
            return Self::Mismatch(mismatch.clone());
        }
        match error.downcast::<Self>() {
            Ok(inner) => inner,
            Err(error) => Self::Io(error),
        }
    }
}

impl From<ContentError> for io::Error {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Io(error) => error,
            error => Self::other(error),
        }
    }
}
