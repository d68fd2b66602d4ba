//! The members of a layer, one after the other, as the context folder holds them.
//!
//! Order and choice are those of KitOps: folders before their content, names by bytes, the folders above the layer first.
//! Memory holds one folder's names per level.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::vec;

use super::fingerprint::Fingerprinter;
use super::{Error, Fingerprint, IgnoreRules};
use crate::relative_path::RelativePath;

/// What becomes one layer.
#[derive(Debug, Clone)]
pub struct LayerSource<'a> {
    /// The context folder.
    pub root: &'a Path,
    /// What the layer packs: a file or a folder in it.
    pub path: RelativePath,
    /// The paths of the other layers. Those strictly inside `path` are left to them.
    pub excluded: Vec<RelativePath>,
    /// What is packed nowhere.
    pub ignore: &'a IgnoreRules,
    /// How far symbolic links are followed.
    pub links: Links,
}

/// How far symbolic links are followed. What one leads to is packed in its place, as a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// Where they end in the context folder; any other one is an error.
    #[default]
    InsideContext,
    /// Wherever they end.
    Follow,
}

/// What a layer will hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Number of files.
    pub files: u64,
    /// Their size together.
    pub bytes: u64,
    /// Whether `.kitignore` takes out the path of the layer itself: the layer then holds at most what a `!` line brings back.
    pub path_is_ignored: bool,
    /// The state that the files are in.
    pub fingerprint: Fingerprint,
}

impl LayerSource<'_> {
    /// Counts what the layer will hold, without opening a file.
    pub fn measure(&self) -> Result<Measured, Error> {
        let (mut files, mut bytes) = (0, 0);
        let mut fingerprinter = Fingerprinter::new();
        let mut walk = Walk::new(self)?;
        for member in &mut walk {
            let member = member?;
            files += u64::from(!member.is_directory);
            bytes += member.size;
            fingerprinter.add(&member);
        }
        let (path_is_ignored, fingerprint) = (walk.path_is_ignored, fingerprinter.finish());
        Ok(Measured { files, bytes, path_is_ignored, fingerprint })
    }

    fn is_left_to_another(&self, path: &RelativePath) -> bool {
        let is_inside = |other: &RelativePath| *other != self.path && other.starts_with(&self.path);
        self.excluded.iter().any(|other| is_inside(other) && path.starts_with(other))
    }
}

/// One file or folder of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) path: RelativePath,
    pub(super) is_directory: bool,
    /// Permission bits with setuid, setgid and sticky.
    pub(super) mode: u32,
    /// In bytes; 0 for a folder.
    pub(super) size: u64,
    pub(super) status: Status,
}

/// By what a change of a file shows, besides its mode and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Seconds and nanoseconds.
    pub(super) modified: (i64, i64),
    pub(super) changed: (i64, i64),
}

impl Member {
    pub(super) fn new(path: RelativePath, metadata: &Metadata) -> Self {
        let is_directory = metadata.is_dir();
        let status = Status {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        };
        let size = if is_directory { 0 } else { metadata.len() };
        Self { path, is_directory, mode: metadata.mode() & 0o7777, size, status }
    }
}

/// The walk itself; it ends after the first error.
pub(super) struct Walk<'a> {
    source: &'a LayerSource<'a>,
    /// The context folder without symbolic links, to tell what is inside.
    context: PathBuf,
    levels: Vec<Level>,
    ready: VecDeque<Member>,
    pub(super) path_is_ignored: bool,
}

/// A folder on the way down.
struct Level {
    path: RelativePath,
    /// Device and inode, by which a folder that contains itself is noticed.
    identity: (u64, u64),
    /// The member of the folder until it is needed: an ignored folder, or one above the layer, is packed only with content.
    pending: Option<Member>,
    names: vec::IntoIter<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(source: &'a LayerSource<'a>) -> Result<Self, Error> {
        let root = RelativePath::root();
        let unreadable = Error::reading(&root);
        let context = fs_err::canonicalize(source.root).map_err(&unreadable)?;
        let metadata = fs_err::metadata(&context).map_err(&unreadable)?;
        let mut walk = Self { source, context, levels: Vec::new(), ready: VecDeque::new(), path_is_ignored: false };
        walk.enter(root.clone(), &metadata)?;
        walk.levels[0].pending = None;
        Ok(walk)
    }

    fn visit(&mut self, path: RelativePath) -> Result<(), Error> {
        if self.source.is_left_to_another(&path) {
            return Ok(());
        }
        let is_above = self.is_above_layer(&path);
        let is_ignored = !is_above && self.source.ignore.is_ignored(&path);
        self.path_is_ignored |= is_ignored && path == self.source.path;
        if is_ignored && !self.may_hold_kept_files(&path) {
            return Ok(());
        }
        let metadata = self.look_at(&path)?;
        if metadata.is_dir() {
            self.enter(path, &metadata)?;
            if !is_above && !is_ignored {
                self.release_pending();
            }
            return Ok(());
        }
        if is_above {
            return Err(Error::MissingPath { path: self.source.path.clone() });
        }
        if !metadata.is_file() {
            return Err(Error::NotAFile { path });
        }
        self.release_pending();
        self.ready.push_back(Member::new(path, &metadata));
        Ok(())
    }

    fn is_above_layer(&self, path: &RelativePath) -> bool {
        *path != self.source.path && self.source.path.starts_with(path)
    }

    fn may_hold_kept_files(&self, path: &RelativePath) -> bool {
        self.source.ignore.may_keep_below(path) && path.join_to(self.source.root).is_dir()
    }

    /// What is at `path`, behind symbolic links if they may be followed.
    fn look_at(&self, path: &RelativePath) -> Result<Metadata, Error> {
        let place = path.join_to(self.source.root);
        let failed = |source| self.reading_failed(path, source);
        let metadata = fs_err::symlink_metadata(&place).map_err(failed)?;
        if !metadata.is_symlink() {
            return Ok(metadata);
        }
        let target = fs_err::read_link(&place).map_err(failed)?;
        let end = match fs_err::canonicalize(&place) {
            Ok(end) => end,
            Err(error) if is_absent(&error) => return Err(Error::DanglingLink { path: path.clone(), target }),
            Err(error) => return Err(failed(error)),
        };
        if self.source.links == Links::InsideContext && !end.starts_with(&self.context) {
            return Err(Error::LinkLeavesContext { path: path.clone(), target });
        }
        fs_err::metadata(&end).map_err(failed)
    }

    fn reading_failed(&self, path: &RelativePath, source: io::Error) -> Error {
        if is_absent(&source) && self.source.path.starts_with(path) {
            return Error::MissingPath { path: self.source.path.clone() };
        }
        Error::reading(path)(source)
    }

    fn enter(&mut self, path: RelativePath, metadata: &Metadata) -> Result<(), Error> {
        let identity = (metadata.dev(), metadata.ino());
        if self.levels.iter().any(|level| level.identity == identity) {
            return Err(Error::LinkLoop { path });
        }
        let names = match self.next_above_layer(&path) {
            Some(name) => vec![name],
            None => self.sorted_names(&path)?,
        };
        let pending = Some(Member::new(path.clone(), metadata));
        self.levels.push(Level { path, identity, pending, names: names.into_iter() });
        Ok(())
    }

    /// The one name that matters in a folder above the layer.
    fn next_above_layer(&self, path: &RelativePath) -> Option<String> {
        let next = self.source.path.components().nth(path.components().count());
        next.filter(|_| self.is_above_layer(path)).map(str::to_owned)
    }

    fn sorted_names(&self, path: &RelativePath) -> Result<Vec<String>, Error> {
        let failed = Error::reading(path);
        let mut names = Vec::new();
        for entry in fs_err::read_dir(path.join_to(self.source.root)).map_err(&failed)? {
            let name = entry.map_err(&failed)?.file_name();
            let name = name.into_string();
            names.push(name.map_err(|name| Error::NameNotUtf8 { path: path.join_to(Path::new("")).join(name) })?);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn release_pending(&mut self) {
        self.ready.extend(self.levels.iter_mut().filter_map(|level| level.pending.take()));
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Member, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(member) = self.ready.pop_front() {
                return Some(Ok(member));
            }
            let level = self.levels.last_mut()?;
            let Some(name) = level.names.next() else {
                self.levels.pop();
                continue;
            };
            let path = level.path.child(&name).expect("a folder lists normal names");
            if let Err(error) = self.visit(path) {
                self.levels.clear();
                self.ready.clear();
                return Some(Err(error));
            }
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
