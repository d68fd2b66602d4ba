//! The table of contents (TOC) of a layer: its files and folders, their digests, and the chunks that large files
//! consist of.
//!
//! This module does not open files. A table is written together with its layer, by a [`Writer`] that receives all
//! bytes, and is stored as a small blob of its own: JSON, one line for each file or folder in the order of the layer,
//! compressed with Zstandard. With the table, a single file is located in a layer and its content verified without
//! reading the rest of the layer, two versions are compared without reading either layer, and chunks that a new version
//! shares with an old one are not fetched again.

mod cutter;
mod entry;
mod parts;
mod points;
mod reader;
mod tensor_points;
mod verified;
mod writer;

pub use cutter::Cutter;
pub use entry::{Entry, Kind, Piece, PieceDigest, TensorLabel};
pub use parts::{Part, Parts};
pub use reader::{InvalidContents, is_longer_than, read, read_all};
pub use verified::{Altered, Place, VerifiedFile, VerifiedPieces};
pub use writer::Writer;
