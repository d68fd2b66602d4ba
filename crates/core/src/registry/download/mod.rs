//! Reading a blob: as one stream, or in pieces over several connections at once, which come out in order.
//!
//! Mirrors are asked before the registry. The first answer decides how the blob is read: a registry that sends everything is
//! read to the end; one that honours the range is asked for further ones, over several connections where one is slow.

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
mod stretches;

pub(crate) use anywhere::AnywhereBlob;
pub(crate) use blob::RemoteBlob;
pub(crate) use budget::Budget;
