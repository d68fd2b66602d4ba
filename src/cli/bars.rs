//! Draws progress: the one implementation of [`Progress`] that a person sees.

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;
use crate::progress::{Progress, Silent, Task};

/// Bars on a terminal, lines elsewhere.
pub(crate) struct Bars {
    output: Output,
}

impl Bars {
    /// Draws on `output`.
    pub(crate) fn new(output: &Output) -> Self {
        Self { output: output.clone() }
    }
}

impl Progress for Bars {
    fn start(&self, label: &str, total_bytes: Option<u64>) -> Box<dyn Task> {
        let Some(bars) = self.output.bars() else { return Box::new(Silent) };
        let bar = match total_bytes {
            Some(total) => ProgressBar::new(total).with_style(style(
                "  {prefix:34!} {bar:24} {percent:>3}% {binary_bytes:>10} {binary_bytes_per_sec:>12} {eta:>4}",
            )),
            None => ProgressBar::no_length().with_style(style("  {prefix:34!} {spinner} {binary_bytes:>10}")),
        };
        let bar = bars.add(bar);
        bar.set_prefix(label.to_owned());
        Box::new(Bar(bar))
    }

    fn say(&self, line: &str) {
        self.output.say(line);
    }

    fn warn(&self, line: &str) {
        self.output.warn(line);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates in this file are valid").progress_chars("━╸ ")
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
