//! Packs a folder into the bytes of a layer: walking, fingerprinting, writing.

mod fingerprint;
mod member;
mod missing;
mod walk;
mod write;

pub use fingerprint::Fingerprint;
pub use member::Modes;
pub use walk::{LayerSource, Links, Measured};
pub use write::{LayerSummary, write_layer};
