//! Comparing two of ModelKits, folders and locks, level by level: fields, layers, files, and what is in the files.

mod compare;
mod content;
mod files;
mod kitfile;
mod listing;
mod numbers;
mod side;
mod table;
mod tensors;
mod text;

pub use compare::{DiffOptions, Difference, LayerRow, ParentDiff, diff};
pub use content::ContentDiff;
pub use files::{FileChange, FileDiff};
pub use kitfile::FieldDiff;
pub use listing::FileState;
pub use numbers::NumbersDiff;
pub use side::{Comparable, Compared};
pub use table::{RowsDiff, TableDiff};
pub use tensors::{TensorChange, TensorDiff, TensorsDiff};
pub use text::TextDiff;
