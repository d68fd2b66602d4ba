//! Writes a recipe while the layer is written.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::clones::Clones;
use super::read::Recipe;
use super::segment::{FileState, MAGIC, Segment};

/// The fastest level; it already reduces a tar header to a few dozen bytes.
const LEVEL: i32 = 1;

/// Records the segments of a layer in order. Memory grows by about 100 bytes with each file.
pub struct RecipeWriter {
    segments: zstd::Encoder<'static, Vec<u8>>,
    size: u64,
    pieces: u64,
    clones: Option<Clones>,
}

impl RecipeWriter {
    /// Begins a recipe that refers to the files as they are.
    pub fn new() -> io::Result<Self> {
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&0_u64.to_le_bytes());
        Ok(Self { segments: zstd::Encoder::new(head, LEVEL)?, size: 0, pieces: 0, clones: None })
    }

    /// Begins a recipe that refers to clones of the files in `folder`, if the file system can make clones.
    pub fn cloning_into(folder: PathBuf) -> io::Result<Self> {
        Ok(Self { clones: Some(Clones::new(folder)), ..Self::new()? })
    }

    /// Adds literal bytes.
    pub fn put_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(&Segment::Bytes(bytes.len() as u64))?;
        self.segments.write_all(bytes)
    }

    /// Adds the whole content of `file`, which is at `path` and has this `metadata`.
    ///
    /// If a file is returned, it is the clone, and the content of the layer must be read from it.
    pub fn put_file(&mut self, path: &Path, file: &File, metadata: &Metadata) -> io::Result<Option<File>> {
        let clone = match &mut self.clones {
            Some(clones) => clones.take(file, metadata)?,
            None => None,
        };
        let Some((number, clone)) = clone else {
            self.put(&Segment::File(path.to_owned(), FileState::of(metadata)))?;
            return Ok(None);
        };
        self.put(&Segment::Clone(number, metadata.len()))?;
        Ok(Some(clone))
    }

    /// Returns the path of the clone that is the whole layer, if the layer is nothing else.
    pub fn only_clone(&self) -> Option<PathBuf> {
        self.clones.as_ref().filter(|_| self.pieces == 1)?.first()
    }

    /// Completes the recipe.
    pub fn finish(self) -> io::Result<Recipe> {
        let mut bytes = self.segments.finish()?;
        bytes[MAGIC.len()..][..8].copy_from_slice(&self.size.to_le_bytes());
        Ok(Recipe::held(bytes, self.size))
    }

    fn put(&mut self, segment: &Segment) -> io::Result<()> {
        self.size += segment.size();
        self.pieces += 1;
        segment.write(&mut self.segments)
    }
}
