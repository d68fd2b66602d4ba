//! An archive to read from: an image layout in a tar or in a folder. Its content is untrusted.
//!
//! For a tar, only the positions of the blobs are kept in memory, some hundred bytes for each; contents are read in
//! place. Blobs of a tar or a folder are not verified here, but by the target that receives them.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fs_err as fs;

use super::compressed::decompressed;
use super::contents::IMAGE_NAME;
use super::error::BundleError;
use crate::archive::{LayerMember, LayerShape, Listing};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{
    Annotations, Companion, Content, ContentError, Descriptor, Index, MediaType, REF_NAME, RangedReader, Referrer,
    Source, Target, read_document,
};
use crate::ops::error::Error;
use crate::ops::files::LocalFile;
use crate::relative_path::RelativePath;
use crate::store::{Names, Store, Writer};

/// An archive that is open for reading.
pub struct Layout {
    files: Files,
    pub(super) index: Index,
    /// The referrers of the manifest with this digest.
    referrers: BTreeMap<Digest, Vec<Descriptor>>,
    /// The companions of the manifest with this digest.
    companions: BTreeMap<(Digest, Companion), Vec<Descriptor>>,
}

/// The location of the files of an archive.
enum Files {
    Folder(PathBuf),
    Tar {
        path: PathBuf,
        places: BTreeMap<String, Place>,
    },
    /// The blobs are in a store, which keeps them as long as the writer exists; the other documents are in memory.
    Received {
        writer: Box<Writer>,
        documents: BTreeMap<String, Vec<u8>>,
    },
}

/// The position of a file in a tar.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    size: u64,
}

impl Layout {
    /// Opens the archive `path` and reads its index.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let files = if fs::metadata(path)?.is_dir() { Files::Folder(path.to_owned()) } else { Files::of_tar(path)? };
        Self::of(files, path)
    }

    /// Reads a tar from a stream, which may be compressed with gzip or zstd. Its blobs are verified and stored in
    /// `store`, where no manifest refers to them yet.
    pub fn receive(stream: impl Read + Send, store: &Store) -> Result<Self, BundleError> {
        Self::of(Files::received(decompressed(stream)?, store)?, Path::new("-"))
    }

    fn of(files: Files, path: &Path) -> Result<Self, BundleError> {
        let invalid = |reason: String| BundleError::NotAnArchive { path: path.to_owned(), reason };
        let layout = files.read("oci-layout")?.ok_or_else(|| invalid("it has no file `oci-layout`".to_owned()))?;
        let layout: serde_json::Value = serde_json::from_slice(&layout).map_err(|error| invalid(error.to_string()))?;
        if layout["imageLayoutVersion"] != "1.0.0" {
            return Err(invalid("its version is not 1.0.0".to_owned()));
        }
        let index = files.read("index.json")?.ok_or_else(|| invalid("it has no file `index.json`".to_owned()))?;
        let index = serde_json::from_slice(&index).map_err(|error| invalid(format!("its index: {error}")))?;
        let mut layout = Self { files, index, referrers: BTreeMap::new(), companions: BTreeMap::new() };
        layout.find_attached()?;
        Ok(layout)
    }

    /// The entries of the index that are not companions, and have a name or are not referrers.
    pub(super) fn artifacts(&self) -> impl Iterator<Item = &Descriptor> {
        let attached: HashSet<_> = self.attached().map(|(_, referrer)| referrer.digest).collect();
        let has_name =
            |entry: &Descriptor| [IMAGE_NAME, REF_NAME].iter().any(|key| entry.annotations.contains_key(*key));
        let artifacts = self.index.manifests.iter().filter(|entry| companion(entry).is_none());
        artifacts.filter(move |entry| has_name(entry) || !attached.contains(&entry.digest))
    }

    /// The referrers, each with the digest of its subject.
    pub(super) fn attached(&self) -> impl Iterator<Item = (&Digest, &Descriptor)> {
        self.referrers.iter().flat_map(|(subject, referrers)| referrers.iter().map(move |referrer| (subject, referrer)))
    }

    /// Returns true if the archive has the blob with the right size.
    pub(super) fn holds(&self, blob: &Descriptor) -> Result<bool, BundleError> {
        Ok(self.files.size(&blob_name(&blob.digest))? == Some(blob.size))
    }

    fn find_attached(&mut self) -> Result<(), BundleError> {
        for entry in &self.index.manifests {
            if let Some(key) = companion(entry) {
                let entry = Descriptor { annotations: Annotations::new(), ..entry.clone() };
                let listed = self.companions.entry(key).or_default();
                if !listed.contains(&entry) {
                    listed.push(entry);
                }
                continue;
            }
            let failed = |error| Error::reading(&format!("the manifest `{}`", entry.digest), error);
            let bytes = self.manifest(entry).map_err(failed)?;
            if let Some(Referrer { subject, descriptor }) = Referrer::read(entry, &bytes) {
                self.referrers.entry(subject).or_default().push(descriptor);
            }
        }
        Ok(())
    }
}

impl Source for Layout {
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        let is_meant = |entry: &&Descriptor| entry.digest.to_string() == name;
        let entry =
            self.index.manifests.iter().find(is_meant).ok_or_else(|| ContentError::NotFound(name.to_owned()))?;
        Ok(Descriptor { annotations: Annotations::new(), ..entry.clone() })
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        read_document(&*self.blob(descriptor), descriptor)
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        Box::new(Blob { files: &self.files, digest: descriptor.digest })
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        Ok(self.referrers.get(&subject.digest).cloned().unwrap_or_default())
    }

    fn companions(&self, subject: &Digest, kind: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        let listed = self.companions.get(&(*subject, kind)).into_iter().flatten();
        listed.map(|companion| Ok((companion.clone(), self.manifest(companion)?))).collect()
    }
}

/// Returns the subject and the kind of the companion `entry`, by the tag in its name.
fn companion(entry: &Descriptor) -> Option<(Digest, Companion)> {
    let names = [REF_NAME, IMAGE_NAME].into_iter().filter_map(|key| entry.annotations.get(key));
    names.map(|name| name.rsplit_once(':').map_or(name.as_str(), |(_, tag)| tag)).find_map(Companion::of_tag)
}

impl Files {
    /// Lists the members of a tar without reading their contents. A member that is neither a file nor a folder, or
    /// whose name leads out of the archive, is refused.
    fn of_tar(path: &Path) -> Result<Self, BundleError> {
        let looking = |error| Error::Look(format!("`{}`", path.display()), error);
        let invalid = |reason: &str| BundleError::NotAnArchive { path: path.to_owned(), reason: reason.to_owned() };
        let whole = LocalFile(path.to_owned());
        let size = fs::metadata(path)?.len();
        let mut listing = Listing::hopping(RangedReader::new(&whole, size), anywhere());
        let mut places = BTreeMap::new();
        while let Some(member) = listing.next_member().map_err(looking)? {
            if member.is_directory {
                continue;
            }
            if places.len() == limits::ARCHIVE_MEMBERS {
                return Err(invalid(&format!("it has more than {} files", limits::ARCHIVE_MEMBERS)));
            }
            let place = Place { offset: member.offset, size: member.size };
            if places.insert(member.path.to_string(), place).is_some() {
                return Err(invalid(&format!("it has the file `{}` more than once", member.path)));
            }
        }
        Ok(Self::Tar { path: path.to_owned(), places })
    }

    /// Reads a stream from front to back. Files that do not belong to an image layout are skipped.
    fn received(stream: impl Read + Send, store: &Store) -> Result<Self, BundleError> {
        let looking = |error| Error::Look("the stream".to_owned(), error);
        // Names matter only when something is published, and nothing is published here.
        let writer = store.writer(Names::Tags)?;
        let mut documents = BTreeMap::new();
        let mut listing = Listing::reading(stream, anywhere());
        while let Some(LayerMember { path, size, .. }) = listing.next_member().map_err(looking)? {
            let failed = |error| Error::reading(&format!("`{path}` of the archive"), error);
            if let Some(digest) = path.as_str().strip_prefix(BLOBS).and_then(digest_of) {
                let blob = Descriptor::new(MediaType::of("application/octet-stream"), digest, size);
                writer.put(&blob, &Passing(Mutex::new(Some(&mut listing)))).map_err(failed)?;
            } else if matches!(path.as_str(), "oci-layout" | "index.json") && size <= limits::MANIFEST_BYTES {
                let mut bytes = Vec::new();
                listing.read_to_end(&mut bytes).map_err(|error| failed(error.into()))?;
                documents.insert(path.to_string(), bytes);
            }
        }
        Ok(Self::Received { writer: Box::new(writer), documents })
    }

    /// Reads a small file, or returns `None` if it does not exist.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BundleError> {
        let Some(size) = self.size(name)? else { return Ok(None) };
        let too_large = || format!("it has {size} bytes; the limit is {}", limits::MANIFEST_BYTES);
        let failed = |error| Error::reading(&format!("`{name}` of the archive"), error);
        if size > limits::MANIFEST_BYTES {
            return Err(failed(ContentError::Other(too_large().into())).into());
        }
        let mut bytes = Vec::new();
        let mut file = self.open_at(name, 0).map_err(failed)?.take(size);
        file.read_to_end(&mut bytes).map_err(|error| failed(error.into()))?;
        Ok(Some(bytes))
    }

    /// Returns the size of a file, or `None` if there is no such file. A link is not followed, and counts as no file.
    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        match self {
            Self::Tar { places, .. } => Ok(places.get(name).map(|place| place.size)),
            Self::Folder(path) => file_size(&path.join(name)),
            Self::Received { writer, documents } => match documents.get(name) {
                Some(document) => Ok(Some(document.len() as u64)),
                // The store has an index as well, which is not that of the archive.
                None if !name.starts_with(BLOBS) => Ok(None),
                None => file_size(&writer.root().join(name)),
            },
        }
    }

    fn open_at(&self, name: &str, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let size = self.size(name)?.ok_or_else(|| ContentError::NotFound(name.to_owned()))?;
        let (path, start) = match self {
            Self::Tar { path, places } => (path.clone(), places.get(name).map_or(0, |place| place.offset)),
            Self::Folder(path) => (path.join(name), 0),
            Self::Received { writer, documents } => match documents.get(name) {
                Some(document) => return document.open_at(offset),
                None => (writer.root().join(name), 0),
            },
        };
        let mut file = fs::File::open(path)?;
        file.seek(SeekFrom::Start(start.saturating_add(offset)))?;
        Ok(Box::new(file.take(size.saturating_sub(offset))))
    }
}

/// Returns the size of a regular file, or `None` for anything else, including a link.
fn file_size(path: &Path) -> io::Result<Option<u64>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the shape of an archive whose members may have any path.
fn anywhere() -> LayerShape {
    LayerShape { path: RelativePath::root(), base: RelativePath::root() }
}

fn digest_of(hex: &str) -> Option<Digest> {
    format!("sha256:{hex}").parse().ok()
}

/// The folder of the blobs.
const BLOBS: &str = "blobs/sha256/";

fn blob_name(digest: &Digest) -> String {
    format!("{BLOBS}{}", digest.hex())
}

struct Blob<'a> {
    files: &'a Files,
    digest: Digest,
}

impl Content for Blob<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.files.open_at(&blob_name(&self.digest), offset)
    }
}

/// A content that can be read only once, because it comes from a stream.
struct Passing<'a>(Mutex<Option<&'a mut (dyn Read + Send)>>);

impl Content for Passing<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let passed = || ContentError::Other("it comes from a stream, and cannot be read again".into());
        let taken = self.0.lock().map_err(|_| passed())?.take();
        let reader = taken.ok_or_else(passed)?;
        io::copy(&mut Read::take(&mut *reader, offset), &mut io::sink())?;
        Ok(Box::new(reader))
    }
}
