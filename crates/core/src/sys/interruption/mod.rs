//! The end of the process by a signal that asks it to end, and what it removes first.
//!
//! A signal handler may do almost nothing, so a thread of its own waits for the signals. It stops all other threads at
//! their next use of [`uninterrupted`], [`wait_if_interrupted`] or a [`Leftover`], removes the leftovers, and ends the
//! process. Nothing has to be checked in the code between, so a command that waits for a network, a lock or the user
//! ends just as promptly. git handles signals in the same way (`tempfile.h`, `sigchain.h`).

mod gate;
mod handler;
mod leftovers;
mod temporary;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use gate::{uninterrupted, wait_if_interrupted};
pub use handler::{Interruption, on_interruption};
pub use leftovers::{Leftover, LeftoverKind};
pub use temporary::{TemporaryFile, TemporaryFolder, is_temporary_name};
