//! Temporary files and folders that are removed when they are dropped, and when a signal ends the process.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::super::replace::patiently;
use super::leftovers::{Leftover, LeftoverKind};

/// The beginnings of the names of temporary files and folders that are created next to files of the user, in the order
/// of unpacking, saving, and writing a small file. They are never packed, and no ModelKit may contain them: unpacking
/// removes what it takes for the remains of a killed process.
const PREFIXES: [&str; 3] = [".kit-unpack-", ".kit-save-", ".kit-write-"];

/// Returns true if `name` is that of a temporary file or folder of this program.
pub fn is_temporary_name(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A file that is removed when it is dropped, unless it is given its final name.
#[derive(Debug)]
pub struct TemporaryFile {
    file: tempfile::NamedTempFile,
    /// After the file: it is removed from the list when it no longer exists.
    _leftover: Leftover,
}

impl TemporaryFile {
    /// Creates a file in `folder` with a name that begins with `prefix`, and with `mode` less the umask, where the
    /// platform has permission bits.
    pub fn create(folder: &Path, prefix: &str, mode: u32) -> io::Result<Self> {
        let (file, leftover) = Leftover::create(
            || builder(prefix, mode).tempfile_in(folder),
            |file| LeftoverKind::File(file.path().to_owned()),
        )?;
        Ok(Self { file, _leftover: leftover })
    }

    /// The open file.
    pub fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// The open file, which may be replaced by another one at the same path.
    pub fn as_file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Renames the file to `path`, and replaces a file that is already there.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        patiently(self.file, |file| file.persist(path).map(drop).map_err(|failed| (failed.error, failed.file)))
    }
}

impl Write for TemporaryFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A folder that is removed with its content when it is dropped, unless it is given its final name.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: tempfile::TempDir,
    _leftover: Leftover,
}

impl TemporaryFolder {
    /// Creates a folder in `folder` with a name that begins with `prefix`, and with `mode` less the umask, where the
    /// platform has permission bits.
    pub fn create(folder: &Path, prefix: &str, mode: u32) -> io::Result<Self> {
        let (folder, leftover) = Leftover::create(
            || builder(prefix, mode).tempdir_in(folder),
            |folder| LeftoverKind::Folder(folder.path().to_owned()),
        )?;
        Ok(Self { folder, _leftover: leftover })
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the removal: the folder has been renamed, and must not be deleted under its old name.
    pub fn keep(self) {
        drop(self.folder.keep());
    }
}

fn builder(prefix: &str, mode: u32) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    with_mode(&mut builder, mode);
    builder
}

#[cfg(unix)]
fn with_mode(builder: &mut tempfile::Builder, mode: u32) {
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
}

#[cfg(not(unix))]
fn with_mode(_builder: &mut tempfile::Builder, _mode: u32) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_temporary_files_are_recognised() {
        let folder = tempfile::tempdir().unwrap();
        for prefix in PREFIXES {
            let file = TemporaryFile::create(folder.path(), prefix, 0o644).unwrap();
            assert!(is_temporary_name(file.file.path().file_name().unwrap().to_str().unwrap()), "{prefix}");
        }
        for other in ["kit-unpack-1", ".kit", ".kit-unpack", "a.kit-save-1", ".kitignore"] {
            assert!(!is_temporary_name(other), "{other}");
        }
    }

    #[test]
    fn a_temporary_file_stays_only_under_its_final_name() {
        let place = tempfile::tempdir().unwrap();
        let names = || fs_err::read_dir(place.path()).unwrap().count();
        let file = TemporaryFile::create(place.path(), "tmp-", 0o644).unwrap();
        drop(TemporaryFolder::create(place.path(), "tmp-", 0o755).unwrap());
        assert_eq!(names(), 1);
        file.persist(&place.path().join("final")).unwrap();
        drop(TemporaryFile::create(place.path(), "tmp-", 0o644).unwrap());
        assert!(place.path().join("final").is_file());
        assert_eq!(names(), 1);
    }
}
