//! The OCI documents (image-spec 1.1), and the interface of a place that holds content.
//!
//! This module does not access the disk or the network: `store` and `registry` implement the interface.

pub mod companion;
mod content;
mod descriptor;
mod index;
mod json_text;
mod manifest;
mod media_type;
mod ranged;
mod reference;
mod referrer;

pub use companion::Companion;
pub use content::{
    BlobOutcome, CheckedTables, Content, ContentError, Inspection, Need, PartFinder, Publication, Source, Subject,
    Target, check_document_size, read_document,
};
pub use descriptor::{Annotations, Descriptor};
pub use index::{CREATED, Index, LAYOUT_FILE, REF_NAME};
pub use json_text::without_bom;
pub use manifest::Manifest;
pub use media_type::MediaType;
pub use ranged::RangedReader;
pub use reference::{InvalidReference, Reference, Tag};
pub use referrer::Referrer;
