//! Recipes: instructions for assembling the bytes of a layer from literal bytes and from the content of files.
//!
//! A [`Recipe`] represents a layer without being a copy of it. It is about as small as the names of the files in the
//! layer, and can be read from any offset as if it were the layer. Each file is compared with the metadata that it had
//! when the recipe was made: if it has changed, reading fails with an error that names it. This check is quick but not
//! proof; a caller that needs certainty verifies the digest of the bytes.
//!
//! Does not know tar, registries or the store.

mod changed;
mod clones;
mod read;
mod segment;
mod write;

pub use changed::Changed;
pub use read::{CloneFinder, Recipe, RecipeReader};
pub use write::RecipeWriter;
