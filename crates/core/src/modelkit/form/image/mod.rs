//! The image form of a ModelKit: its platform, its layout, and an image below it.

mod assemble;
mod base;
mod link;
mod origin;
mod platform;

pub(crate) use assemble::assemble;
pub use assemble::{Image, ImageLayout};
pub use base::{BaseImage, InvalidBase};
pub(crate) use link::has_models_link;
pub(crate) use origin::{is_form_of_modelkit, is_image};
pub use platform::{InvalidPlatform, Platform};
