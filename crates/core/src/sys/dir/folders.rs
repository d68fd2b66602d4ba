//! A directory with a cache of the open directories below it, for visiting many paths in their order.
//!
//! The system resolves a path name by name, so a file at depth 500 takes 500 steps. Beneath the open folder of the last
//! file it takes one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Dir, Link};

/// The maximum number of open directories of a thread. A walk back up through more levels resolves a path from the top
/// again, once for as many levels.
const KEPT: usize = 16;

/// A directory, and for each thread that looks up paths below it the folders above the last path.
///
/// The folders must not be moved in the meantime: an open folder stays the same one wherever it is.
#[derive(Debug)]
pub struct Folders {
    root: Dir,
    place: PathBuf,
    /// The treatment of symbolic links above the last name of a path.
    link: Link,
    /// The stacks that no thread is using.
    idle: Mutex<Vec<Stack>>,
}

/// Open folders, each below the one before it.
#[derive(Debug, Default)]
struct Stack {
    levels: Vec<(String, Dir)>,
}

impl Folders {
    /// Returns the folders below `root`, whose path is `place`. `link` is the treatment of symbolic links between them.
    pub fn new(root: Dir, place: &Path, link: Link) -> Self {
        Self { root, place: place.to_owned(), link, idle: Mutex::default() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Dir {
        &self.root
    }

    /// Calls `act` with the folder that contains `path` and the name of `path` there.
    ///
    /// Below a folder that cannot be opened, `act` gets the directory itself and the whole path, if links are not
    /// followed.
    pub fn at<T>(&self, path: &str, act: impl FnOnce(&Dir, &str) -> io::Result<T>) -> io::Result<T> {
        let Some((parent, name)) = path.rsplit_once('/') else { return act(&self.root, path) };
        let mut stack = self.idle().pop().unwrap_or_default();
        let result = match stack.open(self, parent) {
            Ok(folder) => act(folder, name),
            Err(_) if self.link == Link::Stay => act(&self.root, path),
            Err(error) => Err(error),
        };
        self.idle().push(stack);
        result
    }

    /// Opens the folder `path` from the top.
    fn open(&self, path: &str) -> io::Result<Dir> {
        match self.link {
            Link::Follow => Dir::open(&self.place.join(path)),
            Link::Stay => self.root.open_directory(path, Link::Stay),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Stack>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stack {
    /// Opens the folder `path`, and keeps it and some folders above it open.
    fn open<'a>(&'a mut self, folders: &'a Folders, path: &str) -> io::Result<&'a Dir> {
        while self.levels.last().is_some_and(|(above, _)| !is_at_or_below(path, above)) {
            self.levels.pop();
        }
        let mut done = self.levels.last().map_or(0, |(above, _)| above.len());
        if ends(path).filter(|end| *end > done).count() > KEPT {
            // One step of the system instead of one for each folder.
            done = ends(path).nth_back(KEPT - 1).expect("more names than that are missing");
            self.levels = vec![(path[..done].to_owned(), folders.open(&path[..done])?)];
        }
        for end in ends(path).filter(|end| *end > done) {
            let above = self.levels.last().map_or(&folders.root, |(_, folder)| folder);
            let name = path[..end].rsplit_once('/').map_or(&path[..end], |(_, name)| name);
            let folder = above.open_directory(name, folders.link)?;
            self.levels.push((path[..end].to_owned(), folder));
        }
        self.levels.drain(..self.levels.len().saturating_sub(KEPT));
        Ok(self.levels.last().map_or(&folders.root, |(_, folder)| folder))
    }
}

/// The ends of the folders above `path`, and of `path` itself.
fn ends(path: &str) -> impl DoubleEndedIterator<Item = usize> {
    path.match_indices('/').map(|(end, _)| end).chain([path.len()])
}

fn is_at_or_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Found;

    fn deep(levels: usize) -> (tempfile::TempDir, Vec<String>) {
        let place = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for level in 0..levels {
            let folder = vec!["d"; level + 1].join("/");
            fs_err::create_dir(place.path().join(&folder)).unwrap();
            for name in ["a", "z"] {
                fs_err::write(place.path().join(&folder).join(name), format!("{level}")).unwrap();
                files.push(format!("{folder}/{name}"));
            }
        }
        (place, files)
    }

    fn folders(place: &Path, link: Link) -> Folders {
        Folders::new(Dir::open(place).unwrap(), place, link)
    }

    #[test]
    fn files_are_found_in_any_order_of_their_paths() {
        let (place, mut files) = deep(3 * KEPT);
        for link in [Link::Stay, Link::Follow] {
            let folders = folders(place.path(), link);
            for _ in 0..2 {
                for file in files.iter().chain(files.iter().rev()).chain(files.iter().step_by(KEPT + 3)) {
                    let size = folders.at(file, |folder, name| Ok(folder.metadata_of(name, Link::Stay)?.size)).unwrap();
                    let expected = fs_err::metadata(place.path().join(file)).unwrap().len();
                    assert_eq!(size, expected, "{file}");
                }
                files.sort();
            }
            let open: usize = folders.idle().iter().map(|stack| stack.levels.len()).sum();
            assert!(open <= KEPT, "{open} folders are open");
        }
    }

    #[test]
    fn what_does_not_exist_is_an_error_or_nothing() {
        let (place, _) = deep(2);
        let find = |folders: &Folders, path: &str| folders.at(path, Dir::find);
        let stay = folders(place.path(), Link::Stay);
        for (path, expected) in [
            ("d", Found::Directory),
            ("d/x", Found::Nothing),
            ("d/d/d/d/x", Found::Nothing),
            ("d/a/x", Found::BelowFile),
            ("d/a", Found::File { size: 1 }),
            ("dd/a", Found::Nothing),
        ] {
            assert_eq!(find(&stay, path).unwrap(), expected, "{path}");
        }
        let follow = folders(place.path(), Link::Follow);
        assert_eq!(find(&follow, "d/d/d/x").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(find(&follow, "d/a/x").unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_between_the_folders_is_followed_only_if_wanted() {
        let (place, _) = deep(2);
        fs_err::os::unix::fs::symlink("d/d", place.path().join("link")).unwrap();
        let find = |link| folders(place.path(), link).at("link/a", Dir::find).unwrap();
        assert_eq!(find(Link::Stay), Found::Link);
        assert_eq!(find(Link::Follow), Found::File { size: 1 });
    }
}
