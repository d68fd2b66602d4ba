//! Reading and writing `Kitfile.lock`.

use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

use kit_core::limits;
use kit_core::modelkit::{Lock, parse_lock};
use kit_core::sys::replace_file;

/// Reads the lock at `path`.
pub(crate) fn read(path: &Path) -> Result<Lock> {
    let name = path.display();
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(limits::LOCK_BYTES + 1).read_to_string(&mut text));
    let read = match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("lock file `{name}` not found; create it with `kit pack --lock`"));
        }
        read => read.with_context(|| format!("cannot read lock file `{name}`"))?,
    };
    if read as u64 > limits::LOCK_BYTES {
        anyhow::bail!("lock file `{name}` is larger than {} bytes", limits::LOCK_BYTES);
    }
    Ok(parse_lock(&text).map_err(|invalid| invalid.in_file(&name.to_string()))?)
}

/// Writes `lock` to `path` atomically: concurrent readers see either the old or the new file. An equal file is not
/// rewritten.
pub(crate) fn write(path: &Path, lock: &Lock) -> Result<()> {
    let text = lock.to_string();
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    replace_file(path, text.as_bytes()).with_context(|| format!("cannot write lock file `{}`", path.display()))
}
