//! Drafts a Kitfile from the files of a project.

mod draft;
mod ignore_file;
mod listing;
mod model;
mod notebooks;
mod project;
mod skills;

pub(crate) use draft::find_license;
pub use draft::{Draft, init, init_remote};
pub use ignore_file::{IGNORE_FILE, IgnoreFile, draft_ignore_file};
pub(crate) use listing::draft;
pub(crate) use project::Files;
pub use project::{Project, ProjectFolder};
