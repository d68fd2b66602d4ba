//! Compares two ModelKits, folders or locks, level by level: fields, layers, files, and the contents of files.

mod compare;
mod concern;
mod content;
mod files;
mod kitfile;
mod listing;
mod notebook;
mod numbers;
mod owned;
mod pairing;
mod rows;
mod side;
mod table;
mod tensors;
mod text;
mod verify;
mod working_folder;

pub use compare::{DiffOptions, Difference, LayerRow, ParentDiff, diff};
pub(crate) use compare::{compare, compare_sides};
pub use concern::{Concern, UnknownConcern};
pub use content::ContentDiff;
pub use files::{FileChange, FileDiff};
pub use kitfile::FieldDiff;
pub(crate) use kitfile::compare as compare_fields;
pub use listing::FileState;
pub use notebook::{CellChange, CellDiff, NotebookDiff};
pub use numbers::NumbersDiff;
pub use owned::OwnedChanges;
pub use side::{Comparable, Compared};
pub(crate) use side::{Side, open};
pub use table::{RowsDiff, TableDiff};
pub use tensors::{TensorChange, TensorDiff, TensorsDiff};
pub use text::TextDiff;
pub use verify::{ExtraFiles, Verified, VerifyOptions, verify_lock, verify_modelkit};
