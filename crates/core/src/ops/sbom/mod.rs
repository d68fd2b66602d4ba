//! Bills of materials of ModelKits.

mod gather;
mod look;

pub use gather::{SbomFormat, sbom};
pub(crate) use look::task;
