//! A list of paths that is stored in a file, since its length depends on the author of the archive.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::relative_path::RelativePath;
use crate::sys::Dir;

/// The list. Each record is a tag, a blank, a path and a NUL.
#[derive(Debug)]
pub(crate) struct Records {
    file: File,
}

impl Records {
    /// Creates an empty list in the file `name` in `folder`.
    pub(crate) fn create(folder: &Dir, name: &str) -> io::Result<Self> {
        Ok(Self { file: folder.create_file(name, 0o600)? })
    }

    pub(crate) fn append(&mut self, tag: &str, path: &RelativePath) -> io::Result<()> {
        self.file.write_all(format!("{tag} {path}\0").as_bytes())
    }

    /// Returns all records in the order in which they were appended.
    pub(crate) fn read(&mut self) -> io::Result<Vec<(String, RelativePath)>> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_string(&mut text)?;
        text.split_terminator('\0')
            .map(|record| parse(record).ok_or_else(|| io::ErrorKind::InvalidData.into()))
            .collect()
    }
}

fn parse(record: &str) -> Option<(String, RelativePath)> {
    let (tag, path) = record.split_once(' ')?;
    Some((tag.to_owned(), path.parse().ok()?))
}
