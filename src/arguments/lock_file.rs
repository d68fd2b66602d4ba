//! Where `Kitfile.lock` meets the disk.

use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

use crate::replace::replace;
use kit_core::modelkit::{LOCK_SIZE_LIMIT, Lock, parse_lock};

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
