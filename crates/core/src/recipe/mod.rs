//! How the bytes of a layer are put together: pieces that are bytes, and pieces that are the content of files.
//!
//! A [`Recipe`] stands for a layer without being a copy of it. It is as small as the names of the files in it, and can be read
//! from any offset as if it were the layer. Each file is compared with what the system said of it when the recipe was made: one
//! that changed since is an error that names it. That is a quick look; who needs certainty compares the digest of what was read.
//!
//! Knows nothing of tar, of registries or of the store.

mod changed;
mod clones;
mod read;
mod segment;
mod write;

pub use changed::Changed;
pub use clones::clone_whole;
pub use read::{CloneFinder, Recipe, RecipeReader};
pub use write::RecipeWriter;
