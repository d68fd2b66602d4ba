//! The end records of a zip archive, which lead to its central directory.

use std::io;

use crate::scan::member::Member;

/// The maximum number of bytes from an end record to the end of the file: the record and its comment.
const TAIL: u64 = 22 + 65_535;

const END_RECORD: &[u8; 4] = b"PK\x05\x06";
const END_RECORD_64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
const ENTRY: &[u8; 4] = b"PK\x01\x02";

/// The maximum number of end records that are followed. An archive has one.
const MOST_RECORDS: usize = 16;

/// A place where an archive may have its central directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) start: u64,
    /// The end of the directory: the beginning of its end record.
    pub(super) end: u64,
    /// The number of entries that the end record states.
    pub(super) count: u64,
    /// The number of bytes before the archive, which offsets do not count.
    pub(super) shift: u64,
}

impl Directory {
    fn is_empty(self) -> bool {
        self.count == 0 && self.start == self.end
    }
}

/// Returns every central directory that an end record leads to. Programs disagree on which end record counts, and on
/// whether the size or the offset of a directory decides.
pub(super) fn directories(member: &mut Member<'_>) -> io::Result<Vec<Directory>> {
    // The end record of zip64 and its locator are before the end record.
    let from = member.size.saturating_sub(TAIL);
    let tail = member.bytes(from, TAIL)?;
    let mut directories: Vec<Directory> = Vec::new();
    for at in memchr::memmem::rfind_iter(&tail, END_RECORD).take(MOST_RECORDS) {
        let Some(record) = tail.get(at..at + 22) else { continue };
        for directory in candidates(member, from + at as u64, record)? {
            let is_new = directories.iter().all(|known| known.start != directory.start);
            if is_new && (directory.is_empty() || member.bytes(directory.start, 4)? == ENTRY) {
                directories.push(directory);
            }
        }
    }
    Ok(directories)
}

/// Returns the places that an end record may mean.
fn candidates(member: &mut Member<'_>, at: u64, record: &[u8]) -> io::Result<Vec<Directory>> {
    let (count, size, offset) = (number(record, 10, 2), number(record, 12, 4), number(record, 16, 4));
    let mut candidates = places(at, count, size, offset);
    let locator = member.bytes(at.saturating_sub(20), 20)?;
    if at >= 20 && locator.starts_with(LOCATOR_64) {
        for end in [number(&locator, 8, 8), at.saturating_sub(20 + 56)] {
            let record = member.bytes(end, 56)?;
            if record.len() == 56 && record.starts_with(END_RECORD_64) {
                candidates.extend(places(end, number(&record, 32, 8), number(&record, 40, 8), number(&record, 48, 8)));
            }
        }
    }
    Ok(candidates)
}

/// Returns the places of a directory that ends at `end`: before its end, and where its offset says.
fn places(end: u64, count: u64, size: u64, offset: u64) -> Vec<Directory> {
    let before_end = end.checked_sub(size);
    let shifted = before_end.and_then(|start| Some((start, start.checked_sub(offset)?)));
    let places = shifted.into_iter().chain(before_end.map(|start| (start, 0))).chain([(offset, 0)]);
    places.filter(|(start, _)| *start <= end).map(|(start, shift)| Directory { start, end, count, shift }).collect()
}

/// Returns the number of `width` bytes at `at`, the lowest byte first.
pub(super) fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
