//! Progress of long operations, as facts: what an operation did, not sentences about it.
//!
//! An operation reports to a [`Progress`]. The program turns its events into lines, bars or JSON; this library never
//! writes to a terminal.

mod event;
mod notifier;
mod parts;
mod receiver;
mod size;
mod warning;

pub use event::{BlobCopied, CopyOutcome, Event, LayerPacked, PackOutcome, StoredDocument};
pub use notifier::Notifier;
pub use parts::{IgnoreLine, LayerPlace, Paths, PolicyConsequence, RecallNotice};
pub use receiver::{Phase, Progress, Silent, Task};
pub use size::human;
pub use warning::Warning;
