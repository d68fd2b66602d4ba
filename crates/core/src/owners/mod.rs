//! The owners of the parts of a project: the file `KITOWNERS`, in the syntax of CODEOWNERS.
//!
//! A line has a pattern and its owners; the last line that matches decides. This module reads text. It does not access
//! the disk, and does not send anything to the owners.

mod document;
mod glob;
mod owner;
mod parts;
mod pattern;
mod review;

pub use document::{FILE_NAME, MEDIA_TYPE, Owners, Rule};
pub use owner::{InvalidOwner, Owner};
pub use parts::Parts;
pub use review::{Review, Unowned};
