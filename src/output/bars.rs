//! Progress output: the implementation of [`Progress`] that the user sees.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::{Value, json};

use super::gauge::Gauge;
use super::heartbeat::Heartbeat;
use super::streams::{Output, ProgressMode, error_columns};
use super::text::one_line;
use kit_core::progress::{Event, Notifier, Phase, Progress, Silent, Task, Warning};

/// Bars on a terminal, lines elsewhere, events for scripts.
pub(crate) struct Bars {
    output: Output,
    tasks_begun: AtomicU64,
    /// The running operation that parts belong to, if any.
    whole: Mutex<Weak<Meter>>,
    heartbeat: Arc<Heartbeat>,
}

impl Bars {
    /// Creates bars on `output`.
    pub(crate) fn new(output: &Output) -> Self {
        let lines = output.clone();
        Self {
            output: output.clone(),
            tasks_begun: AtomicU64::new(0),
            whole: Mutex::default(),
            heartbeat: Heartbeat::new(move |line| lines.say(line)),
        }
    }

    /// Returns a receiver of warnings that can be kept.
    pub(crate) fn notifier(&self) -> Notifier {
        let output = self.output.clone();
        Notifier::new(move |warning| output.report_warning(warning))
    }

    fn whole(&self) -> Option<Arc<Meter>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

impl Progress for Bars {
    fn overall(&self, total_bytes: u64) -> Box<dyn Task> {
        let done = Arc::default();
        let face = match self.output.mode() {
            ProgressMode::None | ProgressMode::Plain => return Box::new(Silent),
            ProgressMode::Fancy => {
                let bar = self.output.add_bar(bar(&done, String::new(), "", Some(total_bytes)));
                // The remaining time also has to be updated while nothing is transferred.
                // Starting the thread for that would panic where the system permits no more.
                if std::thread::Builder::new().spawn(|| ()).is_ok_and(|thread| thread.join().is_ok()) {
                    bar.enable_steady_tick(REDRAW_INTERVAL);
                }
                Face::Bar(bar)
            }
            ProgressMode::Json => {
                let events = Events::new(&self.output, Subject::Whole { total_bytes });
                events.send("start", &done);
                Face::Events(events)
            }
        };
        let whole = Arc::new(Meter { done, face, whole: None });
        *self.whole.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&whole);
        Box::new(Whole(whole))
    }

    fn start(&self, phase: Phase, label: &str, total_bytes: Option<u64>) -> Box<dyn Task> {
        let (done, whole) = (Arc::default(), self.whole());
        let face = match self.output.mode() {
            ProgressMode::None => return Box::new(Silent),
            ProgressMode::Plain => {
                return Box::new(self.heartbeat.start(format!("{} {label}", phase.word()), total_bytes));
            }
            ProgressMode::Fancy => {
                let bar = bar(&done, one_line(label), phase.word(), total_bytes);
                Face::Bar(if whole.is_some() { self.output.add_bar_above_last(bar) } else { self.output.add_bar(bar) })
            }
            ProgressMode::Json => {
                let task = self.tasks_begun.fetch_add(1, Ordering::Relaxed) + 1;
                self.output.event(&json!({
                    "type": "start", "task": task, "label": label, "totalBytes": total_bytes, "phase": phase.word(),
                }));
                Face::Events(Events::new(&self.output, Subject::Part { task }))
            }
        };
        Box::new(Meter { done, face, whole })
    }

    fn report(&self, event: &Event<'_>) {
        self.output.report(event);
    }

    fn warn(&self, warning: &Warning<'_>) {
        self.output.report_warning(warning);
    }
}

/// A count of bytes and its display. Progress of a part also counts for the whole operation.
struct Meter {
    done: Arc<AtomicU64>,
    face: Face,
    whole: Option<Arc<Meter>>,
}

enum Face {
    /// Its position is the number of bytes that were actually processed, from which the speed is computed.
    Bar(ProgressBar),
    Events(Events),
}

impl Meter {
    /// Changes the count by the difference between `before` and `after`, of which `worked` bytes were actually
    /// processed.
    fn shift(&self, before: u64, after: u64, worked: u64) {
        // If two threads update in the wrong order, the sum is below zero for a moment: it wraps around and then back.
        self.done.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
        self.show(worked);
        if let Some(whole) = &self.whole {
            whole.shift(before, after, worked);
        }
    }

    fn show(&self, worked: u64) {
        match &self.face {
            Face::Bar(bar) => bar.inc(worked),
            Face::Events(events) => events.send_sometimes(&self.done),
        }
    }
}

impl Task for Meter {
    fn advance(&self, bytes: u64) {
        self.shift(0, bytes, bytes);
    }

    fn skip(&self, bytes: u64) {
        self.shift(0, bytes, 0);
    }

    fn set(&self, bytes: u64) {
        self.shift(self.done.load(Ordering::Relaxed), bytes, 0);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        match &self.face {
            Face::Bar(bar) => bar.finish_and_clear(),
            Face::Events(events) => events.send("end", &self.done),
        }
    }
}

struct Whole(Arc<Meter>);

impl Task for Whole {
    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }

    fn skip(&self, bytes: u64) {
        self.0.skip(bytes);
    }

    fn set(&self, bytes: u64) {
        self.0.set(bytes);
    }
}

const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// Creates a bar that shows `done`. It has the width of the terminal each time it is drawn.
fn bar(done: &Arc<AtomicU64>, label: String, phase: &'static str, total: Option<u64>) -> ProgressBar {
    let done = done.clone();
    let line = move |state: &ProgressState, line: &mut dyn std::fmt::Write| {
        let done = done.load(Ordering::Relaxed);
        let gauge = Gauge { label: &label, phase, done, total, bytes_per_second: state.per_sec() };
        line.write_str(&gauge.line(error_columns())).expect("indicatif writes into a string, which takes any text");
    };
    let style = ProgressStyle::with_template("{line}").expect("the template is valid");
    ProgressBar::no_length().with_style(style.with_key("line", line))
}

/// The minimum interval between progress events of a task.
const EVENT_INTERVAL: Duration = Duration::from_millis(200);

struct Events {
    output: Output,
    subject: Subject,
    last: Mutex<Instant>,
}

/// The subject of events.
enum Subject {
    Part { task: u64 },
    Whole { total_bytes: u64 },
}

impl Subject {
    fn event(&self, kind: &str, bytes: u64) -> Value {
        match self {
            Self::Part { task } => json!({ "type": kind, "task": task, "bytes": bytes }),
            Self::Whole { total_bytes } => json!({ "type": "overall", "bytes": bytes, "totalBytes": total_bytes }),
        }
    }
}

impl Events {
    fn new(output: &Output, subject: Subject) -> Self {
        Self { output: output.clone(), subject, last: Mutex::new(Instant::now()) }
    }

    fn send_sometimes(&self, done: &AtomicU64) {
        // Another thread is sending an event right now.
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.elapsed() >= EVENT_INTERVAL {
            *last = Instant::now();
            self.send("progress", done);
        }
    }

    fn send(&self, kind: &str, done: &AtomicU64) {
        self.output.event(&self.subject.event(kind, done.load(Ordering::Relaxed)));
    }
}
