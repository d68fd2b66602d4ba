//! Drafts a Kitfile from the files of a project.

mod draft;
mod from_notebook;
mod hub_cache;
mod ignore_file;
mod layout;
mod listing;
mod model;
mod model_notes;
mod notebooks;
mod package;
mod project;
mod requirements;
mod skills;

pub(crate) use draft::find_license;
pub use draft::{Draft, init, init_remote};
pub use from_notebook::{NotebookDraft, init_notebook};
pub use hub_cache::{CacheFolder, CachedSnapshot};
pub(crate) use ignore_file::drafted_patterns;
pub use ignore_file::{IgnoreFile, draft_ignore_file};
pub(crate) use listing::draft;
pub use package::describe_package;
pub(crate) use project::Files;
pub use project::{Project, ProjectFolder};
pub use requirements::Requirement;
