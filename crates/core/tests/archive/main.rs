//! Packing and unpacking as callers use them: real folders, real layers, golden digests.

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
