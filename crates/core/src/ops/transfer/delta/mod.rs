//! Fetching of a layer only what no older version of it holds that is here.
//!
//! The table of contents of a layer tells which files and pieces it consists of. What of them lies in older layers, or in a folder, is
//! read from there, the rest is fetched in ranges, and the result is a [`Content`](crate::oci::Content) like any other: whoever takes it
//! verifies all of it. So an older layer that is damaged, or a table that is wrong, costs time and nothing else.

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
