//! The state of a git checkout, and commits of other repositories. Both are read by the `git` program, and nothing in
//! a folder may make it run another program.

mod command;
mod credentials;
mod error;
mod executables;
mod fetch;
mod look;

pub use credentials::{credentials, credentials_of_url};
pub use error::Error;
pub use executables::executables;
pub use fetch::{Tree, TreeFile, fetch, lfs_folder, setting_in};
pub use look::{Checkout, look, user_name};
