//! Files that are written by several threads.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::destination::Destination;
use super::extract::SingleFile;
use super::receive::create;
use crate::archive::error::Error;
use crate::archive::reading::{fill, read_once};
use crate::progress::Task;
use crate::relative_path::RelativePath;
use crate::sys::{self, BlockWriter, CACHED_BYTES, Found};

/// The permission to open a file again for writing.
const OWNER_WRITES: u32 = 0o200;

/// A file of a [`Destination`] that is written in parts, in any order and several at once.
///
/// All parts must have been written before the destination is committed; after an error it must not be committed.
#[derive(Debug)]
pub struct FileInParts {
    path: RelativePath,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The file already has its content.
    Cloned,
    /// Each part opens the file: there may be more such files than a process may have open.
    Closed,
    /// The file stays open because its mode forbids opening it again for writing.
    Open(File),
}

impl Destination {
    /// Creates `file`, to be written in parts. If it can be cloned, its parts only have to be read for verification.
    ///
    /// Returns none if the path exists, because then the file has to be compared from beginning to end, or if there is
    /// a conflict, so that nothing will be committed; such a file has to be [extracted](super::extract::extract_file).
    pub fn begin_file(&self, file: &SingleFile) -> Result<Option<FileInParts>, Error> {
        let SingleFile { path, mode, size, original } = file;
        self.check_path(path)?;
        if self.find(path)? != Found::Nothing || self.is_doomed() {
            return Ok(None);
        }
        if !self.expect_file(path) {
            return Err(Error::Refused { member: path.to_string(), reason: "it occurs twice" });
        }
        let (file, is_cloned) = create(self, path, *mode, original.as_ref())?;
        let size = size.unwrap_or_default();
        if !is_cloned {
            // Writing past the end of a file is slower.
            file.set_len(size).map_err(Error::unpacking(path))?;
        }
        let found_mode = sys::mode_of(&file.metadata().map_err(Error::unpacking(path))?);
        let state = match found_mode & OWNER_WRITES {
            _ if is_cloned => State::Cloned,
            0 => State::Open(file),
            _ => State::Closed,
        };
        self.note_written(path, size, None);
        Ok(Some(FileInParts { path: (*path).clone(), state }))
    }

    /// Writes the `size` bytes of `content` into `file` at `offset`, and reports them to `task`.
    ///
    /// The bytes go through the page cache as long as it accepts them without waiting for the disk, and past it
    /// afterwards.
    pub fn write_part(
        &self,
        file: &FileInParts,
        offset: u64,
        size: u64,
        content: &mut impl Read,
        task: &dyn Task,
    ) -> Result<(), Error> {
        let failed = Error::unpacking(&file.path);
        match &file.state {
            State::Cloned => pass_on(offset, content, &mut io::sink(), task, failed),
            State::Open(file) => pass_on(offset, content, &mut WriterAt { file, offset }, task, failed),
            State::Closed => {
                let mut file = self.staging()?.open_file(&file.path).map_err(&failed)?;
                if self.takes_at_once(size) {
                    return pass_on(offset, content, &mut WriterAt { file: &file, offset }, task, failed);
                }
                file.seek(SeekFrom::Start(offset)).map_err(&failed)?;
                let mut blocks = BlockWriter::new(file, offset);
                pass_on(offset, content, &mut blocks, task, &failed)?;
                blocks.finish().map_err(failed)
            }
        }
    }
}

fn pass_on(
    mut offset: u64,
    content: &mut impl Read,
    sink: &mut impl Write,
    task: &dyn Task,
    failed: impl Fn(io::Error) -> Error,
) -> Result<(), Error> {
    let mut buffer = vec![0; CACHED_BYTES];
    loop {
        // The first read ends where a folio of the page cache ends: one that is written in two steps takes twice the
        // time.
        let past = usize::try_from(offset % CACHED_BYTES as u64).unwrap_or_default();
        let filled = fill(&mut buffer[past..], |rest| read_once(content, rest));
        let filled = filled.map_err(|source| Error::ReadLayer { source })?;
        if filled == 0 {
            return Ok(());
        }
        sink.write_all(&buffer[past..past + filled]).map_err(&failed)?;
        offset += filled as u64;
        task.advance(filled as u64);
    }
}

/// Writes into a file at its own position, independent of the position of the file.
struct WriterAt<'a> {
    file: &'a File,
    offset: u64,
}

impl Write for WriterAt<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = sys::write_at(self.file, buffer, self.offset)?;
        self.offset += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::unpack::destination::Overwrite;
    use crate::progress::Silent;

    fn begin(destination: &Destination, path: &str, size: u64) -> Result<Option<FileInParts>, Error> {
        let path = path.parse().unwrap();
        destination.begin_file(&SingleFile { path: &path, mode: 0o640, size: Some(size), original: None })
    }

    #[test]
    fn parts_may_come_in_any_order_and_past_the_page_cache() {
        let folder = tempfile::tempdir().unwrap();
        let destination = Destination::open(folder.path(), Overwrite::Refuse).unwrap();
        let content: Vec<u8> = (0..19_000_003_u32).map(|number| (number / 3).to_le_bytes()[0]).collect();
        let file = begin(&destination, "a/b", content.len() as u64).unwrap().unwrap();
        for (part, size) in [(700_001..18_000_003, u64::MAX), (18_000_003..19_000_003, 1), (0..700_001, u64::MAX)] {
            destination.write_part(&file, part.start as u64, size, &mut &content[part], &Silent).unwrap();
        }
        assert_eq!(destination.commit().unwrap().bytes, 19_000_003);
        assert!(fs_err::read(folder.path().join("a/b")).unwrap() == content);
    }

    #[test]
    fn existing_and_repeated_files_have_no_parts() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("old"), "old").unwrap();
        let destination = Destination::open(folder.path(), Overwrite::Refuse).unwrap();
        assert!(begin(&destination, "old", 3).unwrap().is_none());
        assert!(begin(&destination, "new", 3).unwrap().is_some());
        let error = begin(&destination, "new", 3).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    }
}
