//! The thread that waits for signals.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::exit;
use tracing::debug;

use super::{gate, leftovers};

/// The signals that ask a process to end.
const SIGNALS: [(i32, &str); 3] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];

/// The exit code of a process that signal n ended is 128 + n in every shell.
const EXIT_CODE: i32 = 128;

/// The time within which the same keystroke may arrive twice: from the terminal, and from a program in between that
/// passes on what it receives, such as a shell that closes.
const ECHO: Duration = Duration::from_millis(200);

/// The time to wait for the report: another thread may hold the terminal, and be blocked by it.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);

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

/// Ends the process at the first SIGINT, SIGTERM or SIGHUP after its leftovers have been removed and `report` has been
/// called, and at once at the next signal. A SIGHUP that the parent ignores stays ignored (`nohup`).
///
/// A file that exceeds the size limit of the process (`ulimit -f`) becomes an error of the write, not a signal.
///
/// Signals end the process at once if the system permits neither the thread nor the files for it.
pub fn on_interruption(report: impl FnOnce(Interruption) + Send + 'static) {
    // A handler and not an ignored signal, which child processes would inherit.
    let exceeded = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    if let Err(error) = exceeded.and_then(|_| start(report)) {
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
    let handled = SIGNALS.iter().map(|(number, _)| *number).filter(|number| !is_ignored(*number));
    let opened = Signals::new(handled);
    let (mut signals, opened) = match opened {
        Ok(signals) => (Some(signals), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // The receiver waits for exactly this.
    drop(ready.send(opened));
    let Some(mut received) = signals.as_mut().map(Signals::forever) else { return };
    let Some(first) = received.next() else { return };
    let since = Instant::now();
    let end = move || end(first, report);
    // Only a thread of its own leaves this one free for the next signal.
    if std::thread::Builder::new().name("kit-end".to_owned()).spawn(end).is_err() {
        exit(EXIT_CODE + first);
    }
    for signal in received {
        if since.elapsed() > ECHO {
            exit(EXIT_CODE + signal);
        }
    }
}

fn end(number: i32, report: impl FnOnce(Interruption) + Send + 'static) {
    let _gate = gate::close();
    let mut leftovers = leftovers::lock();
    let signal = SIGNALS.iter().find(|(known, _)| *known == number).map_or("a signal", |(_, name)| name);
    let interruption = Interruption { signal, keeps_download: leftovers.has_partial_download() };
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
    exit(EXIT_CODE + number);
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
