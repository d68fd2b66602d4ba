//! What git knows of a folder. It is asked by its own program, which must not be made to run anything by the folder.

mod command;
mod look;

pub use look::{Checkout, look};
