//! The folders of running imports. An interrupted import leaves the files that it fetched there for the next one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::error::ImportError;
use super::source::FromUpstream;
use crate::digest::Digest;
use crate::oci::Target;
use crate::ops::error::Error;
use crate::ops::transfer::{CopyOptions, Copying, Origins};
use crate::ops::{disk_space, workers};
use crate::progress::{Phase, Progress};
use crate::relative_path::RelativePath;
use crate::store::{self, Names, Store, Writer};
use crate::sys::{self, TemporaryFile};
use crate::upstream::{About, Upstream, UpstreamFile};

/// The folder of one import. It has the large files as blobs in a store, which resumes partial ones, and all files
/// under their names.
pub(super) struct Work {
    folder: PathBuf,
    store: Store,
    /// While the writer exists, no other process removes the folder.
    writer: Writer,
}

/// The names of the store and of the folder of files in the folder of an import.
pub(super) const STORE: &str = "store";
const FILES: &str = "files";
const FOLDER_MODE: u32 = 0o755;

impl Work {
    /// Opens the folder for this commit of this repository, below `imports`. Simultaneous imports of the same commit
    /// share it. It waits for locks as the store `local` does.
    pub(super) fn open(local: &Store, imports: &Path, about: &About) -> Result<Self, ImportError> {
        let name = Digest::of(format!("{} {}", about.url, about.commit).as_bytes());
        let folder = imports.join(&name.hex()[..32]);
        loop {
            // A pending blob has a mark, which the modes of the hard links to it would remove.
            let store = local.open_other(folder.join(STORE))?.waiting_for_each_blob();
            let writer = store.writer(Names::Tags)?;
            // Another import may have removed the folder while this one waited for its lock.
            if fs::exists(store.root())? {
                return Ok(Self { folder, store, writer });
            }
        }
    }

    /// The folder with all files under their names.
    pub(super) fn files(&self) -> PathBuf {
        self.folder.join(FILES)
    }

    /// Fetches the files that are missing. Small files come first, so that missing permissions show early.
    pub(super) fn fetch(
        &self,
        upstream: &dyn Upstream,
        files: &[&UpstreamFile],
        progress: &dyn Progress,
    ) -> Result<(), ImportError> {
        let (large, small): (Vec<&UpstreamFile>, Vec<_>) = files.iter().partition(|file| file.digest.is_some());
        let (jobs, source) = (upstream.concurrency(), FromUpstream::new(upstream));
        let mut blobs: Vec<_> = large.iter().filter_map(|file| file.descriptor()).collect();
        blobs.sort_by_key(|blob| (std::cmp::Reverse(blob.size), blob.digest));
        blobs.dedup_by_key(|blob| blob.digest);
        if let Some(need) = self.writer.need(&blobs).map_err(|error| Error::writing("the files", error))? {
            let layers: u64 = files.iter().map(|file| file.size).sum();
            disk_space::check(&need.folder, need.bytes.saturating_add(layers))?;
        }
        workers::run(jobs, &small, |file| self.save(upstream, file))?;
        let whole = &*progress.overall(blobs.iter().map(|blob| blob.size).sum());
        let options = &CopyOptions { jobs, origins: Origins::default(), phase: Phase::Downloading };
        let copying = Copying::new((&source, &self.writer), options, progress, whole);
        workers::run(jobs, &blobs, |blob| copying.copy_blob(blob))?;
        large.iter().try_for_each(|file| self.link(file))?;
        files.iter().try_for_each(|file| Ok(self.set_modes(file)?))
    }

    /// Fetches a small file, unless it exists from an earlier run: a file gets its name only when it is complete.
    fn save(&self, upstream: &dyn Upstream, file: &UpstreamFile) -> Result<(), ImportError> {
        let path = self.place(&file.path)?;
        if fs::exists(&path)? {
            return Ok(());
        }
        let bytes = upstream.read(file)?;
        let mut saved = TemporaryFile::create(&self.folder, "tmp-", 0o600)?;
        saved.write_all(&bytes)?;
        Ok(saved.persist(&path)?)
    }

    /// Gives a large file its name by a hard link, or by a copy on file systems without links.
    fn link(&self, file: &UpstreamFile) -> Result<(), ImportError> {
        let (path, Some(digest)) = (self.place(&file.path)?, &file.digest) else { return Ok(()) };
        let blob = self.store.blob_path(digest);
        match fs::hard_link(&blob, &path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => {
                let mut copy = TemporaryFile::create(&self.folder, "tmp-", 0o600)?;
                io::copy(&mut fs::File::open(blob)?, &mut copy)?;
                Ok(copy.persist(&path)?)
            }
        }
    }

    fn place(&self, path: &RelativePath) -> Result<PathBuf, ImportError> {
        let place = path.join_to(&self.files());
        fs::create_dir_all(place.parent().unwrap_or(&self.folder))?;
        Ok(place)
    }

    /// Sets the modes of a git checkout, whatever the umask is. Layers contain modes, and every import must give the
    /// same layers.
    fn set_modes(&self, file: &UpstreamFile) -> io::Result<()> {
        let set = |path: &RelativePath, mode| sys::set_mode(&path.join_to(&self.files()), mode);
        set(&file.path, file.mode())?;
        [RelativePath::root()].into_iter().chain(file.path.ancestors()).try_for_each(|folder| set(&folder, FOLDER_MODE))
    }

    /// Removes the folder, unless another import of the same commit still uses it, which then removes it.
    pub(super) fn remove(self) -> Result<(), ImportError> {
        drop(self.writer);
        remove_unused(&self.folder, &self.store).map(drop)
    }
}

/// Returns the bytes of large files that unfinished imports have fetched into folders below `imports`.
pub fn unfinished_imports(imports: &Path) -> Result<u64, ImportError> {
    let mut bytes = 0;
    for (_, store) in folders(imports)? {
        bytes += held_bytes(&store)?;
    }
    Ok(bytes)
}

/// Removes the folders of unfinished imports that no running import uses, and returns how many bytes that freed.
pub fn clear_imports(imports: &Path) -> Result<u64, ImportError> {
    let mut bytes = 0;
    for (folder, store) in folders(imports)? {
        let held = held_bytes(&store)?;
        if remove_unused(&folder, &store)? {
            bytes += held;
        }
    }
    Ok(bytes)
}

fn folders(imports: &Path) -> Result<Vec<(PathBuf, Store)>, ImportError> {
    let entries = match fs::read_dir(imports) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let open = |entry: io::Result<fs::DirEntry>| {
        let folder = entry?.path();
        let store = Store::open(folder.join(STORE))?;
        Ok((folder, store))
    };
    entries.map(open).collect()
}

fn held_bytes(store: &Store) -> Result<u64, ImportError> {
    let whole: u64 = store.unreferenced()?.iter().map(|(_, size)| size).sum();
    Ok(whole + store.unfinished_bytes()?)
}

/// Removes the folder unless another import is using it. Returns true if it was removed.
fn remove_unused(folder: &Path, store: &Store) -> Result<bool, ImportError> {
    match store.exclusive() {
        Ok(lock) => {
            sys::remove_with_lock(folder, lock)?;
            Ok(true)
        }
        Err(store::Error::InUse(_)) => Ok(false),
        // Another import was the last one to use the folder, and has removed it.
        Err(store::Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
