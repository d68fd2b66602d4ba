//! A registry inside the test process: it speaks distribution-spec 1.1, fails on purpose, and remembers every request.
//!
//! It knows nothing of `kit`, so that it serves the tests of the room `registry` and those of the binary alike.

// Each test program uses another part of it.
#![allow(dead_code, unused_imports, clippy::unwrap_used, reason = "shared by several test programs")]

mod access;
mod answer;
mod faults;
mod handle;
mod hub;
mod server;
mod state;
mod uploads;

pub(crate) use access::{Access, Bearer};
pub(crate) use answer::sha256;
pub(crate) use faults::Fault;
pub(crate) use handle::FakeRegistry;
pub(crate) use hub::{COMMIT, HubRepository};
pub(crate) use state::{Options, PutBody, Recorded};
