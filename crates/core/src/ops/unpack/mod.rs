//! Extracting all or part of a ModelKit into a directory.

mod into_folder;
mod layers;
mod pieces;
mod space;

pub(crate) use into_folder::{Chosen, wanted_parents};
pub use into_folder::{UnpackOptions, Unpacked, unpack};
