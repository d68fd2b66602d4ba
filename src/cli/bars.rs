//! Shows progress: the one implementation of [`Progress`] that somebody sees.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::output::{Output, ProgressMode};
use crate::progress::{Progress, Silent, Task};

/// Bars on a terminal, lines elsewhere, events for programs.
pub(crate) struct Bars {
    output: Output,
    tasks_begun: AtomicU64,
}

impl Bars {
    /// Shows on `output`.
    pub(crate) fn new(output: &Output) -> Self {
        Self { output: output.clone(), tasks_begun: AtomicU64::new(0) }
    }
}

impl Progress for Bars {
    fn start(&self, label: &str, total_bytes: Option<u64>) -> Box<dyn Task> {
        match self.output.mode() {
            ProgressMode::None | ProgressMode::Plain => Box::new(Silent),
            ProgressMode::Fancy => {
                let bar = self.output.add_bar(bar(total_bytes));
                bar.set_prefix(label.to_owned());
                Box::new(Bar(bar))
            }
            ProgressMode::Json => {
                let number = self.tasks_begun.fetch_add(1, Ordering::Relaxed) + 1;
                let event = json!({ "type": "start", "task": number, "label": label, "totalBytes": total_bytes });
                self.output.event(&event);
                Box::new(Events::new(self.output.clone(), number))
            }
        }
    }

    fn say(&self, line: &str) {
        self.output.say(line);
    }

    fn warn(&self, line: &str) {
        self.output.warn(line);
    }
}

fn bar(total_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match total_bytes {
        Some(total) => (
            ProgressBar::new(total),
            "  {prefix:34!} {bar:24} {percent:>3}% {binary_bytes:>10} {binary_bytes_per_sec:>12} {eta:>4}",
        ),
        None => (ProgressBar::no_length(), "  {prefix:34!} {spinner} {binary_bytes:>10}"),
    };
    let style = ProgressStyle::with_template(template).expect("the templates in this file are valid");
    bar.with_style(style.progress_chars("━╸ "))
}

struct Bar(ProgressBar);

impl Task for Bar {
    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    fn set(&self, bytes: u64) {
        self.0.set_position(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// How often a task tells a program of its bytes.
const EVENT_INTERVAL: Duration = Duration::from_millis(200);

struct Events {
    output: Output,
    number: u64,
    bytes: AtomicU64,
    last: Mutex<Instant>,
}

impl Events {
    fn new(output: Output, number: u64) -> Self {
        Self { output, number, bytes: AtomicU64::new(0), last: Mutex::new(Instant::now()) }
    }

    fn tell_now_and_then(&self) {
        // Somebody else is telling right now.
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.elapsed() >= EVENT_INTERVAL {
            *last = Instant::now();
            self.tell("progress");
        }
    }

    fn tell(&self, kind: &str) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.output.event(&json!({ "type": kind, "task": self.number, "bytes": bytes }));
    }
}

impl Task for Events {
    fn advance(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell_now_and_then();
    }

    fn set(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.tell("end");
    }
}
