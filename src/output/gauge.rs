//! The appearance of a progress bar: one line that fits the terminal.

use super::fit::{cut, padded};
use kit_core::progress::human;

/// The state of a bar.
pub(super) struct Gauge<'a> {
    /// The subject; empty for a whole operation, which shows its bytes instead.
    pub(super) label: &'a str,
    /// The current phase, such as `hashing`.
    pub(super) phase: &'a str,
    /// The processed bytes.
    pub(super) done: u64,
    /// The total bytes, if known.
    pub(super) total: Option<u64>,
    /// The recent speed.
    pub(super) bytes_per_second: f64,
}

/// The total width of the fields of fixed width: margins, phase, percentage, speed, time.
const FIXED: usize = 42;
const PHASE: usize = 11;

impl Gauge<'_> {
    /// Renders the line for a terminal with this many `columns`.
    pub(super) fn line(&self, columns: usize) -> String {
        let spare = columns.saturating_sub(FIXED);
        let bar = (spare / 3).clamp(6, 40);
        let label = (spare.saturating_sub(bar)).clamp(8, 60);
        let (name, speed) = (self.name(label), speed(self.bytes_per_second));
        let line = match self.total {
            Some(total) => {
                let done = self.done.min(total);
                let percent = percent(done, total);
                let time = time(total - done, self.bytes_per_second);
                format!("  {name} {} {percent:>3}% {speed:>12} {time:>7}", bar_of(done, total, bar))
            }
            None => format!("  {name} {} {speed:>12}", human(self.done)),
        };
        cut(&line, columns.saturating_sub(1), |_| 0).into_owned()
    }

    /// Label and phase, padded to their columns.
    fn name(&self, label: usize) -> String {
        if self.label.is_empty() {
            let total = self.total.map_or_else(String::new, |total| format!(" of {}", human(total)));
            let text = format!("{}{total}", human(self.done.min(self.total.unwrap_or(u64::MAX))));
            return padded(&text, label + 1 + PHASE);
        }
        // The remaining work, syncing to disk or waiting for the registry, cannot be measured in bytes.
        let phase = if self.total.is_some_and(|total| self.done >= total) { "finishing" } else { self.phase };
        format!("{} {}", padded(self.label, label), padded(phase, PHASE))
    }
}

fn bar_of(done: u64, total: u64, width: usize) -> String {
    let halves = share(done, total, 2 * width);
    let (full, half) = ("━".repeat(halves / 2), "╸".repeat(halves % 2));
    format!("{full}{half}{}", "─".repeat(width - halves.div_ceil(2)))
}

fn percent(done: u64, total: u64) -> usize {
    share(done, total, 100)
}

/// The share of `done` in `total`, in `parts`; an empty total counts as complete.
fn share(done: u64, total: u64, parts: usize) -> usize {
    if total == 0 {
        return parts;
    }
    usize::try_from(u128::from(done) * parts as u128 / u128::from(total)).unwrap_or(parts)
}

/// Formats a speed in units of [`human`]; empty if nothing was transferred yet.
pub(super) fn speed(bytes_per_second: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
    let bytes = bytes_per_second as u64;
    if bytes == 0 { String::new() } else { format!("{}/s", human(bytes)) }
}

/// Formats the remaining time.
fn time(bytes: u64, bytes_per_second: f64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "precision does not matter for that many seconds")]
    let seconds = bytes as f64 / bytes_per_second;
    if bytes > 0 && !(0.0..360_000.0).contains(&seconds) {
        return "-:--".to_owned();
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range above, or zero")]
    let seconds = seconds.ceil() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn gauge(label: &str, done: u64, total: Option<u64>) -> Gauge<'_> {
        Gauge { label, phase: "hashing", done, total, bytes_per_second: 20.0 * 1024.0 * 1024.0 }
    }

    #[test]
    fn lines_fit_the_terminal() {
        for (columns, label, done, expected) in [
            (
                60,
                "model weights/model-00001-of-00004.safetensors",
                71,
                "  model …nsors hashing     ━━━━──  71%   20.0 MiB/s    0:02",
            ),
            (
                80,
                "data ümläut 数据",
                0,
                "  data ümläut 数据           hashing     ────────────   0%   20.0 MiB/s    0:05",
            ),
            (80, "code src", 100, "  code src                   finishing   ━━━━━━━━━━━━ 100%   20.0 MiB/s    0:00"),
            (60, "", 71, "  71.0 MiB of 100.0 MiB    ━━━━──  71%   20.0 MiB/s    0:02"),
        ] {
            let line = gauge(label, done * MIB, Some(100 * MIB)).line(columns);
            assert_eq!(line, expected);
        }
        let long = "数据/".repeat(100);
        for columns in 1..250 {
            for total in [None, Some(0), Some(1), Some(u64::MAX)] {
                let line = gauge(&long, 1, total).line(columns);
                assert!(line.width() < columns.max(2), "{columns} {}: {line}", line.width());
            }
        }
    }

    #[test]
    fn times_are_rounded_up_and_unknown_ones_are_not_made_up() {
        for (bytes, speed, expected) in [
            (0, 0.0, "0:00"),
            (1, 0.0, "-:--"),
            (100, 100.0, "0:01"),
            (6001, 100.0, "1:01"),
            (360_000, 99.9, "1:00:04"),
            (u64::MAX, 1.0, "-:--"),
        ] {
            assert_eq!(time(bytes, speed), expected, "{bytes} {speed}");
        }
    }

    #[test]
    fn bars_have_half_steps() {
        for (done, expected) in [(0, "────"), (1, "╸───"), (4, "━━──"), (7, "━━━╸"), (8, "━━━━")]
        {
            assert_eq!(bar_of(done, 8, 4), expected);
        }
    }
}
