//! Test support that the tests of `kit` share: a registry that fails on purpose, proxies, a sandbox for the binary,
//! sample weights, a service for keyless signatures.
//!
//! It does not depend on `kit-core`, so that the tests of that crate can use it.

#![allow(clippy::unwrap_used, reason = "a test may panic, also outside of the function that is marked as one")]
#![allow(
    clippy::missing_panics_doc,
    clippy::new_without_default,
    clippy::return_self_not_must_use,
    reason = "everything here is for tests"
)]

pub mod docker_registry;
pub mod faulty_proxy;
pub mod gate;
pub mod keyless;
pub mod platform;
pub mod receiver;
pub mod registry;
pub mod samples;
pub mod sandbox;
#[cfg_attr(windows, path = "no_terminal.rs")]
pub mod terminal;
