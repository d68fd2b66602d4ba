//! The local store: an OCI image layout on disk, shared by every `kit` of this user.
//!
//! The folder is a plain image layout (image-spec 1.1, "Image Layout") that other tools can read; the private files of
//! `kit`, locks and half-written blobs, are in its subfolder `.kit`. Any number of processes may use it at once:
//!
//! - A blob is written under `.kit/ingest` and renamed, so a blob under `blobs/` is complete. Only a crash of the
//!   machine can damage it, and such a blob is found before its first use (`durability`).
//! - `index.json` is replaced as a whole, under a lock, after the blobs that it leads to have their names.
//! - A process that uses blobs holds a share of the *use lock*; blobs are collected only by a process that holds all
//!   of it.
//!
//! Does not know the network, tar, the terminal or the environment.

mod blob;
mod check;
mod collect;
mod companions;
mod documents;
mod durability;
mod error;
mod full_disk;
mod index;
mod ingest;
mod layout;
mod links;
mod lock;
mod members;
mod reader;
mod records;
mod referrers;
#[cfg(test)]
mod tests;
mod unpacked;
mod waiting;
mod writer;

pub use blob::{BlobWriter, Committed};
pub use check::BrokenEntry;
pub use collect::Collected;
pub use documents::Document;
pub use error::{Error, StoreName};
pub use index::{Entry, IndexDocument};
pub use layout::{Names, Store};
pub use links::LinkWriter;
pub use members::Members;
pub use reader::Reader;
pub use records::{FetchedDocuments, RememberedLayer};
pub use unpacked::{Recorded, Recording, TimeSpan, UnpackEntry, UnpackRun, UnpackTimes, UnpackedFile, UnpackedPart};
pub use waiting::LockWaiting;
pub use writer::Writer;
