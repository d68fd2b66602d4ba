//! What git knows of a folder, and a commit of another repository. It is asked by its own program, which must not be made to run
//! anything by the folder.

mod command;
mod credentials;
mod error;
mod fetch;
mod look;

pub use credentials::credentials;
pub use error::Error;
pub use fetch::{Tree, TreeFile, fetch, lfs_folder, setting_in};
pub use look::{Checkout, look};
