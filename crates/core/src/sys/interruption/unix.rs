//! The signals of Unix systems that ask a process to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator;
pub(super) use signal_hook::low_level::exit;

use super::handler::Signal;

const SIGNALS: [Signal; 3] = [
    Signal { number: SIGINT, name: "SIGINT" },
    Signal { number: SIGTERM, name: "SIGTERM" },
    Signal { number: SIGHUP, name: "SIGHUP" },
];

/// The signals that arrive from now on. A SIGHUP that the parent ignores stays ignored (`nohup`).
pub(super) struct Signals(iterator::Signals);

impl Signals {
    pub(super) fn open() -> io::Result<Self> {
        let handled = SIGNALS.iter().map(|signal| signal.number).filter(|number| !is_ignored(*number));
        iterator::Signals::new(handled).map(Self)
    }

    /// Waits for the next signal.
    pub(super) fn next(&mut self) -> Option<Signal> {
        let number = self.0.forever().next()?;
        SIGNALS.into_iter().find(|signal| signal.number == number)
    }
}

/// Makes a file that exceeds the size limit of the process (`ulimit -f`) an error of the write.
pub(super) fn survive_size_limit() -> io::Result<()> {
    // A handler and not an ignored signal, which child processes would inherit.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map(drop)
}

/// Returns true if the parent of the process has made it ignore SIGHUP. Shells also make background jobs ignore SIGINT,
/// but only to protect them from the keyboard; one that is sent on purpose counts.
fn is_ignored(number: i32) -> bool {
    if number != SIGHUP {
        return false;
    }
    // Only Linux has the file; asking the system directly needs unsafe code.
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}
