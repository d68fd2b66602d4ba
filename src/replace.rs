//! Small files that people keep, changed as a whole.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fs_err as fs;

/// Puts `text` in the place of the file at `path`: who reads meanwhile sees the old one or the new one. The file keeps
/// its permissions, and symbolic links to it stay links.
pub(crate) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let (path, permissions) = match fs::canonicalize(path) {
        Ok(path) => (path.clone(), Some(fs::metadata(&path)?.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(error),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut builder = tempfile::Builder::new();
    // Narrowed by the umask, like any file that a person writes.
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
