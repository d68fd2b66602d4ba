//! How long work tells its caller what it is doing.
//!
//! Knows no bars, terminals or colours: the terminal belongs to `cli`, which has the one place that draws.

/// Somebody who wants to know about the parts of a long operation.
pub trait Progress: Send + Sync {
    /// Opens the whole of an operation of `total_bytes`, until it is dropped: what the parts begun meanwhile do is done of it.
    fn overall(&self, total_bytes: u64) -> Box<dyn Task>;

    /// Opens one part, for example a layer; `total_bytes` where it is known beforehand.
    fn start(&self, phase: Phase, label: &str, total_bytes: Option<u64>) -> Box<dyn Task>;

    /// Tells one finished fact as a sentence, for example `Saved model layer: sha256:…`.
    fn say(&self, line: &str);

    /// Tells what the user should look at although the work goes on.
    fn warn(&self, line: &str);
}

/// What is being done to the bytes of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Files are read, hashed and stored as a layer.
    Hashing,
    /// They go to a registry.
    Uploading,
    /// They come into the local store.
    Downloading,
    /// They go from a place to another.
    Copying,
    /// They become files.
    Unpacking,
    /// They are compared with their digest.
    Verifying,
}

impl Phase {
    /// The phase in a word.
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

/// Work under way. Dropping it ends it.
pub trait Task: Send + Sync {
    /// Counts `bytes` more as done.
    fn advance(&self, bytes: u64);

    /// Counts `bytes` more as done that cost no work, and tell nothing about the speed.
    fn skip(&self, bytes: u64);

    /// Says that `bytes` of the part are done so far: work that starts again goes back.
    fn set(&self, bytes: u64);

    /// Says, once at most, that compressing the part saves next to nothing.
    fn saves_little(&self) {}
}

/// A listener that does not listen.
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

/// `bytes` as `KitOps` prints them: one decimal, rounded down, in units of 1024.
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
