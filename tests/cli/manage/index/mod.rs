//! Indexes of ModelKits: variants of a model under one name. Creating them, transferring them as a whole, and selecting
//! a variant by its labels.

mod choosing;
mod creating;
mod moving;
mod scene;
