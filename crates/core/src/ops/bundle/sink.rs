//! The destinations of an archive: a tar or a folder. Files and folders get their final name only when they are
//! complete.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::error::BundleError;
use crate::archive::TarWriter;
use crate::ops::disk_space;
use crate::sys::{self, TemporaryFile, TemporaryFolder, rename};

/// The prefix of an archive until it is complete.
const PREFIX: &str = ".kit-save-";

/// Receives files one after the other: [`begin`](Self::begin), the bytes, [`end`](Self::end).
pub(super) trait Sink: Write {
    fn folder(&mut self, name: &str) -> io::Result<()>;
    fn begin(&mut self, name: &str, size: u64) -> io::Result<()>;
    fn end(&mut self) -> io::Result<()>;
}

impl<W: Write> Sink for TarWriter<W> {
    fn folder(&mut self, name: &str) -> io::Result<()> {
        self.folder(name)
    }

    fn begin(&mut self, name: &str, size: u64) -> io::Result<()> {
        self.begin(name, size)
    }

    fn end(&mut self) -> io::Result<()> {
        self.end()
    }
}

/// Begins a tar that will become the file `path`.
pub(super) fn new_tar(path: &Path, bytes: u64) -> Result<TarWriter<BufWriter<TemporaryFile>>, BundleError> {
    let folder = folder_of(path, bytes)?;
    Ok(TarWriter::new(BufWriter::new(TemporaryFile::create(folder, PREFIX, 0o644)?)))
}

/// Gives the tar its name, and replaces a file that already has it.
pub(super) fn keep_tar(tar: TarWriter<BufWriter<TemporaryFile>>, path: &Path) -> io::Result<()> {
    let file = tar.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    sys::sync_file(file.as_file())?;
    file.persist(path)
}

/// A folder that is being written under a temporary name.
pub(super) struct Folder {
    /// Before the folder: it is closed when the folder is removed.
    file: Option<fs::File>,
    staging: TemporaryFolder,
    path: PathBuf,
}

impl Folder {
    /// Begins a folder that will become `path`. If `path` already exists, it must be empty.
    pub(super) fn new(path: &Path, bytes: u64) -> Result<Self, BundleError> {
        if path.exists() && fs::read_dir(path)?.next().is_some() {
            return Err(BundleError::Exists(path.to_owned()));
        }
        let folder = folder_of(path, bytes)?;
        Ok(Self { staging: TemporaryFolder::create(folder, PREFIX, 0o755)?, path: path.to_owned(), file: None })
    }

    /// Gives the folder its final name.
    pub(super) fn keep(self) -> io::Result<()> {
        rename(self.staging.path(), &self.path)?;
        self.staging.keep();
        Ok(())
    }

    fn file(&mut self) -> io::Result<&mut fs::File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("no file has been begun"))
    }
}

impl Sink for Folder {
    fn folder(&mut self, name: &str) -> io::Result<()> {
        fs::create_dir(self.staging.path().join(name))
    }

    fn begin(&mut self, name: &str, _size: u64) -> io::Result<()> {
        self.file = Some(fs::File::create_new(self.staging.path().join(name))?);
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        sys::sync_file(self.file()?.file())?;
        self.file = None;
        Ok(())
    }
}

impl Write for Folder {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file()?.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

/// Creates the parent folder of `path`, and checks that its disk has space for `bytes`.
fn folder_of(path: &Path, bytes: u64) -> Result<&Path, BundleError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    disk_space::check(folder, bytes)?;
    fs::create_dir_all(folder)?;
    Ok(folder)
}
