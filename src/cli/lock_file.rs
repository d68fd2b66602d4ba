//! Where `Kitfile.lock` meets the disk.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

use crate::ops::{LOCK_SIZE_LIMIT, Lock, parse_lock};

/// Reads the lock at `path`.
pub(crate) fn read(path: &Path) -> Result<Lock> {
    let name = path.display();
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(LOCK_SIZE_LIMIT + 1).read_to_string(&mut text));
    let read = match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("there is no lock `{name}`; `kit pack --lock` writes one"));
        }
        read => read.with_context(|| format!("cannot read the lock `{name}`"))?,
    };
    if read as u64 > LOCK_SIZE_LIMIT {
        anyhow::bail!("the lock `{name}` has more than {LOCK_SIZE_LIMIT} bytes");
    }
    Ok(parse_lock(&text).map_err(|invalid| invalid.in_file(&name.to_string()))?)
}

/// Writes `lock` to `path`: who reads meanwhile sees the old one or the new one. An equal one is left alone.
pub(crate) fn write(path: &Path, lock: &Lock) -> Result<()> {
    let text = lock.to_string();
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    replace(path, text.as_bytes()).with_context(|| format!("cannot write the lock `{}`", path.display()))
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Narrowed by the umask, like any file that a person writes.
    builder.permissions(PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".Kitfile.lock-").tempfile_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
