//! A registry inside the test process: it implements distribution-spec 1.1, fails on purpose, and records every
//! request.
//!
//! It does not depend on `kit`, so that the tests of `kit-core` and those of the binary can use it.

mod access;
mod answer;
mod faults;
mod handle;
mod hub;
mod server;
mod state;
mod uploads;

pub use access::{Access, Bearer};
pub use answer::sha256;
pub use faults::Fault;
pub use handle::FakeRegistry;
pub use hub::{COMMIT, HubRepository};
pub use state::{Options, PutBody, Recorded, TagDeletion};
