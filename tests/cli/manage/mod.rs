//! Tests of the commands that manage names, indexes and the local store.

mod crowd;
mod index;
mod keep;
mod limits;
mod remove_remote;
mod waiting;
