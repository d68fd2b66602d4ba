//! Bills of materials: what a ModelKit consists of, as CycloneDX and SPDX documents.
//!
//! The documents are made from facts alone, so the same ModelKit gives the same bytes.

mod cyclonedx;
mod facts;
mod json;
mod license;
mod purl;
mod spdx_document;

pub use cyclonedx::{CycloneDxVersion, cyclonedx};
pub use facts::{BilledFile, BilledSubject, ModelDescription, SbomFacts};
pub use spdx_document::spdx;
