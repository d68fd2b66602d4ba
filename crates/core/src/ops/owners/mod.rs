//! The owners of a ModelKit: attached when it is packed, read from its referrers, and named for its changes.

mod attach;
mod ownership;
mod read;

pub(crate) use attach::{attachment, of_folder};
pub use ownership::Ownership;
pub(crate) use read::read_listed;
