//! The image form of a ModelKit: its platform, its layout, and an image below it.

mod assemble;
mod base;
mod link;
mod platform;

pub(crate) use assemble::assemble;
pub use assemble::{Image, ImageLayout};
pub use base::{BaseImage, InvalidBase};
pub use platform::{InvalidPlatform, Platform};
