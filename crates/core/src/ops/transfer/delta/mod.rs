//! Fetching only the parts of a layer that no local older version contains.
//!
//! The table of contents of a layer lists its files and chunks. Those that are in older local layers, or in a folder,
//! are read from there, the rest is fetched in ranges, and the result is an ordinary [`Content`](crate::oci::Content)
//! that its reader verifies completely. So a damaged older layer or a wrong table costs time, but has no other effect.

mod content;
mod local_pieces;
mod older;
mod patch;
mod planner;
mod rechunk;
mod source;
mod tar_prefix;
mod tree;

pub(crate) use local_pieces::Older;
pub(crate) use older::older;
pub(crate) use source::DeltaSource;
pub use source::{Fetch, Taken};
