//! The list of what an interrupted process removes before it ends.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fs_err as fs;

/// Something that exists only while a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftoverKind {
    /// A file, which is removed.
    File(PathBuf),
    /// A folder, which is removed with its content.
    Folder(PathBuf),
    /// A folder that is removed if it is empty.
    EmptyFolder(PathBuf),
    /// An incomplete download, which is kept for the next run. Space that is reserved behind its end is freed.
    PartialDownload(PathBuf),
    /// A running child process, which is asked to end.
    Child(u32),
    /// The terminal does not show what the user types, and has to show it again.
    HiddenInput,
}

/// An entry of the list. It is removed from the list when it is dropped; what it stands for is not touched.
#[derive(Debug)]
pub struct Leftover(u64);

static LEFTOVERS: Mutex<Leftovers> = Mutex::new(Leftovers { entries: BTreeMap::new(), next: 0 });

/// The number of attempts to remove a folder to which threads may add files that they had begun to create.
const ATTEMPTS: usize = 100;

/// The pause between two attempts on Windows, which does not remove a folder that a thread holds, and the time for all
/// of them: file systems other than NTFS keep the names of files that are open until the process ends.
const PAUSE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// In the order of their creation.
    entries: BTreeMap<u64, LeftoverKind>,
    next: u64,
}

impl Leftover {
    /// Creates something and adds it to the list in one step, so that a signal cannot come between the two.
    pub fn create<T>(
        create: impl FnOnce() -> io::Result<T>,
        kind: impl FnOnce(&T) -> LeftoverKind,
    ) -> io::Result<(T, Self)> {
        let mut leftovers = lock();
        let created = create()?;
        let number = leftovers.add(kind(&created));
        Ok((created, Self(number)))
    }

    /// Adds something that exists already.
    pub fn new(kind: LeftoverKind) -> Self {
        Self(lock().add(kind))
    }

    /// Takes the entry off the list for good.
    pub fn release(&self) {
        lock().entries.remove(&self.0);
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        self.release();
    }
}

/// Takes the list. A thread that wants to change it from then on waits, so it must be kept until the process ends.
pub(super) fn lock() -> MutexGuard<'static, Leftovers> {
    LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Leftovers {
    fn add(&mut self, kind: LeftoverKind) -> u64 {
        self.next += 1;
        self.entries.insert(self.next, kind);
        self.next
    }

    /// Removes everything on the list, the newest first: it may be inside an older entry. What cannot be removed stays;
    /// the process ends in any case.
    pub(super) fn remove_all(&mut self) {
        let end = Instant::now() + PATIENCE;
        // Children write into the folders.
        for kind in self.entries.values() {
            if let LeftoverKind::Child(id) = kind {
                super::super::process::ask_to_end(*id);
            }
        }
        for kind in std::mem::take(&mut self.entries).into_values().rev() {
            match kind {
                LeftoverKind::File(path) => remove(end, || fs::remove_file(&path)),
                LeftoverKind::Folder(path) => remove(end, || fs::remove_dir_all(&path)),
                LeftoverKind::EmptyFolder(path) => remove(end, || fs::remove_dir(&path)),
                LeftoverKind::PartialDownload(path) => drop(free_reserved_space(&path)),
                LeftoverKind::HiddenInput => super::super::terminal::show_input(),
                LeftoverKind::Child(_) => {}
            }
        }
    }

    /// Returns true if a partial download is on the list.
    pub(super) fn has_partial_download(&self) -> bool {
        self.entries.values().any(|kind| matches!(kind, LeftoverKind::PartialDownload(_)))
    }
}

/// Removes something, after several attempts if need be.
fn remove(end: Instant, attempt: impl Fn() -> io::Result<()>) {
    for _ in 0..ATTEMPTS {
        match attempt().map_err(|error| error.kind()) {
            Err(_) if cfg!(windows) && Instant::now() > end => return,
            Err(io::ErrorKind::DirectoryNotEmpty) => {}
            Err(kind) if cfg!(windows) && kind != io::ErrorKind::NotFound => std::thread::sleep(PAUSE),
            _ => return,
        }
    }
}

fn free_reserved_space(path: &Path) -> io::Result<()> {
    let file = fs::OpenOptions::new().write(true).open(path)?;
    file.set_len(file.metadata()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_on_the_list_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        for folder in ["made", "made/inner/staging", "used"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        for file in ["made/inner/staging/a", "used/mine", "temporary", "mine", "partial"] {
            fs::write(path(file), "x").unwrap();
        }
        let mut list = Leftovers::default();
        for folder in ["made", "made/inner", "used"] {
            list.add(LeftoverKind::EmptyFolder(path(folder)));
        }
        list.add(LeftoverKind::Folder(path("made/inner/staging")));
        list.add(LeftoverKind::File(path("temporary")));
        list.add(LeftoverKind::PartialDownload(path("partial")));
        assert!(list.has_partial_download());
        list.remove_all();
        let left = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = left(place.path()).chain(left(&path("used"))).collect();
        names.sort();
        assert_eq!(names, ["mine", "mine", "partial", "used"]);
    }

    #[test]
    fn an_entry_is_on_the_list_as_long_as_it_lives() {
        let kind = || LeftoverKind::File("no/such/file".into());
        let is_listed = || lock().entries.values().any(|entry| *entry == kind());
        let entry = Leftover::new(kind());
        assert!(is_listed());
        drop(entry);
        assert!(!is_listed());
        let failed = Leftover::create(|| Err::<(), _>(io::ErrorKind::Other.into()), |()| kind());
        assert!(failed.is_err() && !is_listed());
    }
}
