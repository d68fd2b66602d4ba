//! Writing an unpack record. The new record is a temporary file until it replaces the old one. It is locked, which
//! distinguishes it from one that a killed process left.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::entry::{UnpackEntry, UnpackRun, UnpackTimes};
use crate::digest::Digest;
use crate::limits;
use crate::store::durability::disk;
use crate::store::layout::{Store, TEMPORARY_PREFIX};
use crate::sys::{self, TemporaryFile, Timestamp};

/// The version of the form of a record.
pub(super) const HEAD: &[u8] = b"kit-unpacked 1 ";

/// The size of the buffer for entries, which have about 100 bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// A record that is being written.
#[derive(Debug)]
pub struct Recording {
    writer: BufWriter<TemporaryFile>,
    place: PathBuf,
    /// The offset of the times of the run.
    times: u64,
    entries: usize,
    /// True if this command waits for the disk.
    waits: bool,
}

/// A record that has its name. The run that it describes has not ended yet.
#[derive(Debug)]
pub struct Recorded {
    file: File,
    times: u64,
    placing: Timestamp,
    waits: bool,
}

impl Store {
    /// Begins the record of `run`, which unpacks files into `folder`, a canonical path, from `repository`.
    pub fn record_unpacking(&self, folder: &Path, repository: &str, run: UnpackRun) -> io::Result<Recording> {
        let place = self.unpack_record(folder, repository)?;
        fs::create_dir_all(self.unpacked())?;
        self.forget_some_unpacked();
        let file = TemporaryFile::create(&self.unpacked(), TEMPORARY_PREFIX, 0o600)?;
        file.as_file().lock()?;
        let mut head = [HEAD, sys::bytes_of_path(folder)?, b"\0"].concat();
        UnpackEntry::Run(Box::new(run)).write_to(&mut head)?;
        let times = head.len() as u64;
        UnpackEntry::Times(UnpackTimes::default()).write_to(&mut head)?;
        let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
        writer.write_all(&head)?;
        Ok(Recording { writer, place, times, entries: 0, waits: self.waits_for_disk() })
    }

    /// The path of the record of `folder` and `repository`.
    pub(super) fn unpack_record(&self, folder: &Path, repository: &str) -> io::Result<PathBuf> {
        let repository = Digest::of(repository.as_bytes()).hex();
        Ok(self.unpacked().join(format!("{}-{repository}", Self::name_of_folder(folder)?)))
    }

    pub(super) fn name_of_folder(folder: &Path) -> io::Result<String> {
        Ok(Digest::of(sys::bytes_of_path(folder)?).hex())
    }

    pub(super) fn unpacked(&self) -> PathBuf {
        self.private("unpacked")
    }
}

impl Recording {
    /// Appends an entry. Fails if the record becomes too large to be read again.
    pub fn write(&mut self, entry: &UnpackEntry) -> io::Result<()> {
        if self.entries >= limits::UNPACK_RECORD_ENTRIES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.entries += 1;
        entry.write_to(&mut self.writer)
    }

    /// Replaces the earlier record; the files begin to get their names. The system begins to write the record to the
    /// disk, so that it is usually there before these files.
    pub fn publish(self) -> io::Result<Recorded> {
        let temporary = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        let file = temporary.as_file().try_clone()?;
        let recorded = Recorded { file, times: self.times, placing: Timestamp::now(), waits: self.waits };
        recorded.enter_times(None)?;
        if !self.waits {
            sys::begin_to_write(&recorded.file);
        }
        disk::persist(temporary, &self.place)?;
        Ok(recorded)
    }
}

impl Recorded {
    /// Enters that all files have their names.
    pub fn finish(self) -> io::Result<()> {
        self.enter_times(Some(Timestamp::now()))
    }

    fn enter_times(&self, done: Option<Timestamp>) -> io::Result<()> {
        let mut bytes = Vec::new();
        UnpackEntry::Times(UnpackTimes { placing: Some(self.placing), done }).write_to(&mut bytes)?;
        if sys::write_at(&self.file, &bytes, self.times)? < bytes.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        if self.waits { disk::sync(&self.file) } else { Ok(()) }
    }
}
