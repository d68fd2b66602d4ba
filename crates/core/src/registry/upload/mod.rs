//! Uploading a blob: whole, in chunks or resumed, and the capabilities of a registry that decide which.

mod blob;
mod capabilities;
mod feed;
mod form;
mod journal;
mod recovery;
mod refusal;
mod resume;
mod session;

pub(crate) use blob::Upload;
pub(crate) use capabilities::{Capabilities, Capability, Feature};
pub(crate) use form::{First, UploadRequirements, needs_of};
pub use form::{SaidBy, UploadForm};
pub(crate) use session::{Session, State, acknowledged, location};
