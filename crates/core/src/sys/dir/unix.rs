//! Directories as file descriptors.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::below::Entry;
use super::found::{Found, Link};
use super::names::Names;
use crate::sys::{FileType, Metadata};

/// The flags for looking up a directory, which needs no permission to list it on systems that distinguish the two.
#[cfg(target_os = "linux")]
pub(super) const LOOK_UP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
pub(super) const LOOK_UP: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// An open directory.
///
/// Paths below it are text: normal names joined by `/`, or `.` for the directory itself. A symbolic link above the last
/// name is always an error.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    pub(super) resolution: Resolution,
}

/// The way in which paths of several names are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    /// `openat2`, which checks the whole path at once.
    #[cfg(target_os = "linux")]
    Kernel,
    /// One `openat` for each component: for kernels before 5.6, and containers that forbid `openat2`.
    ByComponent,
}

/// The directory in which a name is looked up.
enum Parent<'a> {
    This(BorrowedFd<'a>),
    Below(OwnedFd),
}

impl Dir {
    /// Opens `path`, which itself may contain symbolic links.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = rustix::fs::open(path, LOOK_UP, Mode::empty())?;
        #[cfg(target_os = "linux")]
        if resolve_in_kernel(fd.as_fd(), ".").is_ok() {
            return Ok(Self { fd, resolution: Resolution::Kernel });
        }
        Ok(Self { fd, resolution: Resolution::ByComponent })
    }

    /// Opens the directory `path`.
    pub fn open_directory(&self, path: &str, link: Link) -> io::Result<Self> {
        let (parent, name) = self.entry(path)?;
        let fd = rustix::fs::openat(parent, name, LOOK_UP | no_follow(link), Mode::empty())?;
        Ok(Self { fd, resolution: self.resolution })
    }

    /// Opens the file `path` for reading.
    pub fn open_file(&self, path: &str, link: Link) -> io::Result<File> {
        // A FIFO that replaces the file must not block.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | no_follow(link);
        let (parent, name) = self.entry(path)?;
        Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?.into())
    }

    /// Opens for writing the file `path`, which was created by this program.
    pub fn open_file_to_write(&self, path: &str) -> io::Result<File> {
        let (parent, name) = self.entry(path)?;
        Ok(rustix::fs::openat(parent, name, OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?.into())
    }

    /// Returns the metadata of `path`.
    pub fn metadata_of(&self, path: &str, link: Link) -> io::Result<Metadata> {
        let flags = if link == Link::Stay { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
        let (parent, name) = self.entry(path)?;
        Ok(Metadata::from(&rustix::fs::statat(parent, name, flags)?))
    }

    /// Returns the metadata of the directory itself.
    pub fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::from(&rustix::fs::fstat(&self.fd)?))
    }

    /// Returns the kind of file at `path`.
    pub fn find(&self, path: &str) -> io::Result<Found> {
        if Entry::of(path)?.is_none() {
            return Ok(Found::Directory);
        }
        match self.metadata_of(path, Link::Stay) {
            Ok(metadata) => Ok(Found::of(metadata.file_type, metadata.size)),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT) => Ok(Found::Nothing),
                Some(Errno::LOOP) => Ok(Found::Link),
                Some(Errno::NOTDIR) => Ok(Found::BelowFile),
                _ => Err(error),
            },
        }
    }

    /// Creates the file `path` with `mode` less the umask, if nothing exists there.
    pub fn create_file(&self, path: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (parent, name) = self.entry(path)?;
        Ok(rustix::fs::openat(parent, name, flags, permissions(mode))?.into())
    }

    /// Creates the directory `path` with `mode` less the umask, if nothing exists there.
    pub fn create_directory(&self, path: &str, mode: u32) -> io::Result<()> {
        let (parent, name) = self.entry(path)?;
        Ok(rustix::fs::mkdirat(parent, name, permissions(mode))?)
    }

    /// Sets the permission bits of the directory `path` to `mode`, regardless of the umask.
    pub fn set_mode_of_directory(&self, path: &str, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(self.open_to_list(path)?, permissions(mode))?)
    }

    /// Moves `from` to `to` in `target`, which must not exist.
    pub fn rename(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        let ((old_parent, old), (new_parent, new)) = (self.entry(from)?, target.entry(to)?);
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        match rustix::fs::renameat_with(&old_parent, old, &new_parent, new, rustix::fs::RenameFlags::NOREPLACE) {
            // File systems that do not support the flag, such as some network file systems, return one of these errors.
            // ENOTSUP is EOPNOTSUPP on Linux, and another number on macOS (renameatx_np(2)).
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            result => return Ok(result?),
        }
        if target.find(to)? != Found::Nothing {
            return Err(Errno::EXIST.into());
        }
        Ok(rustix::fs::renameat(old_parent, old, new_parent, new)?)
    }

    /// Moves the file `from` to `to` in `target` and replaces an existing file: at any moment, `to` is the old file or
    /// the new one.
    pub fn rename_over(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        let ((old_parent, old), (new_parent, new)) = (self.entry(from)?, target.entry(to)?);
        Ok(rustix::fs::renameat(old_parent, old, new_parent, new)?)
    }

    /// Creates the hard link `to` in `target` to the file `from`.
    pub fn link(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        let ((old_parent, old), (new_parent, new)) = (self.entry(from)?, target.entry(to)?);
        Ok(rustix::fs::linkat(old_parent, old, new_parent, new, AtFlags::empty())?)
    }

    /// Removes the file `path`.
    pub fn remove_file(&self, path: &str) -> io::Result<()> {
        let (parent, name) = self.entry(path)?;
        Ok(rustix::fs::unlinkat(parent, name, AtFlags::empty())?)
    }

    /// Removes the directory `path` if it is empty.
    pub fn remove_directory(&self, path: &str) -> io::Result<()> {
        let (parent, name) = self.entry(path)?;
        Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
    }

    /// Returns all names in the directory, sorted by bytes, or the first name that is not UTF-8, with the invalid parts
    /// replaced. Names are composed where [`name_of`](crate::sys::name_of) composes them.
    pub fn names(&self) -> io::Result<Result<Names, String>> {
        let mut names = Names::default();
        #[cfg(target_vendor = "apple")]
        let decomposes = rustix::fs::fstatfs(&self.fd).is_ok_and(|found| super::spelling::decomposes(&found));
        for entry in rustix::fs::Dir::new(self.open_to_list(".")?)? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok("." | "..") => {}
                #[cfg(target_vendor = "apple")]
                Ok(name) if decomposes && !name.is_ascii() => {
                    names.push(&super::spelling::composed(name), listed(entry.file_type()));
                }
                Ok(name) => names.push(name, listed(entry.file_type())),
                Err(_) => return Ok(Err(entry.file_name().to_string_lossy().into_owned())),
            }
        }
        names.sort();
        Ok(Ok(names))
    }

    /// Returns the first `limit` names in the directory `path` that `choose` selects, in no order. Names that are not
    /// UTF-8 are skipped.
    pub fn some_names(&self, path: &str, limit: usize, choose: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(self.open_to_list(path)?)? {
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

    fn open_to_list(&self, path: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (parent, name) = match Entry::of(path)? {
            Some(entry) => (self.parent_of(entry)?, entry.name),
            None => (Parent::This(self.fd.as_fd()), "."),
        };
        Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
    }

    /// Returns the directory that contains `path`, and its name there.
    fn entry<'p>(&self, path: &'p str) -> io::Result<(Parent<'_>, &'p str)> {
        let entry = Entry::expect(path)?;
        Ok((self.parent_of(entry)?, entry.name))
    }

    fn parent_of(&self, entry: Entry) -> io::Result<Parent<'_>> {
        let fd = self.fd.as_fd();
        if entry.parent.is_empty() {
            return Ok(Parent::This(fd));
        }
        Ok(Parent::Below(match self.resolution {
            #[cfg(target_os = "linux")]
            Resolution::Kernel => resolve_in_kernel(fd, entry.parent)?,
            Resolution::ByComponent => resolve_by_component(fd, entry.parent)?,
        }))
    }

    /// Returns the same directory, resolved as on an old kernel.
    #[cfg(test)]
    pub(super) fn by_component(self) -> Self {
        Self { resolution: Resolution::ByComponent, ..self }
    }
}

impl AsFd for Parent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::This(fd) => *fd,
            Self::Below(fd) => fd.as_fd(),
        }
    }
}

/// Returns true if a file was not opened because its name is a symbolic link, see [`Link::Stay`].
pub fn is_link_refusal(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

#[cfg(target_os = "linux")]
pub(super) fn resolve_in_kernel(directory: BorrowedFd, path: &str) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    loop {
        match rustix::fs::openat2(directory, path, LOOK_UP, Mode::empty(), resolve) {
            // Another process is renaming a directory at this moment.
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
}

fn resolve_by_component(directory: BorrowedFd, path: &str) -> Result<OwnedFd, Errno> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let first = open_component(directory, first)?;
    let mut rest = rest.split('/').filter(|name| !name.is_empty());
    rest.try_fold(first, |current, name| open_component(current.as_fd(), name))
}

fn open_component(directory: BorrowedFd, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::openat(directory, name, LOOK_UP | OFlags::NOFOLLOW, Mode::empty()) {
        Err(Errno::NOTDIR) if is_link(directory, name) => Err(Errno::LOOP),
        opened => opened,
    }
}

fn is_link(directory: BorrowedFd, name: &str) -> bool {
    let status = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    status.is_ok_and(|status| Metadata::from(&status).file_type == FileType::Link)
}

fn listed(file_type: rustix::fs::FileType) -> Option<FileType> {
    (file_type != rustix::fs::FileType::Unknown).then(|| file_type.into())
}

fn no_follow(link: Link) -> OFlags {
    if link == Link::Stay { OFlags::NOFOLLOW } else { OFlags::empty() }
}

/// The permissions of owner, group and others, without setuid, setgid and sticky.
#[allow(clippy::cast_possible_truncation, reason = "nine bits fit into the type of every platform")]
fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode((mode & 0o777) as rustix::fs::RawMode)
}
