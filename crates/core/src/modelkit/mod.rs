//! Conversion between a Kitfile and the documents of an artifact: config, layers, manifest.
//!
//! This module works on documents alone, without access to disk, HTTP or tar.

mod artifact;
mod assemble;
mod config;
mod documents;
mod form;
mod index;
mod labels;
mod layer_search;
mod lock;
mod selection;

pub use artifact::{InvalidModelKit, Layer, ModelKit, UnreadableEntry, kind_and_path, label};
pub use assemble::{Assembly, CLI_VERSION, Form, PackedLayer, SUBSET_OF, UnsupportedForm};
pub use config::{Config, InvalidConfig, LayerDigests};
pub use documents::Documents;
pub(crate) use form::is_config;
pub use form::{
    BaseImage, ContentsTable, Family, Image, ImageLayout, InvalidBase, InvalidPlatform, LayerType, ModelFacts,
    PlainFile, Platform,
};
pub(crate) use form::{has_models_link, is_form_of_modelkit, is_image};
pub use index::{ModelKitIndex, Variant};
pub use labels::{AnnotationEdit, InvalidLabel, Keyed, Label, LabelEdit, Labels, check_keys};
pub use layer_search::EntryProblem;
pub use lock::{
    Change, Drift, Lock, LockedFile, LockedFolder, LockedLayer, LockedParent, LockedRemote, Subject, kitfile_digest,
    parent_names, parse_lock,
};
pub use selection::{Filter, InvalidFilter, NamedEntry, Part, Selection};
