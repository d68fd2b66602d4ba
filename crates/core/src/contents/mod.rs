//! The table of contents of a layer: its files and folders, their digests, and the pieces that large files consist of.
//!
//! Opens nothing. A table is made while the layer is written, by a [`Writer`] that sees the bytes pass, and is a small blob of its
//! own: JSON, one line for each file or folder in the order of the layer, compressed with Zstandard. With it, a file is found in a layer
//! and what is read of it is verified without the rest of the layer; two versions are compared without either; and what a new version
//! has in common with an old one need not be fetched again.

mod cutter;
mod entry;
mod points;
mod reader;
mod tensor_points;
mod verified;
mod writer;

pub use cutter::Cutter;
pub use entry::{Entry, Kind, Piece, PieceDigest, TensorLabel};
pub use reader::{InvalidContents, read};
pub use verified::{Altered, Place, VerifiedFile, VerifiedPieces};
pub use writer::{SIZE_LIMIT, Writer};
