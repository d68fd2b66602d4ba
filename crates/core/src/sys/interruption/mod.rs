//! The end of the process by a signal that asks it to end, and what it removes first.
//!
//! A signal handler may do almost nothing, so a thread of its own waits for the signals. It stops all other threads at
//! their next use of [`uninterrupted`], [`wait_if_interrupted`] or a [`Leftover`], removes the leftovers, and ends the
//! process. Nothing has to be checked in the code between, so a command that waits for a network, a lock or the user
//! ends just as promptly. git handles signals in the same way (`tempfile.h`, `sigchain.h`).

#![cfg_attr(not(unix), allow(dead_code, reason = "without a handler of signals, nothing reads the list"))]

mod gate;
#[cfg(unix)]
mod handler;
mod leftovers;
#[cfg(not(unix))]
mod portable;
mod temporary;

pub use gate::{uninterrupted, wait_if_interrupted};
#[cfg(unix)]
pub use handler::{Interruption, on_interruption};
pub use leftovers::{Leftover, LeftoverKind};
#[cfg(not(unix))]
pub use portable::{Interruption, on_interruption};
pub use temporary::{TemporaryFile, TemporaryFolder, is_temporary_name};
