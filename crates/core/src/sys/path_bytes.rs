//! Paths as bytes, for files that contain paths.

use std::io;
use std::path::{Path, PathBuf};

/// Returns the bytes of `path` as [`path_of_bytes`] reads them. Every path has such bytes, even one that is not UTF-8.
#[cfg(unix)]
pub fn bytes_of_path(path: &Path) -> io::Result<&[u8]> {
    use std::os::unix::ffi::OsStrExt;
    Ok(path.as_os_str().as_bytes())
}

/// Returns the path as UTF-8. A path that is not Unicode is an error.
#[cfg(not(unix))]
pub fn bytes_of_path(path: &Path) -> io::Result<&[u8]> {
    let text = path.to_str().ok_or_else(|| not_unicode(path.display()))?;
    Ok(text.as_bytes())
}

/// Returns the path whose bytes are `bytes`.
#[cfg(unix)]
pub fn path_of_bytes(bytes: Vec<u8>) -> io::Result<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Ok(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
pub fn path_of_bytes(bytes: Vec<u8>) -> io::Result<PathBuf> {
    let text = String::from_utf8(bytes).map_err(|error| not_unicode(error.into_bytes().escape_ascii()))?;
    Ok(text.into())
}

#[cfg(not(unix))]
fn not_unicode(path: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("the path `{path}` is not Unicode"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_back_from_its_bytes() {
        let path = Path::new("a/ä.bin");
        assert_eq!(path_of_bytes(bytes_of_path(path).unwrap().to_vec()).unwrap(), path);
    }

    #[cfg(unix)]
    #[test]
    fn any_bytes_are_a_path() {
        let path = path_of_bytes(b"a\xff".to_vec()).unwrap();
        assert_eq!(bytes_of_path(&path).unwrap(), b"a\xff");
    }
}
