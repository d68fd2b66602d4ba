//! Progress reports of long operations.
//!
//! This module does not depend on bars, terminals or colours: only `cli` writes to the terminal, in one place.

/// A receiver of the progress of a long operation.
pub trait Progress: Send + Sync {
    /// Begins an operation of `total_bytes`, until the task is dropped; the progress of parts that begin meanwhile
    /// counts towards it.
    fn overall(&self, total_bytes: u64) -> Box<dyn Task>;

    /// Begins one part, for example a layer; `total_bytes` is given if it is known in advance.
    fn start(&self, phase: Phase, label: &str, total_bytes: Option<u64>) -> Box<dyn Task>;

    /// Reports a completed step as one line, for example `Saved model layer: sha256:…`.
    fn say(&self, line: &str);

    /// Reports something that the user should check although the operation continues.
    fn warn(&self, line: &str);
}

/// The kind of processing that the bytes of a part go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Files are read, hashed and stored as a layer.
    Hashing,
    /// Bytes are sent to a registry.
    Uploading,
    /// Bytes are received into the local store.
    Downloading,
    /// Bytes are copied from one place to another.
    Copying,
    /// Bytes are written as files.
    Unpacking,
    /// Bytes are compared with their digest.
    Verifying,
}

impl Phase {
    /// The phase as one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hashing => "hashing",
            Self::Uploading => "uploading",
            Self::Downloading => "downloading",
            Self::Copying => "copying",
            Self::Unpacking => "unpacking",
            Self::Verifying => "verifying",
        }
    }
}

/// A running operation. It ends when the task is dropped.
pub trait Task: Send + Sync {
    /// Adds `bytes` to the completed bytes.
    fn advance(&self, bytes: u64);

    /// Adds `bytes` to the completed bytes that needed no work and must not count for the speed.
    fn skip(&self, bytes: u64);

    /// Sets the completed bytes of the part: work that starts again begins with a lower number.
    fn set(&self, bytes: u64);

    /// Reports, at most once, that compressing the part saves hardly any space.
    fn saves_little(&self) {}
}

/// A receiver that ignores all reports.
pub struct Silent;

impl Progress for Silent {
    fn overall(&self, _total_bytes: u64) -> Box<dyn Task> {
        Box::new(Self)
    }

    fn start(&self, _phase: Phase, _label: &str, _total_bytes: Option<u64>) -> Box<dyn Task> {
        Box::new(Self)
    }

    fn say(&self, _line: &str) {}

    fn warn(&self, _line: &str) {}
}

impl Task for Silent {
    fn advance(&self, _bytes: u64) {}

    fn skip(&self, _bytes: u64) {}

    fn set(&self, _bytes: u64) {}
}

/// Formats `bytes` as `KitOps` prints them: one decimal, rounded down, in units of 1024.
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut exponent = (bytes.ilog2() / 10) as usize;
    exponent = exponent.min(UNITS.len());
    let unit = 1u128 << (10 * exponent);
    let tenths = u128::from(bytes) * 10 / unit;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[exponent - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_down_to_one_decimal() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1023.9 KiB"),
            (1024 * 1024, "1.0 MiB"),
            (1 << 60, "1024.0 PiB"),
        ] {
            assert_eq!(human(bytes), expected);
        }
    }
}
