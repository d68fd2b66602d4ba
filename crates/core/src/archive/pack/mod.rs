//! Packs a folder into the bytes of a layer: walking, fingerprinting, writing.

mod fingerprint;
mod measure;
mod member;
mod missing;
mod notebooks;
mod walk;
mod write;

pub use fingerprint::Fingerprint;
pub use measure::Measured;
pub use member::Modes;
pub use notebooks::{Notebooks, StrippedNotebooks};
pub use walk::{LayerSource, Links};
pub use write::{LayerSummary, write_layer};
