//! How a Kitfile becomes an artifact, and an artifact a Kitfile again: config, layers, manifest.
//!
//! Works on documents alone: no disk, no HTTP, no tar.

mod artifact;
mod config;
mod layer_type;
mod lock;
mod plain_file;
mod selection;

pub use artifact::{CLI_VERSION, InvalidModelKit, Layer, ModelKit, PackedLayer, assemble, is_modelkit, label};
pub use config::{Config, InvalidConfig, LayerDigests};
pub use layer_type::{LayerType, section_word};
pub use lock::{
    Change, Drift, LOCK_SIZE_LIMIT, Lock, LockedFile, LockedLayer, LockedParent, Subject, kitfile_digest, parse_lock,
};
pub use plain_file::PlainFile;
pub use selection::{Filter, InvalidFilter, Part, Selection};
