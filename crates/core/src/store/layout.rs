//! The files and folders of a store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;

use super::durability::{Durability, Wait, disk};
use super::error::{Error, StoreName};
use super::index::KnownIndex;
use super::lock::Share;
use super::waiting::LockWaiting;
use crate::digest::Digest;
use crate::limits;
use crate::oci::{LAYOUT_FILE, Reference};
use crate::sys::{self, TemporaryFile};

/// A store in a folder. Opening a store changes nothing; the first writer creates the folder.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    is_local: bool,
    waiting: Arc<LockWaiting>,
    durability: Arc<Durability>,
    known_index: Arc<KnownIndex>,
}

/// The meaning of the names in the index of a layout.
#[derive(Debug, Clone)]
pub enum Names {
    /// Full references: the store contains many repositories, and this is the selected one.
    Of(Reference),
    /// Tags: the layout is one repository, as other tools write it for one artifact.
    Tags,
}

impl Store {
    /// Opens the store in the folder `root`, which need not exist yet.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_as(root.into(), true)
    }

    fn open_as(root: PathBuf, is_local: bool) -> Result<Self, Error> {
        let store =
            Self { root, is_local, waiting: Arc::default(), durability: Arc::default(), known_index: Arc::default() };
        store.check_version().map_err(|error| store.named(error))?;
        Ok(store)
    }

    /// Opens another store, which waits for locks and for the disk as this one does.
    pub fn open_other(&self, root: impl Into<PathBuf>) -> Result<Self, Error> {
        Ok(self.with_waits_for(Self::open(root)?))
    }

    /// Opens the image layout in a folder that the user named, as [`open_other`](Self::open_other) does.
    pub fn open_layout(&self, root: impl Into<PathBuf>) -> Result<Self, Error> {
        Ok(self.with_waits_for(Self::open_as(root.into(), false)?))
    }

    fn with_waits_for(&self, other: Self) -> Self {
        Self { waiting: Arc::clone(&self.waiting), ..other.waiting_for_disk(self.waits_for_disk()) }
    }

    /// The same store. If `waits` is true, everything that the index leads to is on the disk before the index is.
    #[must_use]
    pub fn waiting_for_disk(self, waits: bool) -> Self {
        self.waiting_as(if waits { Wait::BeforeIndex } else { Wait::Never })
    }

    /// The same store. Each blob is on the disk before it has a name.
    #[must_use]
    pub fn waiting_for_each_blob(self) -> Self {
        self.waiting_as(Wait::EachBlob)
    }

    fn waiting_as(self, wait: Wait) -> Self {
        Self { durability: Arc::new(self.durability.waiting(wait)), ..self }
    }

    /// Returns true if the user wants every command to wait for the disk.
    pub fn waits_for_disk(&self) -> bool {
        self.durability.waits()
    }

    /// The same store in another run of the system.
    #[cfg(test)]
    pub(super) fn in_run(self, run: &str) -> Self {
        Self { durability: Arc::new(Durability::in_run(run)), known_index: Arc::default(), ..self }
    }

    pub(super) fn durability(&self) -> &Durability {
        &self.durability
    }

    /// The same store with another way to wait for locks.
    #[must_use]
    pub fn with_waiting(self, waiting: LockWaiting) -> Self {
        Self { waiting: Arc::new(waiting), ..self }
    }

    pub(super) fn waiting(&self) -> &LockWaiting {
        &self.waiting
    }

    pub(super) fn known_index(&self) -> &KnownIndex {
        &self.known_index
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn name(&self) -> StoreName {
        if self.is_local { StoreName::Local } else { StoreName::Layout(self.root.clone()) }
    }

    /// Names this store in the error of an operation on it.
    pub(super) fn named(&self, error: Error) -> Error {
        match error {
            Error::Io { source, .. } => Error::Io { store: self.name(), source },
            error => error,
        }
    }

    /// Fails if there is no layout. To be called for a path that the user names as a source.
    pub fn expect_layout(&self) -> Result<(), Error> {
        if self.layout_file().exists() {
            return Ok(());
        }
        Err(Error::NotALayout { path: self.root.clone(), reason: "there is no `oci-layout` file".to_owned() })
    }

    fn check_version(&self) -> Result<(), Error> {
        let not_a_layout = |reason: String| Error::NotALayout { path: self.root.clone(), reason };
        match sys::read_regular(&self.layout_file(), limits::LAYOUT_FILE_BYTES) {
            Ok(bytes) => {
                let version =
                    serde_json::from_slice::<serde_json::Value>(&bytes).map_err(|e| not_a_layout(e.to_string()))?;
                match version["imageLayoutVersion"].as_str() {
                    Some("1.0.0") => Ok(()),
                    Some(other) => Err(not_a_layout(format!("its version is {other}, not 1.0.0"))),
                    None => Err(not_a_layout("`oci-layout` has no imageLayoutVersion".to_owned())),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.holds_something_else()? {
                    return Err(not_a_layout("it has no `oci-layout` file and is not empty".to_owned()));
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(not_a_layout("it is a file".to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns true if the folder has other files than those of a store that another process is just creating.
    fn holds_something_else(&self) -> Result<bool, Error> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let name = entry?.file_name();
            if name != ".kit" && name != "blobs" && name != "oci-layout" {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Creates the missing parts of the layout, and takes the share of the use lock that every change needs.
    pub(super) fn prepare(&self) -> Result<Share, Error> {
        fs::create_dir_all(self.blobs())?;
        fs::create_dir_all(self.ingest())?;
        let share = self.share_to_write()?;
        if !self.layout_file().exists() {
            disk::persist(self.synced_file(LAYOUT_FILE.as_bytes())?, &self.layout_file())?;
            disk::sync_folder(&self.root)?;
        }
        self.settle_some()?;
        // A process that has the lock does it itself.
        if let Some(_lock) = self.try_lock_index()? {
            // On a full disk, a change of the index fails later, and a removal frees space first.
            self.keep_durable_index().or_else(|error| if error.is_lack_of_space() { Ok(()) } else { Err(error) })?;
        }
        Ok(share)
    }

    /// Writes and syncs a new file that can then replace another: readers see the old content or the new one.
    pub(super) fn synced_file(&self, content: &[u8]) -> io::Result<TemporaryFile> {
        let mut file = self.temporary_file()?;
        io::Write::write_all(&mut file, content)?;
        disk::sync(file.as_file())?;
        Ok(file)
    }

    /// Creates a file in the ingest folder that is deleted unless it is kept.
    pub(super) fn temporary_file(&self) -> io::Result<TemporaryFile> {
        TemporaryFile::create(&self.ingest(), TEMPORARY_PREFIX, 0o644)
    }

    /// Returns the path of the file that contains a blob, if the blob is stored as a file. The file must not be written
    /// to.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    pub(super) fn index_file(&self) -> PathBuf {
        self.root.join("index.json")
    }

    /// The folder of half-written blobs: temporary files, and partial downloads named by their expected digest.
    pub(super) fn ingest(&self) -> PathBuf {
        self.private("ingest")
    }

    pub(super) fn private(&self, name: &str) -> PathBuf {
        self.root.join(".kit").join(name)
    }

    fn layout_file(&self) -> PathBuf {
        self.root.join("oci-layout")
    }
}

/// The prefix of temporary files, which are worthless once their writer is gone. Partial downloads do not have it.
pub(super) const TEMPORARY_PREFIX: &str = "tmp-";
