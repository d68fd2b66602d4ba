//! Checks that stop an operation before it packs or publishes secrets, or a model without content.

mod allowed;
mod damage;
mod folder;
mod misplaced;
mod names;
mod npy;
mod packed;
mod pickles;
mod pointer;
mod report;
mod secrets;
mod shards;
mod suspects;
mod upstream;

pub use allowed::Allowed;
pub(crate) use folder::{CheckedLayer, check_folder, empty_files, empty_layer, has_no_pointers, secrets_in};
pub(crate) use misplaced::{misplaced_files, warn_of_misplaced};
pub use packed::refuse_secrets;
pub(crate) use packed::{is_checked, note_checked};
pub(crate) use pickles::dangerous_pickles;
pub(crate) use pointer::pointers;
pub(crate) use secrets::{DataTexts, Found, is_secret_setting};
pub(crate) use suspects::Suspects;
pub(crate) use upstream::{check_bytes, check_names, check_weights, warn_of_names};
