//! Packs a folder into the bytes of a layer: walking, fingerprinting, writing.

mod fingerprint;
mod missing;
mod walk;
mod write;

pub use fingerprint::Fingerprint;
pub use walk::{LayerSource, Links, Measured};
pub use write::{LayerSummary, write_layer};
