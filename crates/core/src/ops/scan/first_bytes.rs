//! The format of a file by its first bytes, whatever its name is.

use std::io::{self, Read, Seek, SeekFrom};

/// The number of bytes that are looked at.
const LOOKED_AT: u64 = 64 * 1024;

/// The format that the first bytes of a file show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstBytes {
    /// The length and the beginning of the header of safetensors.
    Safetensors,
    /// The magic number of GGUF.
    Gguf,
    /// The magic number of HDF5.
    Hdf5,
    /// The magic number of an array of `NumPy`.
    Numpy,
    /// The magic number of a zip archive.
    Zip,
    /// No byte is zero.
    Text,
    /// None of these.
    Other,
}

impl FirstBytes {
    /// Looks at the beginning of `content`.
    pub(super) fn read(content: &mut (impl Read + Seek)) -> io::Result<Self> {
        content.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        content.take(LOOKED_AT).read_to_end(&mut bytes)?;
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8]) -> Self {
        let header_bytes = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
        match bytes {
            [b'G', b'G', b'U', b'F', ..] => Self::Gguf,
            [0x89, b'H', b'D', b'F', ..] => Self::Hdf5,
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Self::Numpy,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::Zip,
            _ if bytes.get(8) == Some(&b'{') && header_bytes.is_some_and(|count| count < 1 << 32) => Self::Safetensors,
            _ if !bytes.contains(&0) => Self::Text,
            _ => Self::Other,
        }
    }
}
