//! A registry inside the test process: it speaks distribution-spec 1.1, fails on purpose, and remembers every request.
//!
//! It knows nothing of `kit`, so that it serves the tests of the room `registry` and those of the binary alike.

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
pub use state::{Options, PutBody, Recorded};
