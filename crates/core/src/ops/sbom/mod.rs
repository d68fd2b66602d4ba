//! Bills of materials of ModelKits and folders.

mod gather;
mod look;

pub use gather::{SbomFormat, sbom, sbom_of_folder};
pub(crate) use look::task;
