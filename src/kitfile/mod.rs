//! The Kitfile: what the user writes to say what belongs to a ModelKit.
//!
//! Takes and gives text; reads no disk and knows nothing of layers' bytes or media types.

mod decode;
mod detect;
mod document;
mod entries;
mod file_kind;
mod license;
mod mapping;
mod mlflow;
mod model_card;
mod model_format;
mod node;
mod notebook;
mod notes;
mod number;
mod parse;
mod pin;
#[cfg(test)]
mod samples;
mod scalar;
mod schema;
mod timestamp;
mod validate;
mod write;
mod write_scalar;

pub use detect::{Found, FoundKind, detect};
pub use document::{Code, Dataset, Docs, FILE_NAMES, Kitfile, LOCK_FILE, McpServer, Model, ModelPart, Package, Prompt};
pub use entries::{Entry, Section};
pub use file_kind::{is_leftover, is_license_file, is_model_file, model_stem};
pub use license::{detect_license, spdx_license};
pub use mlflow::{MlflowModel, MlflowRun, last_metric, mlflow_value};
pub use model_card::ModelCard;
pub use model_format::{ModelFormat, TELLING_BYTES};
pub use notebook::Notebook;
pub use notes::{Note, to_yaml_with_notes};
pub use parse::{FieldPlaces, SIZE_LIMIT, parse, parse_with_places};
pub use pin::{CannotPin, NamedReference, ReferenceField, pin};
pub use schema::SCHEMA;
pub use validate::{MANIFEST_VERSION, validate, warnings};
pub use write::{to_yaml, value_to_yaml, yaml_tree};
