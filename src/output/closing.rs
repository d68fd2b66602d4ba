//! The last line of every command that transfers data.

use std::time::{Duration, Instant};

use super::gauge::speed;
use kit_core::ops::{Copied, Packed, Taken};
use kit_core::progress::human;

/// The amounts of data that were transferred and reused.
pub(crate) struct Moved {
    /// The transferred bytes, and the word for it, such as `sent`.
    pub(crate) done: (u64, &'static str),
    /// The reused data, in words, for operations that can reuse some.
    pub(crate) reused: Option<String>,
    /// The mounted bytes, for operations that can mount.
    pub(crate) mounted: Option<u64>,
    /// Bytes that an earlier, interrupted run transferred.
    pub(crate) resumed: u64,
}

impl Moved {
    /// The summary of a copy to a place other than the local store.
    pub(crate) fn sent(copied: &Copied) -> Self {
        Self {
            done: (copied.sent_bytes, "sent"),
            reused: Some(format!("{} already there", human(copied.present_bytes))),
            mounted: Some(copied.mounted_bytes),
            resumed: copied.resumed_bytes,
        }
    }

    /// The summary of packing into the local store; `done` is the word for the written bytes.
    pub(crate) fn packed(packed: &Packed, done: &'static str) -> Self {
        Self {
            done: (packed.bytes - packed.reused_bytes, done),
            reused: Some(format!("{} reused", human(packed.reused_bytes))),
            mounted: None,
            resumed: 0,
        }
    }

    /// Formats the line, with the time since `start` and the speed of the transfer.
    pub(crate) fn in_words(&self, start: Instant) -> String {
        self.in_words_after(start.elapsed())
    }

    fn in_words_after(&self, time: Duration) -> String {
        let (bytes, verb) = self.done;
        let mut parts = vec![format!("{} {verb}", human(bytes))];
        parts.extend(self.reused.clone());
        parts.extend(self.mounted.map(|bytes| format!("{} mounted", human(bytes))));
        if self.resumed > 0 {
            parts.push(format!("{} resumed", human(self.resumed)));
        }
        #[allow(clippy::cast_precision_loss, reason = "a speed is rounded anyway")]
        let speed = speed(bytes as f64 / time.as_secs_f64());
        let separator = if speed.is_empty() { "" } else { " · " };
        format!("{} · {:.1} s{separator}{speed}", parts.join(", "), time.as_secs_f64())
    }
}

/// The text about data that was taken from older versions, if any.
pub(crate) fn and_taken(taken: &Taken) -> String {
    if taken.bytes == 0 {
        return String::new();
    }
    let names: Vec<&str> = taken.names.iter().map(String::as_str).collect();
    format!(", {} taken from {}", human(taken.bytes), names.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_shows_amount_and_speed() {
        let reused = || Some("1.0 KiB already there".to_owned());
        for (moved, expected) in [
            (
                Moved { done: (0, "sent"), reused: reused(), mounted: Some(0), resumed: 0 },
                "0 B sent, 1.0 KiB already there, 0 B mounted · 2.0 s",
            ),
            (
                Moved { done: (4096, "fetched"), reused: reused(), mounted: None, resumed: 5 },
                "4.0 KiB fetched, 1.0 KiB already there, 5 B resumed · 2.0 s · 2.0 KiB/s",
            ),
        ] {
            assert_eq!(moved.in_words_after(Duration::from_secs(2)), expected);
        }
    }
}
