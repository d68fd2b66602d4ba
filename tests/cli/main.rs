//! The binary, end to end: one test program, one file per subject.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]
#![allow(unreachable_pub, reason = "everything here is for this test program")]

mod create;
mod handoff;
mod inspect;
mod manage;
mod registries;
mod setup;
mod transfer;
mod trust;
