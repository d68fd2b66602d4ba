//! Tests of the commands that move ModelKits.

mod also;
mod copying;
mod delta;
mod hostile;
mod hostile_text;
mod image_form;
mod kill;
mod modelpack;
mod moved_tags;
mod moving;
mod pieces;
pub mod published;
mod referrers;
mod resume;
mod roundtrips;
mod save;
#[cfg(unix)]
mod signals;
mod tables;
mod troubled;
mod unpack;
mod unsafe_paths;

pub(crate) use hostile::{Layout, tar};
