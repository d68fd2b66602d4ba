//! Regular files, opened without waiting: opening a FIFO blocks until another process opens its other end, and reading
//! a device may never end.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};

/// Opens the regular file `path` for reading. Anything else, such as a FIFO, a socket or a device, is an error of the
/// kind [`InvalidInput`](io::ErrorKind::InvalidInput), or of the kind [`IsADirectory`](io::ErrorKind::IsADirectory).
pub fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    without_waiting(&mut options, 0);
    let file = options.open(path).map_err(|error| explained(error, path))?;
    expect_regular(&file)?;
    Ok(file)
}

/// Reads the regular file `path`, which has at most `limit` bytes.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_open(&open_regular(path)?, limit)
}

/// Reads the open regular file, which has at most `limit` bytes, from its position.
pub fn read_open(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    // One byte more than the file has, so that the end is found without growing the vector.
    let size = usize::try_from(file.metadata()?.len().min(limit)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(size + 1);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let reason = format!("`{}` has more than {limit} bytes", file.path().display());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// Reads the regular file `path`, which has at most `limit` bytes and must be UTF-8.
pub fn read_regular_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_regular(path, limit)?).map_err(|_| {
        let reason = format!("`{}` is not UTF-8 text", path.display());
        io::Error::new(io::ErrorKind::InvalidData, reason)
    })
}

/// Returns an error unless the open file is a regular one.
pub(super) fn expect_regular(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok(());
    }
    let kind = if metadata.is_dir() { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
    Err(not_regular(file.path(), kind))
}

fn not_regular(path: &Path, kind: io::ErrorKind) -> io::Error {
    let what = if kind == io::ErrorKind::IsADirectory { "a folder" } else { "not a regular file" };
    io::Error::new(kind, format!("`{}` is {what}", path.display()))
}

/// Names the reason why a socket or an unconnected FIFO could not be opened.
pub(super) fn explained(error: io::Error, path: &Path) -> io::Error {
    let is_other = fs_err::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    if is_other { not_regular(path, io::ErrorKind::InvalidInput) } else { error }
}

/// Adds flags to `options`, so that opening a FIFO does not wait.
#[cfg(unix)]
pub(super) fn without_waiting(options: &mut OpenOptions, flags: i32) {
    let flags = flags | rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    fs_err::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
}

/// Does nothing: there are no FIFOs among the files.
#[cfg(not(unix))]
pub(super) fn without_waiting(_options: &mut OpenOptions, _flags: i32) {}

/// Returns the target of `path` if it is reached through a symbolic link that leads out of the folder of `path`. Links
/// in the path of the folder do not count.
///
/// The content of such a file may be a secret of the user, for example an environment below `/proc`, and must not be
/// shown in messages about a file that another person could have put into the folder.
pub fn target_elsewhere(path: &Path) -> io::Result<Option<PathBuf>> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let (folder, target) = (fs_err::canonicalize(folder)?, fs_err::canonicalize(path)?);
    Ok((!target.starts_with(folder)).then_some(target))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use fs_err::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs_err::write(at("file"), "text").unwrap();
        symlink("file", at("link")).unwrap();
        // rustix cannot make one on macOS.
        assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("device")).unwrap();
        for name in ["file", "link"] {
            assert_eq!(read_regular(&at(name), 4).unwrap(), b"text", "{name}");
            assert_eq!(read_regular(&at(name), 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        }
        for name in ["fifo", "socket", "device"] {
            let error = read_regular(&at(name), 4).unwrap_err();
            assert!(error.to_string().ends_with("is not a regular file"), "{name}: {error}");
        }
        assert_eq!(read_regular(folder.path(), 4).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(read_regular(&at("missing"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_link_out_of_the_folder_is_found() {
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join("project");
        fs_err::create_dir_all(project.join("sub")).unwrap();
        fs_err::write(root.path().join("secret"), "").unwrap();
        fs_err::write(project.join("sub/file"), "").unwrap();
        symlink("../secret", project.join("out")).unwrap();
        symlink("sub/file", project.join("in")).unwrap();
        symlink("project", root.path().join("alias")).unwrap();
        let secret = fs_err::canonicalize(root.path().join("secret")).unwrap();
        for folder in [&project, &root.path().join("alias")] {
            assert_eq!(target_elsewhere(&folder.join("out")).unwrap(), Some(secret.clone()));
            assert_eq!(target_elsewhere(&folder.join("in")).unwrap(), None);
            assert_eq!(target_elsewhere(&folder.join("sub/file")).unwrap(), None);
        }
    }
}
