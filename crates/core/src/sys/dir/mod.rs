//! An open directory, and access to the files and directories below it without following links there.
//!
//! On Unix systems all operations use file descriptors: if another process replaces a directory by a link in the
//! meantime, the operation fails and no file outside is touched. Looking up a single name is also the cheapest request
//! to the system.
//!
//! On Windows the paths are checked for links before each operation. A process that replaces a directory by a link at
//! that very moment is not noticed.

mod below;
mod folders;
mod found;
mod names;
#[cfg(not(unix))]
mod portable;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod unix;

pub use folders::Folders;
pub use found::{Found, Link};
pub use names::Names;
#[cfg(not(unix))]
pub use portable::{Dir, is_link_refusal};
#[cfg(unix)]
pub use unix::{Dir, is_link_refusal};
