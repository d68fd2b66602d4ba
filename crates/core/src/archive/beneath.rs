//! Finds, creates and moves files and folders below a folder without ever following a symbolic link there.
//!
//! All operations use file descriptors: if another process replaces a folder by a link in the meantime, the operation
//! fails and no file outside is touched.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::relative_path::RelativePath;

/// The flags for looking up a folder, which needs no permission to list it on systems that distinguish the two.
#[cfg(target_os = "linux")]
const LOOK_UP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const LOOK_UP: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// An open folder, and the access to the files and folders below it.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    resolution: Resolution,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolution {
    /// `openat2`, which checks the whole path at once.
    #[cfg(target_os = "linux")]
    Kernel,
    /// One `openat` for each component: for kernels before 5.6, and containers that forbid `openat2`.
    ByComponent,
}

/// The kind of file at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Directory,
    /// A regular file.
    File {
        size: u64,
    },
    /// A socket, a FIFO or a device.
    Special,
    /// The path or something above it is a symbolic link.
    Link,
    /// Something above the path is not a folder.
    BelowFile,
}

impl Folder {
    /// Opens `path`, which itself may contain symbolic links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let fd = rustix::fs::open(path, LOOK_UP, Mode::empty())?;
        #[cfg(target_os = "linux")]
        if resolve_in_kernel(&fd, ".").is_ok() {
            return Ok(Self { fd, resolution: Resolution::Kernel });
        }
        Ok(Self { fd, resolution: Resolution::ByComponent })
    }

    /// Opens the folder `path` below this one.
    pub(super) fn folder(&self, path: &RelativePath) -> io::Result<Self> {
        Ok(Self { fd: self.look_up(path)?, resolution: self.resolution })
    }

    /// Returns the kind of file at `path`.
    pub(super) fn find(&self, path: &RelativePath) -> io::Result<Found> {
        match self.status(path) {
            Ok(found) => Ok(found),
            Err(Errno::NOENT) => Ok(Found::Nothing),
            Err(Errno::LOOP) => Ok(Found::Link),
            Err(Errno::NOTDIR) => Ok(Found::BelowFile),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the file `path` for reading.
    pub(super) fn open_file(&self, path: &RelativePath) -> io::Result<File> {
        // A FIFO that replaces the file must not block.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?.into())
    }

    /// Opens for writing the file `path`, which was created by this program.
    pub(super) fn open_file_to_write(&self, path: &RelativePath) -> io::Result<File> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::openat(parent, name, OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?.into())
    }

    /// Creates the file `path` with `mode` less the umask, if nothing exists there.
    pub(super) fn create_file(&self, path: &RelativePath, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::openat(parent, name, flags, permissions(mode))?.into())
    }

    /// Creates the folder `path` with `mode` less the umask, if nothing exists there.
    pub(super) fn create_directory(&self, path: &RelativePath, mode: u32) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::mkdirat(parent, name, permissions(mode))?)
    }

    /// Creates the folder `path` and the missing folders above it.
    pub(super) fn create_directories(&self, path: &RelativePath, mode: u32) -> io::Result<()> {
        for folder in path.ancestors().chain([path.clone()]).filter(|folder| !folder.is_root()) {
            match self.create_directory(&folder, mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// Returns the permission bits of the folder `path`.
    pub(super) fn mode_of_directory(&self, path: &RelativePath) -> io::Result<u32> {
        let status = rustix::fs::fstat(self.look_up(path)?)?;
        Ok(Mode::from_raw_mode(status.st_mode).bits() & 0o777)
    }

    /// Sets the permission bits of the folder `path` to `mode`, regardless of the umask.
    pub(super) fn set_mode_of_directory(&self, path: &RelativePath, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(self.open_directory(path)?, permissions(mode))?)
    }

    /// Moves `from` to `to` in `target`, which must not exist.
    pub(super) fn rename(&self, from: &RelativePath, target: &Self, to: &RelativePath) -> io::Result<()> {
        let ((old_parent, old), (new_parent, new)) = (self.parent(from)?, target.parent(to)?);
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        match rustix::fs::renameat_with(&old_parent, old, &new_parent, new, rustix::fs::RenameFlags::NOREPLACE) {
            // File systems that do not support the flag, such as some network file systems, return one of these errors.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            result => return Ok(result?),
        }
        if target.find(to)? != Found::Nothing {
            return Err(Errno::EXIST.into());
        }
        Ok(rustix::fs::renameat(old_parent, old, new_parent, new)?)
    }

    /// Moves the file `from` to `to` in `target` and replaces an existing file: at any moment, `to` is the old file or
    /// the new one.
    pub(super) fn rename_over(&self, from: &RelativePath, target: &Self, to: &RelativePath) -> io::Result<()> {
        let ((old_parent, old), (new_parent, new)) = (self.parent(from)?, target.parent(to)?);
        Ok(rustix::fs::renameat(old_parent, old, new_parent, new)?)
    }

    /// Creates the hard link `to` in `target` to the file `from`.
    pub(super) fn link(&self, from: &RelativePath, target: &Self, to: &RelativePath) -> io::Result<()> {
        let ((old_parent, old), (new_parent, new)) = (self.parent(from)?, target.parent(to)?);
        Ok(rustix::fs::linkat(old_parent, old, new_parent, new, AtFlags::empty())?)
    }

    /// Removes the file `path`.
    pub(super) fn remove_file(&self, path: &RelativePath) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::unlinkat(parent, name, AtFlags::empty())?)
    }

    /// Removes the folder `path` if it is empty.
    pub(super) fn remove_directory(&self, path: &RelativePath) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
    }

    /// Returns the first `limit` names in the folder `path` that `choose` selects, in no order. Names that are not
    /// UTF-8 are skipped.
    pub(super) fn names(
        &self,
        path: &RelativePath,
        limit: usize,
        choose: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::new(self.open_directory(path)?)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name != "." && name != ".." && choose(name) {
                names.push(name.to_owned());
            }
            if names.len() == limit {
                break;
            }
        }
        Ok(names)
    }

    fn status(&self, path: &RelativePath) -> Result<Found, Errno> {
        let Some((parent, name)) = self.parent_if_any(path)? else { return Ok(Found::Directory) };
        let status = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => Found::File { size: u64::try_from(status.st_size).unwrap_or_default() },
            FileType::Directory => Found::Directory,
            FileType::Symlink => Found::Link,
            _ => Found::Special,
        })
    }

    fn open_directory(&self, path: &RelativePath) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match self.parent_if_any(path)? {
            Some((parent, name)) => rustix::fs::openat(parent, name, flags, Mode::empty()),
            None => rustix::fs::openat(&self.fd, ".", flags, Mode::empty()),
        }
    }

    fn parent<'p>(&self, path: &'p RelativePath) -> Result<(OwnedFd, &'p str), Errno> {
        self.parent_if_any(path)?.ok_or(Errno::ISDIR)
    }

    fn parent_if_any<'p>(&self, path: &'p RelativePath) -> Result<Option<(OwnedFd, &'p str)>, Errno> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        Ok(Some((self.look_up(&parent)?, name)))
    }

    fn look_up(&self, path: &RelativePath) -> Result<OwnedFd, Errno> {
        match self.resolution {
            #[cfg(target_os = "linux")]
            Resolution::Kernel => resolve_in_kernel(&self.fd, path.as_str()),
            Resolution::ByComponent => resolve_by_component(&self.fd, path),
        }
    }

    /// Returns the same folder, resolved as on an old kernel.
    #[cfg(test)]
    pub(super) fn by_component(self) -> Self {
        Self { resolution: Resolution::ByComponent, ..self }
    }
}

#[cfg(target_os = "linux")]
fn resolve_in_kernel(folder: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    loop {
        match rustix::fs::openat2(folder, path, LOOK_UP, Mode::empty(), resolve) {
            // Another process is renaming a folder at this moment.
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
}

fn resolve_by_component(folder: &OwnedFd, path: &RelativePath) -> Result<OwnedFd, Errno> {
    let mut current = rustix::fs::openat(folder, ".", LOOK_UP, Mode::empty())?;
    for name in path.components() {
        let next = rustix::fs::openat(&current, name, LOOK_UP | OFlags::NOFOLLOW, Mode::empty());
        current = match next {
            Err(Errno::NOTDIR) if is_link(&current, name) => return Err(Errno::LOOP),
            next => next?,
        };
    }
    Ok(current)
}

fn is_link(folder: &OwnedFd, name: &str) -> bool {
    let status = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    status.is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Symlink)
}

/// The permissions of owner, group and others, without setuid, setgid and sticky.
fn permissions(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    /// Tests both ways of resolving, in a folder with `d/f`, `fifo`, `link -> d` and `dangling -> nothing`.
    fn check(test: impl Fn(&Folder, &Path)) {
        for by_component in [false, true] {
            let place = tempfile::tempdir().unwrap();
            fs_err::create_dir(place.path().join("d")).unwrap();
            fs_err::write(place.path().join("d/f"), "four").unwrap();
            fs_err::os::unix::fs::symlink("d", place.path().join("link")).unwrap();
            fs_err::os::unix::fs::symlink("nothing", place.path().join("dangling")).unwrap();
            let mode = Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, place.path().join("fifo"), FileType::Fifo, mode, 0).unwrap();
            let folder = Folder::open(place.path()).unwrap();
            test(&if by_component { folder.by_component() } else { folder }, place.path());
        }
    }

    #[test]
    fn links_are_found_wherever_they_are_in_a_path() {
        check(|folder, _| {
            for (text, expected) in [
                (".", Found::Directory),
                ("d", Found::Directory),
                ("d/f", Found::File { size: 4 }),
                ("d/f/x", Found::BelowFile),
                ("d/f/x/y", Found::BelowFile),
                ("d/nothing", Found::Nothing),
                ("nothing/at/all", Found::Nothing),
                ("fifo", Found::Special),
                ("link", Found::Link),
                ("link/f", Found::Link),
                ("link/f/x/y", Found::Link),
                ("dangling", Found::Link),
                ("dangling/x", Found::Link),
            ] {
                assert_eq!(folder.find(&path(text)).unwrap(), expected, "{text}");
            }
        });
    }

    #[test]
    fn nothing_is_opened_made_or_moved_through_a_link() {
        check(|folder, place| {
            for through in ["link", "dangling"] {
                let inside = path(through).child("new").unwrap();
                assert!(folder.open_file(&path(through)).is_err());
                assert!(folder.create_file(&path(through), 0o644).is_err());
                assert!(folder.create_file(&inside, 0o644).is_err());
                assert!(folder.create_directory(&inside, 0o755).is_err());
                assert!(folder.create_directories(&inside, 0o755).is_err());
                assert!(folder.rename(&path("d/f"), folder, &inside).is_err());
                assert!(folder.rename(&path("d/f"), folder, &path(through)).is_err());
                assert!(folder.set_mode_of_directory(&path(through), 0o700).is_err());
                assert!(folder.names(&path(through), 1, |_| true).is_err());
                assert!(folder.folder(&path(through)).is_err());
            }
            assert!(folder.remove_file(&path("link/f")).is_err());
            assert_eq!(fs_err::read_dir(place.join("d")).unwrap().count(), 1);
            assert!(!place.join("nothing").exists());
        });
    }

    #[test]
    fn renaming_replaces_nothing() {
        check(|folder, place| {
            fs_err::write(place.join("other"), "kept").unwrap();
            let error = folder.rename(&path("d/f"), folder, &path("other")).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            folder.rename(&path("d/f"), folder, &path("d/g")).unwrap();
            assert_eq!(fs_err::read(place.join("d/g")).unwrap(), b"four");
            assert_eq!(fs_err::read(place.join("other")).unwrap(), b"kept");
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_resolves_where_it_can() {
        let place = tempfile::tempdir().unwrap();
        let fd = rustix::fs::open(place.path(), LOOK_UP, Mode::empty()).unwrap();
        let expected = if resolve_in_kernel(&fd, ".").is_ok() { Resolution::Kernel } else { Resolution::ByComponent };
        assert_eq!(Folder::open(place.path()).unwrap().resolution, expected);
    }
}
