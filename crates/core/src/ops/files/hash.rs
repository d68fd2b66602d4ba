//! Computing the digest of a reader or of a file.

use std::io::{self, Read};

use fs_err as fs;

use crate::digest::{Digest, Hasher};
use crate::progress::Task;
use crate::recipe::Changed;
use crate::sys::Metadata;

/// The size of a read, as in `archive`.
pub(crate) const BUFFER_BYTES: usize = 1 << 20;

/// Returns a buffer for reading content of `size` bytes, if the size is known; at most [`BUFFER_BYTES`].
pub(crate) fn buffer(size: Option<u64>) -> Vec<u8> {
    let wanted = size.and_then(|size| usize::try_from(size).ok());
    vec![0; wanted.map_or(BUFFER_BYTES, |size| size.saturating_add(1).min(BUFFER_BYTES))]
}

/// Returns the digest and the size of the bytes of `reader`, read through `buffer`.
pub(crate) fn digest(reader: &mut dyn Read, buffer: &mut [u8], task: &dyn Task) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::default();
    let mut size = 0;
    loop {
        match reader.read(buffer) {
            Ok(0) => return Ok((hasher.finish(), size)),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                task.advance(read as u64);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns the digest of `file`. A file that changes while it is read is an error: the digest would be that of a
/// content that it never had.
pub(crate) fn digest_file(mut file: fs::File, task: &dyn Task) -> io::Result<Digest> {
    let before = Metadata::of(file.file())?;
    let (digest, _) = digest(&mut file, &mut buffer(Some(before.size)), task)?;
    if Metadata::of(file.file())? == before {
        Ok(digest)
    } else {
        Err(Changed::WhileRead(file.path().to_owned()).into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};
    use std::sync::Mutex;

    use super::*;
    use crate::progress::Silent;

    /// Overwrites the last bytes of a file as soon as its first bytes were read.
    struct Meddler(Mutex<fs::File>);

    impl Task for Meddler {
        fn advance(&self, _bytes: u64) {
            let mut file = self.0.lock().unwrap();
            file.seek(io::SeekFrom::End(-4)).unwrap();
            file.write_all(b"new!").unwrap();
        }

        fn skip(&self, _bytes: u64) {}

        fn set(&self, _bytes: u64) {}
    }

    #[test]
    fn a_file_that_is_rewritten_in_place_while_it_is_read_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let content = vec![7; 3 << 20];
        fs::write(&path, &content).unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.file().set_modified(long_ago).unwrap();
        let open = || fs::File::open(&path).unwrap();
        assert_eq!(digest_file(open(), &Silent).unwrap(), Digest::of(&content));
        let error = digest_file(open(), &Meddler(Mutex::new(file))).unwrap_err();
        assert_eq!(Changed::in_io(&error), Some(&Changed::WhileRead(path)));
    }
}
