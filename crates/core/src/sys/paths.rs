//! Paths as bytes, for files that contain paths, and absolute paths without links.

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

/// Returns the absolute path of an existing file or folder, without links.
///
/// It has the form that users write and other programs read. Windows has another one for all lengths and names,
/// `\\?\C:\…`, which git and others refuse: it remains for a path that is too long or has no drive.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    let path = fs_err::canonicalize(path)?;
    #[cfg(windows)]
    let path = usual_form(&path).unwrap_or(path);
    Ok(path)
}

#[cfg(windows)]
fn usual_form(path: &Path) -> Option<PathBuf> {
    /// `MAX_PATH` less the name of a file in a folder ("Maximum Path Length Limitation" of the documentation).
    const LIMIT: usize = 260 - 12;
    let usual = path.to_str()?.strip_prefix(r"\\?\")?;
    let (drive, names) = usual.split_once('\\')?;
    let is_usual = drive.len() == 2 && drive.ends_with(':') && usual.encode_utf16().count() < LIMIT;
    let is_named = |name: &str| name.is_empty() || super::dir::name_problem(name).is_none();
    (is_usual && names.split('\\').all(is_named)).then(|| usual.into())
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

    #[test]
    #[cfg_attr(windows, ignore = "wine 8 does not canonicalize long paths")]
    fn a_real_path_is_absolute_and_leads_to_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let name = "n".repeat(100);
        let deep = folder.path().join(&name).join(&name).join(&name);
        fs_err::create_dir_all(&deep).unwrap();
        for (path, is_long) in [(folder.path(), false), (&*folder.path().join(&name).join(".."), false), (&*deep, true)]
        {
            let real = real_path(path).unwrap();
            assert!(real.is_absolute() && !real.ends_with(".."), "{}", real.display());
            assert_eq!(real.display().to_string().starts_with(r"\\?\"), cfg!(windows) && is_long, "{}", real.display());
            assert_eq!(fs_err::canonicalize(&real).unwrap(), fs_err::canonicalize(path).unwrap());
        }
        assert!(real_path(&folder.path().join("nothing")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn any_bytes_are_a_path() {
        let path = path_of_bytes(b"a\xff".to_vec()).unwrap();
        assert_eq!(bytes_of_path(&path).unwrap(), b"a\xff");
    }
}
