//! Reading a blob: as one stream, or in pieces over several connections at once, which are delivered in order.
//!
//! Mirrors are tried before the registry. The first answer decides how the blob is read: a registry that ignores
//! ranges is read to the end; one that honours them gets further requests, over several connections if one is slow.

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
