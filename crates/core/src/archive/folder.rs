//! An open folder of the context: lists its names, and opens what they refer to.
//!
//! Looking up a single name in an open folder is the cheapest request to the system, and another process that moves the
//! folder in the meantime cannot redirect it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

/// The flags for opening a folder. A folder can be traversed without the permission to list it, on systems that
/// distinguish the two.
#[cfg(target_os = "linux")]
const LOOK_UP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const LOOK_UP: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// An open folder.
pub(super) struct OpenFolder {
    fd: OwnedFd,
}

/// The treatment of a name that is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Follow,
    /// Does not follow the link: the `open_*` functions fail.
    Stay,
}

impl OpenFolder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { fd: rustix::fs::open(path, LOOK_UP, Mode::empty())? })
    }

    /// Opens the folder `name` in this one.
    pub(super) fn open_folder(&self, name: &str, link: Link) -> io::Result<Self> {
        Ok(Self { fd: rustix::fs::openat(&self.fd, name, LOOK_UP | no_follow(link), Mode::empty())? })
    }

    /// Opens the file `name` in this folder for reading.
    pub(super) fn open_file(&self, name: &str, link: Link) -> io::Result<File> {
        // A FIFO that replaces the file must not block.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | no_follow(link);
        Ok(rustix::fs::openat(&self.fd, name, flags, Mode::empty())?.into())
    }

    /// Returns the metadata of `name` in this folder.
    pub(super) fn status_of(&self, name: &str, link: Link) -> io::Result<Stat> {
        let flags = if link == Link::Stay { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
        Ok(rustix::fs::statat(&self.fd, name, flags)?)
    }

    /// Returns the metadata of the folder itself.
    pub(super) fn status(&self) -> io::Result<Stat> {
        Ok(rustix::fs::fstat(&self.fd)?)
    }

    /// Returns all names in the folder, sorted by bytes, or the first name that is not UTF-8, with the invalid parts
    /// replaced.
    pub(super) fn names(&self) -> io::Result<Result<Names, String>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut names = Names::default();
        for entry in Dir::new(rustix::fs::openat(&self.fd, ".", flags, Mode::empty())?)? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok("." | "..") => {}
                Ok(name) => names.push(name, entry.file_type()),
                Err(_) => return Ok(Err(entry.file_name().to_string_lossy().into_owned())),
            }
        }
        names.sort();
        Ok(Ok(names))
    }
}

fn no_follow(link: Link) -> OFlags {
    if link == Link::Stay { OFlags::NOFOLLOW } else { OFlags::empty() }
}

/// Names and file types, taken one after another. They share one allocation: a folder may contain a million files.
#[derive(Default)]
pub(super) struct Names {
    text: String,
    entries: Vec<Entry>,
    taken: usize,
}

struct Entry {
    start: usize,
    length: u16,
    kind: FileType,
}

impl Names {
    /// Creates a list of a single name of unknown type.
    pub(super) fn one(name: &str) -> Self {
        let mut names = Self::default();
        names.push(name, FileType::Unknown);
        names
    }

    /// Returns the next name, and its type if the folder lists it.
    pub(super) fn next(&mut self) -> Option<(&str, FileType)> {
        let entry = self.entries.get(self.taken)?;
        self.taken += 1;
        Some((entry.name_in(&self.text), entry.kind))
    }

    fn push(&mut self, name: &str, kind: FileType) {
        // No file system has names of 64 KiB; directory entries of the system have a length of 16 bits.
        let length = u16::try_from(name.len()).expect("a name is shorter than 64 KiB");
        self.entries.push(Entry { start: self.text.len(), length, kind });
        self.text.push_str(name);
    }

    fn sort(&mut self) {
        let text = &self.text;
        self.entries.sort_unstable_by(|a, b| a.name_in(text).cmp(b.name_in(text)));
    }
}

impl Entry {
    fn name_in<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.start + usize::from(self.length)]
    }
}
