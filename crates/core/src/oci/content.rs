//! The interface of a place that holds content: `store` and `registry` implement it, and `ops` copies between any two
//! of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use bytes::Bytes;

use super::companion::Companion;
use super::descriptor::Descriptor;
use crate::digest::{Digest, Hasher, Mismatch, VerifyingReader};
use crate::limits;

/// Bytes that can be opened at any offset, which allows both retry (open again) and resume (open at the end of a
/// partial file).
pub trait Content: Send + Sync {
    /// Opens the bytes from `offset` on. The bytes are not verified.
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError>;

    /// Opens `length` bytes from `offset` on, and transfers only these if the place supports ranges. The bytes are not
    /// verified.
    fn open_range(&self, offset: u64, length: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        Ok(Box::new(self.open_at(offset)?.take(length)))
    }

    /// Returns true if reading a range transfers only its bytes. A remote place is asked at each call.
    fn knows_ranges(&self) -> Result<bool, ContentError> {
        Ok(true)
    }

    /// Reports that the received bytes did not match the descriptor. Returns true if another place provides the content
    /// from now on.
    fn report_mismatch(&self) -> bool {
        false
    }

    /// Reports that another process stores the same content, and how many bytes of it it has written so far.
    fn note_elsewhere(&self, _written_bytes: u64) {}

    /// Begins an inspection of the bytes, if they must pass one. The bytes are stored only if it accepts them.
    fn inspection(&self) -> Result<Option<Box<dyn Inspection + '_>>, ContentError> {
        Ok(None)
    }

    /// Returns a finder for parts of the content that are stored as separate files, if there are any.
    fn parts(&self) -> Result<Option<PartFinder>, ContentError> {
        Ok(None)
    }
}

/// Receives all bytes of a content in order, and may refuse them at the end, although they match their digest.
pub trait Inspection {
    /// Returns the hasher for the digest of all bytes. It may compute digests of parts for the inspection.
    fn hasher(&mut self) -> Hasher;

    /// Receives the next bytes.
    fn take(&mut self, bytes: &Bytes);

    /// Returns an error if the bytes are refused.
    fn finish(self: Box<Self>) -> Result<(), ContentError>;
}

/// A place with layers that can be read at the cost of a local file, and with a record of the tables of contents that
/// were compared with them.
pub trait CheckedTables {
    /// Returns true if all bytes of `layer` were compared with `table`, and match.
    fn is_checked(&self, layer: &Digest, table: &Digest) -> bool;

    /// Records that all bytes of `layer` were compared with `table`, and match.
    fn note_checked(&self, layer: &Digest, table: &Digest) -> io::Result<()>;

    /// Returns the bytes of `layer`.
    fn layer<'a>(&'a self, layer: &Descriptor) -> Box<dyn Content + 'a>;
}

/// Finds the file that consists of exactly the given number of bytes from an offset on, and that no process writes to.
/// Calls must have increasing offsets.
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

/// Reads and verifies a small blob, such as a manifest or a config. A blob larger than [`limits::MANIFEST_BYTES`] is
/// not opened.
pub fn read_document(content: &dyn Content, document: &Descriptor) -> Result<Vec<u8>, ContentError> {
    check_document_size(document)?;
    // One byte more than expected, so that reading finds the end without growing the vector.
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

/// Fails if a manifest or a config is too large to be read. To be called before one is written as well.
pub fn check_document_size(document: &Descriptor) -> Result<(), ContentError> {
    if document.size <= limits::MANIFEST_BYTES {
        return Ok(());
    }
    let (digest, size, limit) = (document.digest, document.size, limits::MANIFEST_BYTES);
    let reason = format!("{digest} has {size} bytes, but a manifest or config has at most {limit}");
    Err(ContentError::Other(reason.into()))
}

/// A place that content is read from.
pub trait Source: Send + Sync {
    /// Finds the manifest with the given `name`: a tag or a digest.
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError>;

    /// Returns true if this is a store on this machine, whose referrers may not be published yet.
    fn is_store(&self) -> bool {
        false
    }

    /// Finds the manifest with the given `name` and reads it, in one request if the place is remote. Its size is at
    /// most [`limits::MANIFEST_BYTES`].
    fn read(&self, name: &str) -> Result<(Descriptor, Vec<u8>), ContentError> {
        let descriptor = self.resolve(name)?;
        let bytes = self.manifest(&descriptor)?;
        Ok((descriptor, bytes))
    }

    /// Returns the verified bytes of a manifest, at most [`limits::MANIFEST_BYTES`].
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError>;

    /// Returns the blob of `descriptor`. Only opening it shows if it exists.
    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a>;

    /// Returns the descriptors of the referrers of the manifest `subject`, with artifact type and annotations, as the
    /// place lists them and without verification. At most one more than [`limits::REFERRERS`]: a caller that finds that
    /// many leaves the last one out, and reports it.
    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError>;

    /// Returns the companion of this kind that the place has beside the manifest `subject`, with its bytes. An archive
    /// of several repositories may have more than one.
    fn companions(&self, subject: &Digest, kind: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        match self.read(&kind.tag(subject)) {
            Ok(companion) => Ok(vec![companion]),
            Err(ContentError::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Requests the referrers of `subject` for another thread, whose call of [`referrers`](Self::referrers) waits for
    /// this answer instead of requesting them again.
    fn list_ahead(&self, _subject: &Descriptor) {}

    /// Reads a small blob for another thread, which waits for it instead of reading it again.
    fn read_ahead(&self, _document: &Descriptor) {}

    /// Announces that requests will be made on up to `connections` further connections at the same time, so that a
    /// remote place can open them.
    fn open_ahead(&self, _connections: usize) {}

    /// Returns the record of checked tables; `None` if reading a whole layer is expensive, or if the place is not the
    /// user's own, so that its records prove nothing.
    fn checked_tables(&self) -> Option<&dyn CheckedTables> {
        None
    }
}

/// A place that content is written to.
pub trait Target: Send + Sync {
    /// Returns true if the place has the complete blob.
    fn contains(&self, descriptor: &Descriptor) -> Result<bool, ContentError>;

    /// Checks if the place accepts such a blob, as far as that is known in advance.
    fn check(&self, _descriptor: &Descriptor) -> Result<(), ContentError> {
        Ok(())
    }

    /// Returns the disk space for those of `blobs` that the place does not have, or `None` if its free space cannot be
    /// determined.
    fn need(&self, _blobs: &[Descriptor]) -> Result<Option<Need>, ContentError> {
        Ok(None)
    }

    /// Returns the first of `candidates`, repositories at the same place, that can provide the blob without a transfer
    /// of its bytes.
    fn origin_among(&self, _descriptor: &Descriptor, _candidates: &[String]) -> Result<Option<String>, ContentError> {
        Ok(None)
    }

    /// Stores a blob and verifies it at the same time. Resumes an earlier attempt if the place supports that.
    fn put(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<(), ContentError>;

    /// Returns true if another process is writing the blob at the moment, so that others should be stored first.
    fn is_written_elsewhere(&self, _descriptor: &Descriptor) -> Result<bool, ContentError> {
        Ok(false)
    }

    /// Waits as long as another process writes the blob; calls `look` again and again with the number of bytes that
    /// this process has written. The blob may be missing afterwards.
    fn wait_for_writer(&self, _descriptor: &Descriptor, _look: &dyn Fn(u64)) -> Result<(), ContentError> {
        Ok(())
    }

    /// Stores a blob like [`put`](Self::put) and returns how it was stored; takes it from the repository `origin` at
    /// the same place if that is possible.
    fn put_from(
        &self,
        descriptor: &Descriptor,
        _origin: Option<&str>,
        content: &dyn Content,
    ) -> Result<BlobOutcome, ContentError> {
        self.put(descriptor, content).map(|()| BlobOutcome::Sent { resumed_bytes: 0 })
    }

    /// Returns the record of checked tables, as [`Source::checked_tables`].
    fn checked_tables(&self) -> Option<&dyn CheckedTables> {
        None
    }

    /// Returns the referrers of `subject` that the place has, as listed by [`Source::referrers`].
    fn attached(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError>;

    /// Returns the companion of this kind that the place has beside the manifest `subject`, with its bytes.
    fn companion(&self, subject: &Digest, kind: Companion) -> Result<Option<(Descriptor, Vec<u8>)>, ContentError>;

    /// Stores a companion whose blobs are stored in place of the one with the digest `old`. Returns false if the place
    /// has another one now. A registry cannot compare: its companion has to be read again afterwards.
    fn replace_companion(
        &self,
        (descriptor, manifest): (&Descriptor, &[u8]),
        (subject, kind): (&Digest, Companion),
        _old: Option<Digest>,
    ) -> Result<bool, ContentError> {
        self.publish(descriptor, manifest, Some(&kind.tag(subject))).map(|()| true)
    }

    /// Returns true if each call takes a round trip, so that independent calls should be made at the same time.
    fn is_remote(&self) -> bool {
        false
    }

    /// Announces that requests will be made on up to `connections` further connections at the same time, so that a
    /// remote place can open them.
    fn open_ahead(&self, _connections: usize) {}

    /// Returns true if the place has the manifest, and therefore everything that it refers to: a place accepts a
    /// manifest only when it has its blobs. A place where asking saves nothing returns false.
    fn has_manifest(&self, _descriptor: &Descriptor) -> Result<bool, ContentError> {
        Ok(false)
    }

    /// Returns true if [`put_from`](Self::put_from) is the cheapest way to find out if the place has the blob.
    fn finds_on_put(&self, _descriptor: &Descriptor) -> bool {
        false
    }

    /// Stores a manifest whose blobs are stored, for an index that refers to it and is published next.
    fn put_manifest(&self, descriptor: &Descriptor, manifest: &[u8]) -> Result<(), ContentError> {
        self.publish(descriptor, manifest, None)
    }

    /// Stores a manifest whose blobs are stored, with the name `tag` if one is given: the complete artifact becomes
    /// visible at once. A manifest with a subject is listed as its referrer from now on, even if the subject is not
    /// stored yet.
    fn publish(&self, descriptor: &Descriptor, manifest: &[u8], tag: Option<&str>) -> Result<(), ContentError>;

    /// Stores referrers of `subject` whose blobs are stored, and lists all of them at once. Returns the result for
    /// each, or an error if none was listed.
    fn publish_referrers(
        &self,
        _subject: &Subject<'_>,
        referrers: &[(Descriptor, Vec<u8>)],
    ) -> Result<Vec<Result<(), ContentError>>, ContentError> {
        Ok(referrers.iter().map(|(descriptor, manifest)| self.publish(descriptor, manifest, None)).collect())
    }

    /// Stores the missing documents with [`put`](Self::put) and the manifests with [`publish`](Self::publish), one
    /// after the other. If the place supports that, all manifests become visible at once.
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

/// The subject of referrers at a place.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The manifest.
    pub descriptor: &'a Descriptor,
    /// True if the place did not have the manifest when the command began: no other writer adds referrers to it yet.
    pub is_new: bool,
}

/// A manifest to publish at a place.
pub struct Publication<'a> {
    /// The descriptor of the manifest.
    pub descriptor: &'a Descriptor,
    /// The bytes of the manifest.
    pub manifest: &'a [u8],
    /// The tag, if it gets one.
    pub tag: Option<&'a str>,
    /// Small blobs of the manifest that may not be stored yet.
    pub documents: Vec<(&'a Descriptor, &'a dyn Content)>,
}

/// Required disk space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The folder that the bytes are written to, which may not exist yet.
    pub folder: PathBuf,
    /// The number of bytes.
    pub bytes: u64,
}

/// The way in which a blob was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobOutcome {
    /// Its bytes were transferred, except for those that an earlier process had sent.
    Sent {
        /// The number of bytes that an earlier process had sent.
        resumed_bytes: u64,
    },
    /// The blob was mounted from another repository at the same place.
    Mounted,
    /// The place had the blob.
    Present,
}

/// The reason why a place did not provide or accept content. The variants are the cases that callers distinguish.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// There is no such manifest or blob.
    #[error("`{0}` was not found")]
    NotFound(String),
    /// The place requires credentials, or does not accept the ones it got.
    #[error(transparent)]
    Unauthorized(Box<dyn std::error::Error + Send + Sync>),
    /// The place accepts the credentials but denies access.
    #[error(transparent)]
    Denied(Box<dyn std::error::Error + Send + Sync>),
    /// The bytes do not match their descriptor.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(io::Error),
    /// Any other error.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl From<io::Error> for ContentError {
    /// Unwraps a [`Mismatch`] or a `ContentError` inside an [`io::Error`].
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
