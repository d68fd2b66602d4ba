//! Drafts a Kitfile from the files of a project.

mod draft;
mod listing;
mod model;
mod notebooks;
mod project;
mod skills;

pub(crate) use draft::find_license;
pub use draft::{Draft, init, init_remote};
pub(crate) use listing::draft;
pub(crate) use project::Files;
pub use project::{Project, ProjectFolder};
