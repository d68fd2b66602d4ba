//! Reading a blob: as one stream, or in pieces over several connections at once, which come out in order.
//!
//! Mirrors are asked before the registry. The first answer decides how the blob is read: a registry that honours the range of a piece is asked for further pieces, a registry that
//! sends everything is read to the end.

mod anywhere;
mod blob;
mod body;
mod budget;
mod chunks;
mod origin;
mod pace;
mod parallel;
mod pieces;
mod stream;

pub(super) use anywhere::AnywhereBlob;
pub(super) use budget::Budget;
