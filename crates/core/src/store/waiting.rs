//! Waiting for a lock that another process holds: reported after a moment, and limited if the user wants a limit.

use std::fs::TryLockError;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use fs_err::File;

use super::error::Error;
use crate::oci::Descriptor;
use crate::progress::{Notifier, Warning};
use crate::sys;

/// The limit for waiting for a lock, and the receiver of the message about a long wait.
#[derive(Debug, Clone, Default)]
pub struct LockWaiting {
    /// The longest wait for a lock; none means no limit.
    pub timeout: Option<Duration>,
    /// Receives a warning about each wait of more than two seconds.
    pub notifier: Notifier,
}

/// The kind of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Shared,
    Exclusive,
}

impl Kind {
    /// Takes the lock on `file`, unless another process has it.
    pub(super) fn try_take(self, file: &File) -> Result<(), TryLockError> {
        match self {
            Self::Shared => file.file().try_lock_shared(),
            Self::Exclusive => file.file().try_lock(),
        }
    }
}

/// A shorter wait is not worth a message.
const REPORTED_AFTER: Duration = Duration::from_secs(2);
/// The pauses between two attempts: there is no call that takes a lock and gives up after a time.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

impl LockWaiting {
    /// Takes the lock on `file`.
    pub(super) fn take(&self, file: &File, kind: Kind) -> Result<(), Error> {
        let begun = Instant::now();
        let timeout = self.timeout.unwrap_or(Duration::MAX);
        if try_until(file, kind, (begun, timeout.min(REPORTED_AFTER)), || ())? {
            return Ok(());
        }
        if timeout > REPORTED_AFTER {
            self.notifier.warn(&Warning::WaitingForLock { lock: file.path(), process: holder(file.path()) });
        }
        if self.timeout.is_none() {
            // The system wakes the waiting processes one after the other.
            let taken = match kind {
                Kind::Shared => file.file().lock_shared(),
                Kind::Exclusive => file.file().lock(),
            };
            return Ok(taken?);
        }
        if try_until(file, kind, (begun, timeout), || ())? {
            return Ok(());
        }
        let process = holder(file.path());
        Err(Error::Locked { lock: file.path().to_owned(), process, waited: timeout })
    }

    /// Takes the lock on `file`, the partial file of `blob`. While another process writes it, `look` is called again
    /// and again.
    pub(super) fn take_partial(
        &self,
        (file, blob): (&File, &Descriptor),
        kind: Kind,
        mut look: impl FnMut(),
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let timeout = self.timeout.unwrap_or(Duration::MAX);
        if try_until(file, kind, (begun, timeout.min(REPORTED_AFTER)), &mut look)? {
            return Ok(());
        }
        if timeout > REPORTED_AFTER {
            self.notifier.warn(&Warning::WaitingForDownload { digest: &blob.digest, bytes: blob.size });
        }
        if try_until(file, kind, (begun, timeout), look)? {
            return Ok(());
        }
        Err(Error::Locked { lock: file.path().to_owned(), process: None, waited: timeout })
    }
}

/// Tries to take the lock until `timeout` has passed since `begun`, at least once; calls `look` after each attempt that
/// failed.
fn try_until(
    file: &File,
    kind: Kind,
    (begun, timeout): (Instant, Duration),
    mut look: impl FnMut(),
) -> io::Result<bool> {
    let mut pause = FIRST_PAUSE;
    loop {
        match kind.try_take(file) {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = timeout.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        look();
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The length of the longest number of a process, with space for a line end.
const HOLDER_LIMIT: u64 = 16;

/// Writes the number of this process into the lock file, for the messages of processes that wait for it. The caller
/// holds the lock exclusively.
pub(super) fn note_holder(file: &File) -> io::Result<()> {
    let mut file = file.file();
    file.seek(SeekFrom::Start(0))?;
    let text = format!("{}\n", std::process::id());
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

/// Returns the process that noted itself in the lock file last, if it is still running.
fn holder(path: &Path) -> Option<u32> {
    let mut text = String::new();
    sys::open_regular(path).ok()?.take(HOLDER_LIMIT).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok().filter(|process| sys::is_running(*process))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_testkit::platform::IS_WINDOWS;
    use std::sync::{Arc, Mutex};

    /// Waits for `held` and returns the warnings and the result.
    fn wait(path: &Path, timeout: Option<Duration>, kind: Kind) -> (Vec<Option<u32>>, Result<(), Error>) {
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let receiver = Arc::clone(&warnings);
        let notifier = Notifier::new(move |warning| {
            let Warning::WaitingForLock { process, .. } = warning else { panic!("{warning:?}") };
            receiver.lock().unwrap().push(*process);
        });
        let result = LockWaiting { timeout, notifier }.take(&sys::open_lock_file(path).unwrap(), kind);
        let warnings = warnings.lock().unwrap().clone();
        (warnings, result)
    }

    #[test]
    fn a_wait_ends_at_its_limit_and_names_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let held = sys::open_lock_file(&path).unwrap();
        held.file().lock().unwrap();
        note_holder(&held).unwrap();
        for kind in [Kind::Shared, Kind::Exclusive] {
            let (warnings, result) = wait(&path, Some(Duration::ZERO), kind);
            let Err(Error::Locked { process, .. }) = result else { panic!("{result:?}") };
            assert_eq!((warnings.len(), process), (0, Some(std::process::id())));
        }
        fs_err::write(&path, "2147483647\n").unwrap();
        let (_, result) = wait(&path, Some(Duration::ZERO), Kind::Shared);
        let Err(Error::Locked { process, .. }) = result else { panic!("{result:?}") };
        // Windows is not asked whether the process is gone.
        assert_eq!(process.is_some(), IS_WINDOWS);
        drop(held);
        wait(&path, Some(Duration::ZERO), Kind::Exclusive).1.unwrap();
    }

    #[test]
    fn a_long_wait_is_reported_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let held = sys::open_lock_file(&path).unwrap();
        held.file().lock().unwrap();
        note_holder(&held).unwrap();
        let release = std::thread::spawn(move || {
            std::thread::sleep(REPORTED_AFTER + Duration::from_millis(300));
            drop(held);
        });
        let (warnings, result) = wait(&path, None, Kind::Exclusive);
        result.unwrap();
        assert_eq!(warnings, [Some(std::process::id())]);
        release.join().unwrap();
    }
}
