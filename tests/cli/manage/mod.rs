//! Tests of the commands that manage names, indexes and the local store.

mod crowd;
mod dry_runs;
mod durability;
mod fsck;
mod index;
mod keep;
mod limits;
#[cfg(target_os = "linux")]
mod memory;
mod remove_remote;
mod together;
mod unpack_records;
mod waiting;
