//! The versions of a ModelKit and the artifacts that it was made from.

mod lineage;
mod log;
mod order;

pub use lineage::{Edge, EdgeKind, Lineage, Node, Proof, lineage};
pub use log::{LayerCount, LogOptions, Version, log};
