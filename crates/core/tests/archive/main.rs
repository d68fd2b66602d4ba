//! Packing and unpacking as callers use them: real folders, real layers, golden digests.
//!
//! Most of the scenes consist of modes, links and inodes. The tests of the program pack and unpack on all systems.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, which clippy does not see")]

mod commit;
mod existing;
mod fingerprint;
mod golden;
mod hostile;
mod ledger;
mod limits;
mod listing;
mod modes;
mod pack;
mod recipe;
mod round_trip;
mod scenery;
mod unpack;
