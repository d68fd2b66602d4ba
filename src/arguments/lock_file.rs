//! Reading and writing `Kitfile.lock`.

use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use kit_core::limits;
use kit_core::modelkit::{Lock, parse_lock};
use kit_core::sys::{self, replace_file};

/// Reads the lock at `path`, which is called `name` in messages.
pub(crate) fn read(path: &Path, name: &str) -> Result<Lock> {
    let text = match sys::read_regular_text(path, limits::LOCK_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("lock file `{name}` not found; create it with `kit pack --lock`"));
        }
        read => read.with_context(|| format!("cannot read lock file `{name}`"))?,
    };
    match (parse_lock(&text), sys::target_elsewhere(path)?) {
        (Ok(lock), _) => Ok(lock),
        (Err(invalid), None) => Err(invalid.in_file(name).into()),
        // The content of a file outside of the folder may be a secret, and is not shown.
        (Err(_), Some(target)) => bail!(
            "`{name}` is a symbolic link to `{}`, outside of its folder, which is not a valid lock file",
            target.display()
        ),
    }
}

/// Writes `lock` to `path` atomically: concurrent readers see either the old or the new file. An equal file is not
/// rewritten.
pub(crate) fn write(path: &Path, lock: &Lock) -> Result<()> {
    let text = lock.to_string();
    if sys::read_regular(path, limits::LOCK_BYTES).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    replace_file(path, text.as_bytes()).with_context(|| format!("cannot write lock file `{}`", path.display()))
}
