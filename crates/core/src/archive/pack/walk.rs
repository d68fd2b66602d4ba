//! Walks the context folder and yields the members of a layer one after another.
//!
//! Order and selection are those of KitOps: folders before their content, names sorted by bytes, the folders above the
//! layer first. Memory contains the names of one folder for each level.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::fingerprint::{Fingerprint, Fingerprinter};
use super::member::{Member, Modes};
use super::missing::missing;
use crate::archive::error::Error;
use crate::archive::ignore::{Descent, IgnoreRules, LeftOut, Standing};
use crate::relative_path::RelativePath;
use crate::sys::{Dir, FileType, Link, Metadata, Names, is_link_refusal};

/// The files that become one layer.
#[derive(Debug, Clone)]
pub struct LayerSource<'a> {
    /// The context folder.
    pub root: &'a Path,
    /// The path of the layer: a file or a folder in the context folder.
    pub path: RelativePath,
    /// The paths of the other layers. Those strictly inside `path` are excluded.
    pub excluded: Vec<RelativePath>,
    /// The rules for files that are not packed in any layer.
    pub ignore: &'a IgnoreRules,
    /// The treatment of symbolic links.
    pub links: Links,
    /// The source of permission bits.
    pub modes: Modes,
}

/// The length of the longest path that is packed, in bytes. A system call takes at most 4096 bytes (Linux, `PATH_MAX`),
/// of which some are left for the folder that the ModelKit is unpacked into.
const LONGEST_PATH: usize = 3840;

/// The treatment of symbolic links. The file or folder that a link leads to is packed at the path of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// Follows links that end in the context folder; any other link is an error.
    #[default]
    InsideContext,
    /// Follows links wherever they end.
    Follow,
}

/// The extent of a layer that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Number of files.
    pub files: u64,
    /// The size of all files in bytes.
    pub bytes: u64,
    /// The mode of the file if the layer is a single file; none if its path is a folder, or ignored.
    pub file_mode: Option<u32>,
    /// True if `.kitignore` excludes the path of the layer itself: the layer then contains at most files that a `!`
    /// line includes.
    pub path_is_ignored: bool,
    /// The files and folders of tools that are not packed.
    pub left_out: LeftOut,
    /// The state of the files.
    pub fingerprint: Fingerprint,
}

impl LayerSource<'_> {
    /// Measures the layer, and passes each file with its size to `visit`. No file is opened.
    pub fn measure(&self, visit: &mut dyn FnMut(&RelativePath, u64)) -> Result<Measured, Error> {
        let (mut files, mut bytes, mut file_mode) = (0, 0, None);
        let mut fingerprinter = Fingerprinter::new();
        let mut walk = Walk::new(self)?;
        while let Some(found) = walk.next() {
            let member = match found? {
                Found::Directory(member) => member,
                Found::File(file) => {
                    let member = walk.look_at(file)?;
                    visit(&member.path, member.size);
                    member
                }
            };
            files += u64::from(!member.is_directory);
            bytes += member.size;
            fingerprinter.add(&member);
            file_mode = self.mode_if_whole(&member);
        }
        let (path_is_ignored, fingerprint) = (walk.path_is_ignored, fingerprinter.finish());
        Ok(Measured { files, bytes, file_mode, path_is_ignored, left_out: walk.left_out, fingerprint })
    }

    /// Returns the mode of `member` if it is the file at the path of the layer.
    pub(super) fn mode_if_whole(&self, member: &Member) -> Option<u32> {
        (!member.is_directory && member.path == self.path).then_some(member.mode)
    }

    /// Returns the paths of the files in the layer. No file is opened, and none is even queried if the file system
    /// lists file types.
    pub fn files(&self) -> Result<Vec<RelativePath>, Error> {
        let file = |found| match found {
            Ok(Found::File(file)) => Some(Ok(file.path)),
            Ok(Found::Directory(_)) => None,
            Err(error) => Some(Err(error)),
        };
        Walk::new(self)?.filter_map(file).collect()
    }

    /// Passes each file with its size to `visit`. No file is opened.
    pub fn visit_files(&self, visit: &mut dyn FnMut(&RelativePath, u64)) -> Result<(), Error> {
        let mut walk = Walk::new(self)?;
        while let Some(found) = walk.next() {
            if let Found::File(file) = found? {
                let member = walk.look_at(file)?;
                visit(&member.path, member.size);
            }
        }
        Ok(())
    }

    fn is_left_to_another(&self, path: &RelativePath) -> bool {
        let is_inside = |other: &RelativePath| *other != self.path && other.starts_with(&self.path);
        self.excluded.iter().any(|other| is_inside(other) && path.starts_with(other))
    }
}

/// An item of the walk.
pub(super) enum Found {
    Directory(Member),
    File(FoundFile),
}

/// A file found by the walk. Its metadata has not been read yet: opening the file provides it.
pub(super) struct FoundFile {
    pub(super) path: RelativePath,
    /// If the path is a symbolic link: the file that it led to when it was followed.
    end: Option<Metadata>,
}

/// The walk itself; it ends after the first error.
pub(super) struct Walk<'a> {
    source: &'a LayerSource<'a>,
    ignore: Descent<'a>,
    /// The context folder without symbolic links, for deciding which paths are inside, once there is a link.
    context: OnceCell<PathBuf>,
    levels: Vec<Level>,
    ready: VecDeque<Found>,
    pub(super) path_is_ignored: bool,
    left_out: LeftOut,
}

/// A folder on the way down.
struct Level {
    path: RelativePath,
    folder: Dir,
    /// Contains the identity, by which a folder that contains itself is detected.
    metadata: Metadata,
    standing: Standing,
    /// The member of the folder until it is needed: an ignored folder, or one above the layer, is packed only if it
    /// contains packed files.
    pending: Option<Member>,
    names: Names,
}

impl<'a> Walk<'a> {
    pub(super) fn new(source: &'a LayerSource<'a>) -> Result<Self, Error> {
        let root = RelativePath::root();
        let unreadable = Error::reading(&root);
        let folder = Dir::open(source.root).map_err(&unreadable)?;
        let metadata = folder.metadata().map_err(&unreadable)?;
        let (levels, ready, left_out) = (Vec::new(), VecDeque::new(), LeftOut::default());
        let ignore = Descent::new(source.ignore, &source.path, source.root);
        let context = OnceCell::new();
        let mut walk = Self { source, ignore, context, levels, ready, path_is_ignored: false, left_out };
        walk.enter(root.clone(), folder, metadata, Standing::default())?;
        walk.levels[0].pending = None;
        Ok(walk)
    }

    /// Reads the metadata of `file`, which the walk has just yielded.
    pub(super) fn look_at(&self, file: FoundFile) -> Result<Member, Error> {
        let FoundFile { path, end } = file;
        let metadata = match end {
            Some(metadata) => metadata,
            None => self.metadata_of(&path, Link::Stay)?,
        };
        if metadata.file_type == FileType::File {
            Ok(Member::new(path, metadata, &self.source.modes))
        } else {
            Err(changed(path))
        }
    }

    /// Opens `file`, which the walk has just yielded.
    pub(super) fn open_file(&self, file: &FoundFile) -> Result<File, Error> {
        let path = &file.path;
        let Some(end) = file.end else {
            return self.folder().open_file(name_of(path), Link::Stay).map_err(|error| {
                if is_link_refusal(&error) { changed(path.clone()) } else { self.reading_failed(path, error) }
            });
        };
        let failed = |source| self.reading_failed(path, source);
        let opened = self.folder().open_file(name_of(path), Link::Follow).map_err(failed)?;
        let metadata = Metadata::of(&opened).map_err(failed)?;
        // A link that has been changed may now lead out of the context folder.
        if metadata.is_same_file(&end) { Ok(opened) } else { Err(changed(path.clone())) }
    }

    /// The folder of the item that the walk has just yielded.
    fn folder(&self) -> &Dir {
        &self.levels.last().expect("a member lies in a folder").folder
    }

    fn visit(&mut self, path: RelativePath, listed: Option<FileType>) -> Result<(), Error> {
        if self.source.is_left_to_another(&path) {
            return Ok(());
        }
        let is_above = self.is_above_layer(&path);
        let above = &self.levels.last().expect("a name lies in a folder").standing;
        let standing = self.ignore.enter(above, &path);
        if standing.is_left_out && !above.is_left_out {
            self.left_out.add(&path);
        }
        let is_ignored = !is_above && self.ignore.is_ignored(&standing);
        self.path_is_ignored |= is_ignored && path == self.source.path;
        if is_ignored && !self.may_hold_kept_files(&path) {
            return Ok(());
        }
        let length = path.as_str().len();
        if length > LONGEST_PATH {
            return Err(Error::PathTooLong { path, length, limit: LONGEST_PATH });
        }
        let (kind, end) = self.resolve(&path, listed)?;
        match kind {
            FileType::Directory => {
                let (folder, metadata) = self.open_folder(&path, end)?;
                self.enter(path, folder, metadata, standing)?;
                if !is_above && !is_ignored {
                    self.release_pending();
                }
            }
            _ if is_above => return Err(missing(self.source.root, &self.source.path)),
            FileType::File => {
                self.release_pending();
                self.ready.push_back(Found::File(FoundFile { path, end }));
            }
            _ => return Err(Error::NotAFile { path }),
        }
        Ok(())
    }

    fn is_above_layer(&self, path: &RelativePath) -> bool {
        *path != self.source.path && self.source.path.starts_with(path)
    }

    fn may_hold_kept_files(&self, path: &RelativePath) -> bool {
        self.source.ignore.may_keep_below(path) && path.join_to(self.source.root).is_dir()
    }

    /// Returns the file type at `path`. If it is a symbolic link that may be followed, returns the type and the
    /// metadata of its target. Most file systems list file types, so that no further system call is needed.
    fn resolve(&self, path: &RelativePath, listed: Option<FileType>) -> Result<(FileType, Option<Metadata>), Error> {
        let kind = match listed {
            Some(listed) => listed,
            None => self.metadata_of(path, Link::Stay)?.file_type,
        };
        if kind != FileType::Link {
            return Ok((kind, None));
        }
        self.check_link(path)?;
        let end = self.metadata_of(path, Link::Follow)?;
        Ok((end.file_type, Some(end)))
    }

    fn check_link(&self, path: &RelativePath) -> Result<(), Error> {
        let place = path.join_to(self.source.root);
        let failed = |source| self.reading_failed(path, source);
        let target = fs::read_link(&place).map_err(failed)?;
        let end = match fs::canonicalize(&place) {
            Ok(end) => end,
            Err(error) if is_absent(&error) => return Err(Error::DanglingLink { path: path.clone(), target }),
            Err(error) => return Err(failed(error)),
        };
        if self.source.links == Links::InsideContext && !end.starts_with(self.context()?) {
            return Err(Error::LinkLeavesContext { path: path.clone(), target });
        }
        Ok(())
    }

    fn context(&self) -> Result<&Path, Error> {
        if let Some(context) = self.context.get() {
            return Ok(context);
        }
        let context = fs::canonicalize(self.source.root).map_err(Error::reading(&RelativePath::root()))?;
        Ok(self.context.get_or_init(|| context))
    }

    fn metadata_of(&self, path: &RelativePath, link: Link) -> Result<Metadata, Error> {
        self.folder().metadata_of(name_of(path), link).map_err(|source| self.reading_failed(path, source))
    }

    /// Opens the folder `path`, which must be the one that a symbolic link led to.
    fn open_folder(&self, path: &RelativePath, end: Option<Metadata>) -> Result<(Dir, Metadata), Error> {
        let failed = |source| self.reading_failed(path, source);
        let link = if end.is_some() { Link::Follow } else { Link::Stay };
        let folder = self.folder().open_directory(name_of(path), link).map_err(failed)?;
        let metadata = folder.metadata().map_err(failed)?;
        if end.is_some_and(|end| !end.is_same_file(&metadata)) {
            return Err(changed(path.clone()));
        }
        Ok((folder, metadata))
    }

    fn reading_failed(&self, path: &RelativePath, source: io::Error) -> Error {
        if is_absent(&source) && self.source.path.starts_with(path) {
            return missing(self.source.root, &self.source.path);
        }
        Error::reading(path)(source)
    }

    fn enter(&mut self, path: RelativePath, folder: Dir, metadata: Metadata, standing: Standing) -> Result<(), Error> {
        if self.levels.iter().any(|level| level.metadata.is_same_file(&metadata)) {
            return Err(Error::LinkLoop { path });
        }
        let names = match self.next_above_layer(&path) {
            Some(name) => Names::one(name),
            None => folder.names().map_err(Error::reading(&path))?.map_err(|name| {
                let path = path.join_to(Path::new("")).join(name);
                Error::NameNotUtf8 { path }
            })?,
        };
        let pending = Some(Member::new(path.clone(), metadata, &self.source.modes));
        self.levels.push(Level { path, folder, metadata, standing, pending, names });
        Ok(())
    }

    /// Returns the one relevant name in a folder above the layer.
    fn next_above_layer(&self, path: &RelativePath) -> Option<&'a str> {
        let next = self.source.path.components().nth(path.components().count());
        next.filter(|_| self.is_above_layer(path))
    }

    fn release_pending(&mut self) {
        // The folders above a released one are released.
        let first = self.levels.iter().rposition(|level| level.pending.is_none()).map_or(0, |last| last + 1);
        self.ready
            .extend(self.levels[first..].iter_mut().filter_map(|level| level.pending.take()).map(Found::Directory));
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Found, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Some(Ok(found));
            }
            let level = self.levels.last_mut()?;
            let Some((name, kind)) = level.names.next() else {
                self.levels.pop();
                continue;
            };
            let path = level.path.child(name).expect("a folder lists normal names");
            if let Err(error) = self.visit(path, kind) {
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

fn name_of(path: &RelativePath) -> &str {
    path.file_name().expect("only the context folder has no name")
}

fn changed(path: RelativePath) -> Error {
    Error::FileChanged { path }
}
