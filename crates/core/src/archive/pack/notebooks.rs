//! Notebooks that are packed without their outputs. The files themselves are not changed.

use std::fs::File;
use std::io::{self, Read, Seek};

use super::member::Member;
use super::walk::LayerSource;
use super::write::check_unchanged;
use crate::archive::error::Error;
use crate::limits;
use crate::notebook::{is_notebook_name, without_outputs};
use crate::relative_path::RelativePath;

/// The treatment of notebooks that are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notebooks {
    /// Packs the bytes of the files.
    #[default]
    AsTheyAre,
    /// Packs them without outputs and execution counts.
    WithoutOutputs,
}

/// The notebooks of a layer that are packed without outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StrippedNotebooks {
    /// The number of notebooks that are packed with fewer bytes than their files have.
    pub count: u64,
    /// The difference in bytes.
    pub removed_bytes: u64,
    /// Files that are packed as they are, because they are not notebooks that can be read, or are too large.
    pub unreadable: Vec<RelativePath>,
}

impl Notebooks {
    /// Returns true if the file called `name` is not packed as it is.
    pub fn changes(self, name: &str) -> bool {
        self == Self::WithoutOutputs && is_notebook_name(name)
    }

    /// The text that distinguishes layers that are packed in this way from others with the same files.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::AsTheyAre => "",
            Self::WithoutOutputs => "\nnotebooks without outputs",
        }
    }

    /// Reads a notebook of `size` bytes and returns the bytes that are packed instead; `None` if it is packed as it is.
    pub fn read_stripped(self, name: &str, file: &mut impl Read, size: u64) -> io::Result<Option<Vec<u8>>> {
        if !self.changes(name) || size > limits::STRIPPED_NOTEBOOK_BYTES {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(size.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(String::from_utf8(bytes).ok().and_then(|text| without_outputs(&text)).map(String::into_bytes))
    }
}

impl LayerSource<'_> {
    /// Returns the bytes that are packed instead of those of `file`, which has just been opened; `None` if it is packed
    /// as it is, and then it is at its beginning.
    pub(super) fn read_stripped(&self, member: &Member, file: &mut File) -> Result<Option<Vec<u8>>, Error> {
        let name = member.path.file_name().unwrap_or_default();
        if !self.notebooks.changes(name) {
            return Ok(None);
        }
        let stripped = self.notebooks.read_stripped(name, file, member.size).map_err(Error::reading(&member.path))?;
        check_unchanged(member, file)?;
        file.rewind().map_err(Error::reading(&member.path))?;
        Ok(stripped)
    }
}
