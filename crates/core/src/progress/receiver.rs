//! The interface between an operation and the display of its progress.

use super::event::Event;
use super::warning::Warning;

/// A receiver of the progress of a long operation.
pub trait Progress: Send + Sync {
    /// Begins an operation of `total_bytes`, until the task is dropped; the progress of parts that begin meanwhile
    /// counts towards it.
    fn overall(&self, total_bytes: u64) -> Box<dyn Task>;

    /// Begins one part, for example a layer; `total_bytes` is given if it is known in advance.
    fn start(&self, phase: Phase, label: &str, total_bytes: Option<u64>) -> Box<dyn Task>;

    /// Reports a step of the operation.
    fn report(&self, event: &Event<'_>);

    /// Reports something that the user should check although the operation continues.
    fn warn(&self, warning: &Warning<'_>);
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
    /// Files are examined by the rules of a scan.
    Scanning,
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
            Self::Scanning => "scanning",
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

    fn report(&self, _event: &Event<'_>) {}

    fn warn(&self, _warning: &Warning<'_>) {}
}

impl Task for Silent {
    fn advance(&self, _bytes: u64) {}

    fn skip(&self, _bytes: u64) {}

    fn set(&self, _bytes: u64) {}
}
