//! Remote datasets: files on the web and in object stores, and the datasets of other ModelKits.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::error::Error;
use super::remote_data_error::RemoteDataError;
use super::session::{Located, Lookup, Session};
use super::workers;
use crate::digest::{Digest, VerifyingReader};
use crate::kitfile::{Dataset, Kitfile};
use crate::limits;
use crate::modelkit::{Filter, InvalidModelKit, Layer, Lock, LockedRemote, ModelKit, Part, Selection};
use crate::oci::{Content, ContentError, Reference};
use crate::ops::artifact::inspect;
use crate::ops::files::{buffer, digest};
use crate::progress::{Event, Phase, Progress, Silent};
use crate::provenance::without_secrets;
use crate::relative_path::RelativePath;

/// The treatment of remote datasets when a ModelKit is unpacked.
#[derive(Debug, Clone)]
pub enum RemoteData {
    /// They are not fetched.
    Left,
    /// They are fetched, and must match the lock file if there is one.
    Fetched(Option<Lock>),
}

/// The remote datasets to fetch.
#[derive(Default)]
pub(super) struct Remotes {
    pub(super) kits: Vec<RemoteKit>,
    pub(super) files: Vec<RemoteFile>,
}

/// A referenced ModelKit, the datasets of which together are one dataset of the referring ModelKit.
pub(super) struct RemoteKit {
    pub(super) reference: Reference,
    pub(super) found: Located,
    /// Its dataset layers, moved below the path of the dataset that refers to it.
    pub(super) layers: Vec<Layer>,
}

/// A remote dataset that is a single file.
pub(super) struct RemoteFile {
    pub(super) path: RelativePath,
    /// The address without parts that may be secret.
    pub(super) address: String,
    pub(super) size: u64,
    /// The digest from the Kitfile or the lock file. Without one, the file is verified only by the `ETag` that the
    /// Kitfile gives and the server confirms.
    pub(super) digest: Option<Digest>,
    content: Box<dyn Content>,
}

/// The address of a remote dataset, without parts that may be secret, and without a digest.
pub(super) fn address(dataset: &Dataset) -> String {
    match dataset.reference() {
        Some(reference) => reference.without_digest().to_string(),
        None => without_secrets(&dataset.remote_path),
    }
}

/// The entry for `dataset` in the lock file.
pub(super) fn locked<'l>(remotes: &'l [LockedRemote], dataset: &Dataset) -> Option<&'l LockedRemote> {
    let (path, address) = (dataset.path.parse().ok()?, address(dataset));
    remotes.iter().find(|remote| remote.path == path && remote.address == address)
}

/// Returns the digests of the remote datasets of `kitfile`: those in the Kitfile, without a request, or else the
/// current ones with their sizes.
///
/// A file without a digest in the Kitfile is read completely to compute it.
pub(super) fn lock_remotes(session: &Session<'_>, kitfile: &Kitfile, jobs: usize) -> Result<Vec<LockedRemote>, Error> {
    let datasets: Vec<_> = kitfile.remote_datasets().collect();
    workers::run(jobs, &datasets, |dataset| {
        let (path, address, reference) = (clean_path(dataset)?, address(dataset), dataset.reference());
        let given = reference.as_ref().map_or_else(|| dataset.remote_digest(), |reference| reference.digest);
        if let Some(digest) = given {
            return Ok(LockedRemote { path, address, digest, size: None });
        }
        if let Some(reference) = reference {
            let (_, kit) = open_kit(session, &reference)?;
            let (digest, size) = (kit.descriptor.digest, Some(kit.descriptor.size));
            return Ok(LockedRemote { path, address, digest, size });
        }
        let file = RemoteFile::open(session, dataset, path, None)?;
        let digest = file.read_through(session.progress)?;
        Ok(LockedRemote { path: file.path, address, digest, size: Some(file.size) })
    })
}

/// Checks that the objects in S3 that `kitfile` refers to by their `ETag` are the current ones, as KitOps does.
pub(super) fn verify_objects(session: &Session<'_>, kitfile: &Kitfile, jobs: usize) -> Result<(), Error> {
    let is_object = |dataset: &&Dataset| dataset.remote_path.starts_with("s3://") && !dataset.remote_hash.is_empty();
    let by_tag = kitfile.remote_datasets().filter(is_object).filter(|dataset| dataset.remote_digest().is_none());
    workers::run(jobs, &by_tag.collect::<Vec<_>>(), |dataset| {
        let head = session.client.web_file(&dataset.remote_path).and_then(|file| file.look());
        let head = head.map_err(|error| unreadable(&address(dataset), error.into()))?;
        let (tag, hash) = (head.tag.ok_or(RemoteDataError::NoETag)?, dataset.remote_hash.trim_matches('"').to_owned());
        if tag != hash {
            return Err(Error::from(RemoteDataError::OtherObject { tag, hash }));
        }
        session.progress.report(&Event::ObjectVerified { path: &dataset.path });
        Ok(())
    })
    .map(drop)
}

/// Opens the selected remote datasets of `modelkit` and checks their metadata. Does not fetch their content yet.
pub(super) fn wanted_remotes(
    session: &Session<'_>,
    modelkit: &ModelKit,
    name: &str,
    selection: &Selection,
    data: &RemoteData,
) -> Result<Remotes, Error> {
    let RemoteData::Fetched(lock) = data else { return Ok(Remotes::default()) };
    let remotes = lock.as_ref().map_or(&[][..], |lock| &lock.remotes);
    let mut gathering = Gathering { session, visited: vec![name.to_owned()], remotes: Remotes::default() };
    gathering.datasets_of(modelkit, selection, remotes, &RelativePath::root())?;
    Ok(gathering.remotes)
}

struct Gathering<'a> {
    session: &'a Session<'a>,
    /// The chain of references from the first ModelKit to the current one.
    visited: Vec<String>,
    remotes: Remotes,
}

impl Gathering<'_> {
    fn datasets_of(
        &mut self,
        modelkit: &ModelKit,
        selection: &Selection,
        remotes: &[LockedRemote],
        base: &RelativePath,
    ) -> Result<(), Error> {
        for dataset in modelkit.config.kitfile.remote_datasets() {
            let path = clean_path(dataset)?;
            if !selection.takes_dataset(dataset, &path) {
                continue;
            }
            let locked = locked(remotes, dataset);
            let place = below(base, &path);
            match dataset.reference() {
                Some(reference) => self.kit(&reference, locked, &place)?,
                None => self.file(dataset, locked, place)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, dataset: &Dataset, locked: Option<&LockedRemote>, path: RelativePath) -> Result<(), Error> {
        if path.is_root() {
            return Err(Error::NotAName(PathBuf::from(path.as_str())));
        }
        let file = RemoteFile::open(self.session, dataset, path, locked)?;
        if file.digest.is_none() && dataset.remote_hash.is_empty() {
            return Err(RemoteDataError::Unproven(file.address).into());
        }
        self.remotes.files.push(file);
        Ok(())
    }

    /// Adds the datasets of a ModelKit, and those of the ModelKits that its datasets refer to.
    fn kit(&mut self, given: &Reference, locked: Option<&LockedRemote>, base: &RelativePath) -> Result<(), Error> {
        let name = given.to_string();
        let is_known = self.visited.contains(&name);
        self.visited.push(name);
        if is_known {
            return Err(Error::ReferenceCycle(self.visited.clone()));
        }
        let too_many = |limit| Error::TooManyReferences { limit, chain: self.visited.clone() };
        if self.visited.len() > limits::PARENTS + 1 {
            return Err(too_many(limits::PARENTS));
        }
        if self.remotes.kits.len() == limits::REMOTE_DATA_KITS {
            return Err(too_many(limits::REMOTE_DATA_KITS));
        }
        if let (Some(locked), Some(pinned)) = (locked, given.digest) {
            same(&locked.address, "digest", &locked.digest, &pinned)?;
        }
        let reference = locked.map_or_else(|| given.clone(), |locked| given.with_digest(locked.digest));
        let (found, kit) = open_kit(self.session, &reference)?;
        let datasets = Selection::new(vec![Filter::of(vec![Part::Datasets])]);
        let layers = kit.modelkit.layers.iter().filter(|layer| datasets.takes(layer));
        let layers = layers.map(|layer| moved(layer, base)).collect();
        self.remotes.kits.push(RemoteKit { reference: given.clone(), found, layers });
        self.datasets_of(&kit.modelkit, &datasets, &[], base)?;
        self.visited.pop();
        Ok(())
    }
}

impl RemoteFile {
    /// Requests the metadata of the file of `dataset`, and checks it against the Kitfile and the lock file as far as
    /// the server reports it.
    fn open(
        session: &Session<'_>,
        dataset: &Dataset,
        path: RelativePath,
        locked: Option<&LockedRemote>,
    ) -> Result<Self, Error> {
        let address = address(dataset);
        let declared = dataset.remote_digest();
        if let (Some(locked), Some(declared)) = (locked, declared) {
            same(&address, "digest", &locked.digest, &declared)?;
        }
        let file = session.client.web_file(&dataset.remote_path)?;
        let head = file.look().map_err(|error| unreadable(&address, error.into()))?;
        if declared.is_none() && !dataset.remote_hash.is_empty() {
            let found = head.tag.as_deref().unwrap_or("none");
            same(&address, "ETag", &dataset.remote_hash.trim_matches('"'), &found)?;
        }
        if let Some(size) = locked.and_then(|locked| locked.size) {
            same(&address, "size", &size, &head.size)?;
        }
        let digest = declared.or(locked.map(|locked| locked.digest));
        let content = Box::new(file.content(&head, digest));
        Ok(Self { path, address, size: head.size, digest, content })
    }

    /// Opens the bytes of the file, verified if a digest is known. If the right file already exists at its path in
    /// `folder`, it is read from there instead of fetched.
    pub(super) fn reader(&self, folder: &Path, progress: &dyn Progress) -> Result<Box<dyn Read + Send + '_>, Error> {
        let fetch = || {
            progress.report(&Event::FetchingDataset { address: &self.address, path: self.path.as_str() });
            self.content.open_at(0).map_err(|error| self.failed(error))
        };
        let Some(digest) = self.digest else { return fetch() };
        let bytes = match right_file(&self.path.join_to(folder), digest, self.size) {
            Some(file) => Box::new(file),
            None => fetch()?,
        };
        Ok(Box::new(VerifyingReader::new(bytes, digest, self.size)))
    }

    fn read_through(&self, progress: &dyn Progress) -> Result<Digest, Error> {
        let task = progress.start(Phase::Hashing, &self.address, Some(self.size));
        let mut reader = self.content.open_at(0).map_err(|error| self.failed(error))?;
        let read = digest(&mut reader, &mut buffer(Some(self.size)), &*task);
        Ok(read.map_err(|error| self.failed(error.into()))?.0)
    }

    pub(super) fn failed(&self, source: ContentError) -> Error {
        unreadable(&self.address, source)
    }
}

fn unreadable(address: &str, source: ContentError) -> Error {
    RemoteDataError::ReadRemote { address: address.to_owned(), source }.into()
}

/// Opens the file at `place` if it can be read and has this content. A different file is ignored here; a later step
/// reports it if it is in the way.
pub(super) fn right_file(place: &Path, expected: Digest, size: u64) -> Option<fs::File> {
    fs::symlink_metadata(place).ok().filter(|metadata| metadata.is_file() && metadata.len() == size)?;
    let mut file = fs::File::open(place).ok()?;
    let (found, _) = digest(&mut file, &mut buffer(Some(size)), &Silent).ok()?;
    file.rewind().ok()?;
    (found == expected).then_some(file)
}

fn open_kit(session: &Session<'_>, reference: &Reference) -> Result<(Located, crate::ops::artifact::Inspected), Error> {
    let open = || {
        let found = session.find_reference(reference, Lookup::Anywhere)?;
        let inspected = inspect(&found)?;
        Ok((found, inspected))
    };
    open().map_err(|source| Error::Parent { reference: reference.to_string(), source: Box::new(source) })
}

fn same<T: PartialEq + ToString>(address: &str, what: &'static str, expected: &T, found: &T) -> Result<(), Error> {
    let differs = || RemoteDataError::OtherRemote {
        address: address.to_owned(),
        what,
        expected: expected.to_string(),
        found: found.to_string(),
    };
    if expected == found { Ok(()) } else { Err(differs().into()) }
}

fn clean_path(dataset: &Dataset) -> Result<RelativePath, Error> {
    let place = || format!("datasets: {}", dataset.path);
    dataset.path.parse().map_err(|source| InvalidModelKit::Path { place: place(), source }.into())
}

fn moved(layer: &Layer, base: &RelativePath) -> Layer {
    Layer { path: below(base, &layer.path), base: below(base, &layer.base), ..layer.clone() }
}

fn below(base: &RelativePath, path: &RelativePath) -> RelativePath {
    format!("{base}/{path}").parse().expect("two clean paths joined are a clean path")
}
