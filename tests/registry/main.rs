//! The room `registry` against the fake registry, and against docker's.

#![allow(clippy::unwrap_used, reason = "a test may panic, also outside of the function that is marked as one")]

// The paths are from this file's folder.
#[path = "../cli/docker_registry.rs"]
mod docker_registry;
#[path = "../cli/registry/mod.rs"]
mod fake;
#[path = "../cli/faulty_proxy.rs"]
mod faulty_proxy;

mod authorization;
mod credentials;
mod holes;
mod interoperability;
mod machine;
mod matrix;
mod mount;
mod pull;
mod pull_in_pieces;
mod push;
mod push_in_parts;
mod resume;
mod roads;
mod support;
mod tls;
