//! Records beside the layout, in the folder `.kit`: facts that `kit` need not find out again. If one of them is
//! missing, a file is read again, or a request is made again; there is no other loss.
//!
//! - `collected`: the blobs of manifests, for the next collection.
//! - `remembered`: the layers that were packed from the files of a project.
//! - `tables`: the tables of contents that were compared with their layers.
//! - `secrets`: the layers in which no secrets were found.
//! - `fetched`: manifests and configs of registries.

mod collected;
mod fetched;
mod remembered;
mod secrets;
mod tables;

pub(super) use collected::Record;
pub use fetched::FetchedDocuments;
pub use remembered::RememberedLayer;
