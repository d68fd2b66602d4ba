//! Unpack records: the files that this program wrote into the folders of the user, so that a later command can
//! distinguish them from those of the user.
//!
//! One file under `.kit/unpacked` for each folder and repository; nothing is written into the folder itself. A record
//! is a list of runs, each with the files that it wrote. It has its name before the files have theirs, and is not
//! waited for: if a crash takes it, its files are treated as files of the user. There is no other loss.
//!
//! - `entry`: the entries of a record, and their form on the disk.
//! - `recording`: writing a record.
//! - `records`: reading and removing records.

mod entry;
mod recording;
mod records;

pub use entry::{TimeSpan, UnpackEntry, UnpackRun, UnpackTimes, UnpackedFile, UnpackedPart};
pub use recording::{Recorded, Recording};
