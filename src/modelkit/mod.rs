//! How a Kitfile becomes an artifact, and an artifact a Kitfile again: config, layers, manifest.
//!
//! Works on documents alone: no disk, no HTTP, no tar.

mod annotations;
mod artifact;
mod assemble;
mod config;
mod family;
mod image;
mod index;
mod labels;
mod layer_type;
mod lock;
mod modelpack;
mod selection;

pub use annotations::{PlainFile, contents_of, describe_contents, name_contents};
pub use artifact::{InvalidModelKit, Layer, ModelKit, label};
pub use assemble::{CLI_VERSION, Form, Ingredients, PackedLayer, Unfit};
pub use config::{Config, InvalidConfig, LayerDigests};
pub use family::{Family, section_word};
pub use image::{InvalidPlatform, Platform};
pub use index::{ModelKitIndex, Variant};
pub use labels::{InvalidLabel, Label, LabelEdit, Labels};
pub use layer_type::LayerType;
pub use lock::{
    Change, Drift, LOCK_SIZE_LIMIT, Lock, LockedFile, LockedFolder, LockedLayer, LockedParent, LockedRemote, Subject,
    kitfile_digest, parent_names, parse_lock,
};
pub use modelpack::ModelFacts;
pub use selection::{Filter, InvalidFilter, Part, Selection};
