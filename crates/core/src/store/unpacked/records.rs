//! Reading and removing unpack records.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::entry::UnpackEntry;
use super::recording::HEAD;
use crate::limits;
use crate::store::collect::{files, remove_if_there};
use crate::store::error::Error;
use crate::store::layout::{Store, TEMPORARY_PREFIX};
use crate::sys;

/// The number of records up to which unpacking does not look for those of folders that no longer exist.
const MANY_RECORDS: usize = 64;

impl Store {
    /// The entries of the record of `folder`, a canonical path, and `repository`. A record that a crash has damaged
    /// ends before the damage; a missing one has no entries.
    pub fn unpack_entries(&self, folder: &Path, repository: &str) -> io::Result<impl Iterator<Item = UnpackEntry>> {
        Ok(read(&self.unpack_record(folder, repository)?, folder)?.into_iter().flatten())
    }

    /// The entries of each record of `folder`, a canonical path.
    pub fn all_unpack_entries(&self, folder: &Path) -> io::Result<Vec<impl Iterator<Item = UnpackEntry> + use<>>> {
        let name = Self::name_of_folder(folder)?;
        let mut records = Vec::new();
        for (record, _) in files(&self.unpacked())? {
            if record.starts_with(&name) {
                records.extend(read(&self.unpacked().join(record), folder)?);
            }
        }
        Ok(records)
    }

    /// The identity of this run of the system, if it reports one.
    pub fn run_of_system(&self) -> Option<&str> {
        self.durability().run()
    }

    /// Removes the records of folders that no longer exist, and those that killed processes left unfinished.
    pub(in crate::store) fn forget_unpacked(&self) -> Result<(), Error> {
        for (name, _) in files(&self.unpacked())? {
            let record = self.unpacked().join(&name);
            let is_unfinished = name.starts_with(TEMPORARY_PREFIX);
            let is_needed = if is_unfinished { is_locked(&record) } else { is_of_existing_folder(&record) };
            if !is_needed? {
                remove_if_there(&record)?;
            }
        }
        Ok(())
    }

    /// Like [`forget_unpacked`](Self::forget_unpacked), if there are many records. They only cost space.
    pub(super) fn forget_some_unpacked(&self) {
        let is_many = files(&self.unpacked()).is_ok_and(|records| records.len() > MANY_RECORDS);
        if is_many {
            drop(self.forget_unpacked());
        }
    }
}

/// Returns the entries of the record `path`, if it exists and is the one of `folder`.
fn read(path: &Path, folder: &Path) -> io::Result<Option<impl Iterator<Item = UnpackEntry> + use<>>> {
    let Some((found, mut reader)) = open(path)? else { return Ok(None) };
    if found != folder {
        return Ok(None);
    }
    let mut left = limits::UNPACK_RECORD_ENTRIES;
    Ok(Some(std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        UnpackEntry::parse(&next(&mut reader).ok()??)
    })))
}

/// Returns the folder of a record, and the reader of its entries. None if it does not exist or is damaged.
fn open(path: &Path) -> io::Result<Option<(PathBuf, impl BufRead + use<>)>> {
    let file = match sys::open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let Some(head) = next(&mut reader)? else { return Ok(None) };
    let Some(folder) = head.strip_prefix(HEAD) else { return Ok(None) };
    Ok(Some((sys::path_of_bytes(folder.to_owned())?, reader)))
}

/// Returns the next bytes before a NUL. None at the end, also if the NUL is missing.
fn next(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(limits::UNPACK_RECORD_ENTRY_BYTES).read_until(0, &mut bytes)?;
    Ok(bytes.pop().filter(|last| *last == 0).map(|_| bytes))
}

fn is_locked(record: &Path) -> io::Result<bool> {
    match sys::open_regular(record) {
        Ok(file) => Ok(file.file().try_lock().is_err()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn is_of_existing_folder(record: &Path) -> io::Result<bool> {
    let Some((folder, _)) = open(record)? else { return Ok(false) };
    match fs::symlink_metadata(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::store::{UnpackRun, UnpackedFile};
    use crate::sys::Timestamp;

    struct Scene {
        place: tempfile::TempDir,
        store: Store,
    }

    impl Scene {
        fn new() -> Self {
            let place = tempfile::tempdir().unwrap();
            let store = Store::open(place.path().join("store")).unwrap();
            Self { place, store }
        }

        fn folder(&self, name: &str) -> PathBuf {
            let folder = self.place.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            folder
        }

        fn record(&self, folder: &Path, repository: &str, path: &str) {
            let mut recording = self.store.record_unpacking(folder, repository, run()).unwrap();
            recording.write(&file(path)).unwrap();
            recording.publish().unwrap().finish().unwrap();
        }

        fn records(&self) -> usize {
            files(&self.store.unpacked()).unwrap().len()
        }
    }

    fn run() -> UnpackRun {
        let (reference, manifest) = ("x:v1".to_owned(), Digest::of(b"manifest"));
        UnpackRun { reference, manifest, boot: None, begun: 0, parts: Vec::new() }
    }

    fn file(path: &str) -> UnpackEntry {
        let (path, modified) = (path.to_owned(), Timestamp::default());
        UnpackEntry::File(UnpackedFile { path, size: 1, modified, written: None })
    }

    #[test]
    fn each_folder_and_repository_has_a_record_which_the_next_one_replaces() {
        let scene = Scene::new();
        let (one, other) = (scene.folder("one"), scene.folder("other"));
        for (folder, repository, path) in [(&one, "a", "old"), (&one, "a", "x"), (&one, "b", "y"), (&other, "a", "z")] {
            scene.record(folder, repository, path);
        }
        let entries: Vec<_> = scene.store.unpack_entries(&one, "a").unwrap().collect();
        let [UnpackEntry::Run(_), UnpackEntry::Times(times), last] = &entries[..] else { panic!("{entries:?}") };
        assert!(times.placing.is_some() && times.done >= times.placing && *last == file("x"));
        let all: Vec<_> = scene.store.all_unpack_entries(&one).unwrap().into_iter().flatten().collect();
        assert!(all.len() == 6 && all.contains(&file("x")) && all.contains(&file("y")), "{all:?}");
        assert_eq!(scene.store.unpack_entries(&scene.folder("none"), "a").unwrap().count(), 0);
    }

    #[test]
    fn a_record_ends_where_a_crash_has_damaged_it() {
        let scene = Scene::new();
        let folder = scene.folder("one");
        scene.record(&folder, "a", "x");
        let path = scene.store.unpack_record(&folder, "a").unwrap();
        let whole = fs::read(&path).unwrap();
        for (kept, expected) in [(whole.len(), 3), (whole.len() - 1, 2), (whole.len() - 20, 1), (20, 0), (0, 0)] {
            fs::write(&path, &whole[..kept]).unwrap();
            assert_eq!(scene.store.unpack_entries(&folder, "a").unwrap().count(), expected, "{kept}");
            let zeros = [&whole[..kept], &[0; 4096]].concat();
            fs::write(&path, zeros).unwrap();
            assert!(scene.store.unpack_entries(&folder, "a").unwrap().count() <= 3, "{kept}");
        }
    }

    #[test]
    fn a_record_that_is_being_written_is_not_forgotten() {
        let scene = Scene::new();
        let folder = scene.folder("one");
        let mut recording = scene.store.record_unpacking(&folder, "a", run()).unwrap();
        scene.store.forget_unpacked().unwrap();
        recording.write(&file("x")).unwrap();
        drop(recording.publish().unwrap());
        assert_eq!(scene.store.unpack_entries(&folder, "a").unwrap().count(), 3);
    }

    #[test]
    fn records_of_missing_folders_and_unfinished_ones_are_forgotten() {
        let scene = Scene::new();
        let (one, other) = (scene.folder("one"), scene.folder("other"));
        scene.record(&one, "a", "x");
        scene.record(&other, "a", "x");
        drop(scene.store.record_unpacking(&one, "b", run()).unwrap());
        assert_eq!(scene.records(), 2);
        fs::write(scene.store.unpacked().join("tmp-killed"), "").unwrap();
        fs::remove_dir(&other).unwrap();
        scene.store.collect().unwrap();
        assert_eq!(scene.records(), 1);
        assert_eq!(scene.store.unpack_entries(&one, "a").unwrap().count(), 3);
    }
}
