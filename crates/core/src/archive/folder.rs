//! A folder of the context, held open: the names in it, and what is behind each.
//!
//! Looking up one name in an open folder is the least that the system can be asked for, and whoever moves the folder in
//! the meantime does not lead us elsewhere.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

/// A folder may be walked through without the right to list it, where the system can tell these apart.
#[cfg(target_os = "linux")]
const LOOK_UP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const LOOK_UP: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// An open folder.
pub(super) struct OpenFolder {
    fd: OwnedFd,
}

/// What to do with a name that is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Follow,
    /// `open_*` fail then.
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
        // A FIFO that takes the place of the file must not make us wait.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | no_follow(link);
        Ok(rustix::fs::openat(&self.fd, name, flags, Mode::empty())?.into())
    }

    /// What the system says of `name` in this folder.
    pub(super) fn status_of(&self, name: &str, link: Link) -> io::Result<Stat> {
        let flags = if link == Link::Stay { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
        Ok(rustix::fs::statat(&self.fd, name, flags)?)
    }

    /// What the system says of the folder itself.
    pub(super) fn status(&self) -> io::Result<Stat> {
        Ok(rustix::fs::fstat(&self.fd)?)
    }

    /// All names in the folder, sorted by bytes; the first that is not UTF-8, with what cannot be shown replaced, is the error.
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

/// Names and kinds, taken one after the other. In one piece of memory: a folder may hold a million.
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
    /// The one name, of which nothing else is known.
    pub(super) fn one(name: &str) -> Self {
        let mut names = Self::default();
        names.push(name, FileType::Unknown);
        names
    }

    /// The next name, and its kind if the folder tells it.
    pub(super) fn next(&mut self) -> Option<(&str, FileType)> {
        let entry = self.entries.get(self.taken)?;
        self.taken += 1;
        Some((entry.name_in(&self.text), entry.kind))
    }

    fn push(&mut self, name: &str, kind: FileType) {
        // No file system has names of 64 KiB; the system's own record of a name has a length of 16 bits.
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
