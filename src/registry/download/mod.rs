//! Reading a blob: as one stream, or in pieces over several connections at once, which come out in order.
//!
//! The first answer decides which: a registry that honours the range of a piece is asked for further pieces, a registry that
//! sends everything is read to the end.

mod blob;
mod body;
mod budget;
mod chunks;
mod origin;
mod pace;
mod parallel;
mod pieces;
mod stream;

pub(super) use blob::RemoteBlob;
pub(super) use budget::Budget;
