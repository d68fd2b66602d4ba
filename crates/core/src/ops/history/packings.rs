//! Several packings of the same files: one record of them, and their order among other versions.

use std::collections::HashMap;

use super::version::Version;
use crate::provenance::Record;

/// The record that identifies the files best: the newest one of a clean commit, or else the newest one. The same files
/// are often packed twice, before and after a commit. The first packing with a name gives the time and the version that
/// was replaced: a later one, for example of a state to which the author returned, does not make a new version.
///
/// Returns true beside it if only a later packing knows a replaced version.
pub(super) fn combined(records: Vec<Record>) -> Option<(Record, bool)> {
    let first = records.iter().find(|record| !record.names.is_empty()).or(records.first())?;
    let (own, time) = (first.previous, first.time);
    let previous = own.or_else(|| records.iter().find_map(|record| record.previous));
    let is_dirty = |record: &Record| record.commit.as_ref().is_none_or(|commit| commit.is_dirty == Some(true));
    let chosen = records.iter().rposition(|record| !is_dirty(record)).or(records.len().checked_sub(1))?;
    let record = records.into_iter().nth(chosen)?;
    Some((Record { previous, time, ..record }, own.is_none() && previous.is_some()))
}

/// Removes the replaced version from those that were first packed before it and packed again later.
pub(super) fn without_returns(mut versions: Vec<Version>) -> Vec<Version> {
    let time = |version: &Version| Some((version.descriptor.digest, version.record.as_ref()?.time?));
    let times: HashMap<_, _> = versions.iter().filter_map(time).collect();
    for version in versions.iter_mut().filter(|version| version.is_late) {
        let Some(record) = &mut version.record else { continue };
        record.previous = record.previous.filter(|previous| times.get(previous).copied() <= record.time);
    }
    versions
}
