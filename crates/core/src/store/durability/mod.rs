//! Durability: which files of a store are waited for, and which are checked after a crash of the machine.
//!
//! Usually nothing is waited for. A file that may not be on the disk yet is *pending*: it has a mark from the moment of
//! its creation, so no crash can separate the two. A record names the run of the system in which it was written. As
//! long as that run lasts, the page cache has all its bytes. In any other run, a pending file is compared with its
//! digest before its first use, and is then trusted or removed. A record that a crash loses only costs a check.
//!
//! Some time later, when the system has written the files by itself, a command *settles* them: it syncs them, which is
//! quick by then, and removes the mark and the record.
//!
//! On request, a command waits before it changes the index: it settles its blobs and those of earlier commands, all
//! together. If marks, local disks or the identity of the run are missing, every file is waited for.
//!
//! - `disk`: all waiting, and all final names.
//! - `policy`: the choice between the two ways.
//! - `pending`: the records.
//! - `confirm`: the check of a pending blob before its first use.
//! - `settle`: the end of being pending.
//! - `generations`: copies of the index, one of which survives any crash.
//! - `recover`: the choice among them after a crash.

mod confirm;
pub(super) mod disk;
mod generations;
mod pending;
mod policy;
mod recover;
mod settle;

pub(super) use disk::Written;
pub(super) use policy::{Durability, Wait};
