//! Progress without a terminal: a line from time to time for each part that takes long, so that a log shows that the
//! work continues.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::gauge::speed;
use kit_core::progress::{Task, human};

/// The time before the first line, and between two lines of a part: a part that is finished soon is not reported.
const MINIMUM: Duration = Duration::from_secs(10);

/// The longest time without a line, also if nothing was transferred: CI systems end jobs that are silent.
const MAXIMUM: Duration = Duration::from_secs(30);

/// The progress, in percent, after which a line is written before [`MAXIMUM`] has passed.
const STEP_PERCENT: u64 = 10;

/// The interval at which the parts are looked at.
const TICK: Duration = Duration::from_secs(1);

/// The parts that are running, and the thread that writes lines about them.
pub(super) struct Heartbeat {
    state: Mutex<State>,
    write: Box<dyn Fn(&str) + Send + Sync>,
}

#[derive(Default)]
struct State {
    parts: Vec<Weak<Part>>,
    has_thread: bool,
}

impl Heartbeat {
    /// Creates a heartbeat that passes its lines to `write`.
    pub(super) fn new(write: impl Fn(&str) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), write: Box::new(write) })
    }

    /// Begins a part of `total` bytes, if they are known.
    pub(super) fn start(self: &Arc<Self>, title: String, total: Option<u64>) -> Running {
        let part = Arc::new(Part::new(title, total, Instant::now()));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.parts.push(Arc::downgrade(&part));
        if !state.has_thread {
            let heartbeat = Arc::downgrade(self);
            // Without a thread, where the system permits no more, only the lines are missing.
            state.has_thread = thread::Builder::new().spawn(move || run(&heartbeat)).is_ok();
        }
        Running(part)
    }

    /// Returns the lines that are due at `now`.
    fn lines(&self, now: Instant) -> Vec<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.parts.retain(|part| part.strong_count() > 0);
        state.parts.iter().filter_map(|part| part.upgrade()?.line(now)).collect()
    }
}

/// Writes the lines until the command no longer needs them.
fn run(heartbeat: &Weak<Heartbeat>) {
    while let Some(heartbeat) = heartbeat.upgrade() {
        heartbeat.lines(Instant::now()).iter().for_each(|line| (heartbeat.write)(line));
        drop(heartbeat);
        thread::sleep(TICK);
    }
}

/// A running part, as the operation sees it: it ends when this is dropped.
pub(super) struct Running(Arc<Part>);

/// The state of a running part.
struct Part {
    /// The phase and the label, for example `uploading model weights/model.safetensors`.
    title: String,
    total: Option<u64>,
    /// The completed bytes.
    done: AtomicU64,
    /// The bytes that were actually processed, from which the speed is computed.
    worked: AtomicU64,
    last: Mutex<Mark>,
}

/// The state of a part at its last line, or when it began.
struct Mark {
    time: Instant,
    done: u64,
    worked: u64,
}

impl Part {
    fn new(title: String, total: Option<u64>, time: Instant) -> Self {
        let (done, worked) = (AtomicU64::default(), AtomicU64::default());
        Self { title, total, done, worked, last: Mutex::new(Mark { time, done: 0, worked: 0 }) }
    }

    /// Returns the line about this part if one is due at `now`.
    fn line(&self, now: Instant) -> Option<String> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, worked) = (self.done.load(Ordering::Relaxed), self.worked.load(Ordering::Relaxed));
        let time = now.saturating_duration_since(last.time);
        let is_due = time >= MAXIMUM || time >= MINIMUM && self.step(done) > self.step(last.done);
        if !is_due {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "a speed is rounded anyway")]
        let speed = speed(worked.saturating_sub(last.worked) as f64 / time.as_secs_f64());
        *last = Mark { time: now, done, worked };
        let speed = if speed.is_empty() { "0 B/s" } else { &speed };
        Some(match self.total {
            // The remaining work, syncing to disk or waiting for the registry, cannot be measured in bytes.
            Some(total) if done >= total => format!("{}: {}, finishing", self.title, human(total)),
            Some(total) => format!("{}: {}, {speed}", self.title, of(done, total)),
            None => format!("{}: {}, {speed}", self.title, human(done)),
        })
    }

    fn step(&self, done: u64) -> u64 {
        let percent = |total: u64| u128::from(done) * 100 / u128::from(total.max(1));
        self.total.map_or(0, |total| u64::try_from(percent(total)).unwrap_or(u64::MAX) / STEP_PERCENT)
    }
}

/// Formats two sizes, with the unit only once if it is the same: `12.0 of 30.1 GiB`.
fn of(done: u64, total: u64) -> String {
    let (done, total) = (human(done), human(total));
    let unit = |text: &str| text.split_once(' ').map(|(_, unit)| unit.to_owned());
    let done = if unit(&done) == unit(&total) { done.split(' ').next().unwrap_or(&done) } else { &done };
    format!("{done} of {total}")
}

impl Task for Running {
    fn advance(&self, bytes: u64) {
        self.0.worked.fetch_add(bytes, Ordering::Relaxed);
        self.skip(bytes);
    }

    fn skip(&self, bytes: u64) {
        self.0.done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn set(&self, bytes: u64) {
        self.0.done.store(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// The lines about a part of `total` bytes: each step is the time in seconds and the bytes processed until then.
    fn lines(total: Option<u64>, steps: &[(u64, u64)]) -> Vec<String> {
        let start = Instant::now();
        let heartbeat = Heartbeat::new(|_| ());
        let part = Running(Arc::new(Part::new("uploading model m.safetensors".to_owned(), total, start)));
        heartbeat.state.lock().unwrap().parts.push(Arc::downgrade(&part.0));
        let mut lines = Vec::new();
        for (seconds, done) in steps {
            part.advance(done - part.0.done.load(Ordering::Relaxed));
            lines.extend(heartbeat.lines(start + Duration::from_secs(*seconds)));
        }
        drop(part);
        assert_eq!(heartbeat.lines(start + Duration::from_secs(10_000)), [""; 0], "it ended");
        lines
    }

    #[test]
    fn a_short_part_writes_nothing() {
        assert_eq!(lines(Some(100), &[(0, 0), (1, 50), (9, 99)]), [""; 0]);
    }

    #[test]
    fn a_long_part_writes_a_line_every_ten_percent_or_thirty_seconds() {
        let steps =
            [(5, GIB), (10, 3 * GIB), (15, 9 * GIB), (20, 9 * GIB), (40, 9 * GIB), (50, 9 * GIB), (60, 30 * GIB)];
        assert_eq!(
            lines(Some(30 * GIB), &steps),
            [
                "uploading model m.safetensors: 3.0 of 30.0 GiB, 307.1 MiB/s",
                "uploading model m.safetensors: 9.0 of 30.0 GiB, 614.3 MiB/s",
                "uploading model m.safetensors: 9.0 of 30.0 GiB, 0 B/s",
                "uploading model m.safetensors: 30.0 GiB, finishing",
            ]
        );
    }

    #[test]
    fn units_differ_and_totals_may_be_unknown() {
        assert_eq!(
            lines(Some(30 * GIB), &[(30, 30 << 20)]),
            ["uploading model m.safetensors: 30.0 MiB of 30.0 GiB, 1.0 MiB/s"]
        );
        assert_eq!(lines(None, &[(10, GIB), (30, 2 * GIB)]), ["uploading model m.safetensors: 2.0 GiB, 68.2 MiB/s"]);
    }
}
