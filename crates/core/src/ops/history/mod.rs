//! The versions of a ModelKit and the artifacts that it was made from.

mod changes;
mod forms;
mod lineage;
mod log;
mod order;
mod owned;
mod packings;
mod version;

pub use changes::LayerCount;
pub use lineage::{Edge, EdgeKind, Lineage, Node, Proof, lineage};
pub use log::{LogOptions, log};
pub use version::Version;
