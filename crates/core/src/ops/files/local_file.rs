//! A local file as [`Content`].

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use fs_err as fs;

use crate::oci::{Content, ContentError};

/// The file at a path. It is opened for every read.
pub(crate) struct LocalFile(pub(crate) PathBuf);

impl Content for LocalFile {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let mut file = fs::File::open(&self.0)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }
}
