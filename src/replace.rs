//! Atomic replacement of small files that belong to the user.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fs_err as fs;

/// Replaces the file at `path` by `text` atomically: concurrent readers see either the old or the new file. The file
/// keeps its permissions, and symbolic links to it remain links.
pub(crate) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let (path, permissions) = match fs::canonicalize(path) {
        Ok(path) => (path.clone(), Some(fs::metadata(&path)?.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(error),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut builder = tempfile::Builder::new();
    // Restricted by the umask, like any file that a user creates.
    builder.permissions(PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(&format!(".{name}-")).tempfile_in(folder)?;
    file.write_all(text)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
