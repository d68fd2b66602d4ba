//! An open directory, and access to the files and directories below it without following links there.
//!
//! On Unix systems all operations use file descriptors: if another process replaces a directory by a link in the
//! meantime, the operation fails and no file outside is touched. Looking up a single name is also the cheapest request
//! to the system.
//!
//! On Windows the folders above a name are held in place while an operation checks and uses them.

mod ancestors;
mod below;
mod folders;
mod found;
mod names;
mod naming;
mod spelling;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use folders::Folders;
pub use found::{Found, Link};
pub use names::Names;
pub use naming::{Folding, name_problem};
pub use spelling::name_of;
#[cfg(unix)]
pub use unix::{Dir, is_link_refusal};
#[cfg(windows)]
pub use windows::{Dir, is_link_refusal};
