//! Comparing two ModelKits level by level: fields, layers, files, and what is in the files.

mod compare;
mod files;
mod kitfile;
mod listing;
mod tensors;

pub use compare::{DiffOptions, Difference, LayerRow, diff};
pub use files::{FileChange, FileDiff};
pub use kitfile::FieldDiff;
pub use listing::FileState;
pub use tensors::{TensorChange, TensorDiff, TensorsDiff};
