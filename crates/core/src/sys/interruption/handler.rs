//! The thread that waits for signals.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use tracing::debug;

#[cfg(unix)]
use super::unix::{Signals, exit, survive_size_limit};
#[cfg(windows)]
use super::windows::{Signals, exit, survive_size_limit};
use super::{gate, leftovers};

/// The exit code of a process that signal n ended is 128 + n in every shell.
const EXIT_CODE: i32 = 128;

/// The time within which the same keystroke may arrive twice: from the terminal, and from a program in between that
/// passes on what it receives, such as a shell that closes.
const ECHO: Duration = Duration::from_millis(200);

/// The time to wait for the report: another thread may hold the terminal, and be blocked by it.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);

/// A signal that asks the process to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signal {
    pub(super) number: i32,
    pub(super) name: &'static str,
}

/// A signal that ends the process.
#[derive(Debug, Clone, Copy)]
pub struct Interruption {
    signal: &'static str,
    keeps_download: bool,
}

impl Interruption {
    /// The name of the signal.
    pub fn signal(&self) -> &'static str {
        self.signal
    }

    /// True if an incomplete download stays in the store.
    pub fn keeps_download(&self) -> bool {
        self.keeps_download
    }
}

/// Ends the process at the first signal that asks it to end, after its leftovers have been removed and `report` has
/// been called, and at once at the next signal.
///
/// A file that exceeds the size limit of the process (`ulimit -f`) becomes an error of the write, not a signal.
///
/// Signals end the process at once if the system permits neither the thread nor the files for it.
pub fn on_interruption(report: impl FnOnce(Interruption) + Send + 'static) {
    if let Err(error) = survive_size_limit().and_then(|()| start(report)) {
        debug!(target: "kit", "cannot handle signals: {error}");
    }
}

fn start(report: impl FnOnce(Interruption) + Send + 'static) -> io::Result<()> {
    let (ready, is_ready) = channel();
    // The thread first: without it, handled signals would have no effect at all.
    std::thread::Builder::new().name("kit-signals".to_owned()).spawn(move || wait(report, &ready))?;
    is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended")))
}

fn wait(report: impl FnOnce(Interruption) + Send + 'static, ready: &Sender<io::Result<()>>) {
    let (mut signals, opened) = match Signals::open() {
        Ok(signals) => (Some(signals), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // The receiver waits for exactly this.
    drop(ready.send(opened));
    let Some(signals) = &mut signals else { return };
    let Some(first) = signals.next() else { return };
    let since = Instant::now();
    let end = move || end(first, report);
    // Only a thread of its own leaves this one free for the next signal.
    if std::thread::Builder::new().name("kit-end".to_owned()).spawn(end).is_err() {
        exit(EXIT_CODE + first.number);
    }
    while let Some(signal) = signals.next() {
        if since.elapsed() > ECHO {
            exit(EXIT_CODE + signal.number);
        }
    }
}

fn end(signal: Signal, report: impl FnOnce(Interruption) + Send + 'static) {
    let _gate = gate::close();
    let mut leftovers = leftovers::lock();
    let interruption = Interruption { signal: signal.name, keeps_download: leftovers.has_partial_download() };
    leftovers.remove_all();
    let (done, is_done) = channel();
    let reporting = std::thread::Builder::new().spawn(move || {
        report(interruption);
        // The receiver may have given up.
        done.send(()).ok();
    });
    if reporting.is_ok() {
        // Either way the process ends now.
        is_done.recv_timeout(REPORT_PATIENCE).ok();
    }
    exit(EXIT_CODE + signal.number);
}
