//! The Kitfile: the document in which a user lists the contents of a ModelKit.
//!
//! This module reads and writes text. It does not access the disk and does not depend on the bytes or media types of
//! layers.

mod decode;
mod document;
mod entries;
mod notes;
mod parse;
mod part;
mod pin;
mod remote_data;
#[cfg(test)]
mod samples;
mod schema;
mod text;
mod validate;
mod write;

pub use document::{
    Code, Dataset, Docs, FILE_NAMES, Kitfile, LOCK_FILE, McpServer, Model, ModelPart, Package, Prompt, is_reference,
};
pub use entries::{Entry, Section};
pub use notes::{Note, to_yaml_with_notes};
pub use parse::{FieldPlaces, parse, parse_with_places};
pub use part::Moved;
pub use pin::{CannotPin, NamedReference, ReferenceField, pin};
pub use schema::SCHEMA;
pub use text::{NotText, decode};
pub use validate::{MANIFEST_VERSION, validate, warnings};
pub use write::{to_yaml, yaml_tree};
