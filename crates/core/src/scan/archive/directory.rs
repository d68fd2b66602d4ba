//! The entries of the central directory of a zip archive.

use std::io::{self, BufReader, Read};

use super::end::{Directory, number};
use crate::limits;
use crate::scan::member::Member;
use crate::scan::window::{Budget, Window};

/// The part of a name that is kept. Only its end decides about the format.
const NAME_BYTES: usize = 1024;

/// An entry of the central directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) flags: u64,
    pub(super) method: u64,
    pub(super) sum: u64,
    pub(super) compressed: u64,
    pub(super) size: u64,
    /// The offset of its local header.
    pub(super) offset: u64,
}

/// The entries of a directory.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) list: Vec<Entry>,
    /// True if there are more than the limit.
    pub(super) is_cut: bool,
}

/// Reads entries as long as there are any, whatever their number should be.
pub(super) fn entries(member: &mut Member<'_>, directory: Directory) -> io::Result<Entries> {
    let size = directory.end.saturating_sub(directory.start);
    // The bytes of the directory are not those of members.
    let mut reader = BufReader::new(Window::new(member.reader, directory.start, size, Budget::new(u64::MAX)));
    let mut entries = Entries::default();
    while let Some(entry) = entry(&mut reader)? {
        if entries.list.len() == limits::SCAN_MEMBERS {
            entries.is_cut = true;
            break;
        }
        entries.list.push(entry);
    }
    Ok(entries)
}

/// Reads an entry, or returns none where there is no whole one.
fn entry(reader: &mut impl Read) -> io::Result<Option<Entry>> {
    let fixed = up_to(reader, 46)?;
    if fixed.len() < 46 || !fixed.starts_with(b"PK\x01\x02") {
        return Ok(None);
    }
    let mut name = up_to(reader, number(&fixed, 28, 2))?;
    let extra = up_to(reader, number(&fixed, 30, 2))?;
    up_to(reader, number(&fixed, 32, 2))?;
    name.drain(..name.len().saturating_sub(NAME_BYTES));
    let mut entry = Entry {
        name,
        flags: number(&fixed, 8, 2),
        method: number(&fixed, 10, 2),
        sum: number(&fixed, 16, 4),
        compressed: number(&fixed, 20, 4),
        size: number(&fixed, 24, 4),
        offset: number(&fixed, 42, 4),
    };
    entry.widen(&extra);
    Ok(Some(entry))
}

impl Entry {
    /// Returns true if `name` in the local header is its name, of which the beginning may be missing.
    pub(super) fn has_name(&self, name: &[u8]) -> bool {
        if self.name.len() < NAME_BYTES { name == self.name } else { name.ends_with(&self.name) }
    }

    /// Takes the numbers that do not fit into 32 bits from the extra fields.
    fn widen(&mut self, mut extra: &[u8]) {
        while let Some((head, rest)) = extra.split_at_checked(4) {
            let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
            let (mut field, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            if number(head, 0, 2) == 1 {
                for value in [&mut self.size, &mut self.compressed, &mut self.offset] {
                    if *value == u64::from(u32::MAX)
                        && let Some((wide, rest)) = field.split_at_checked(8)
                    {
                        *value = number(wide, 0, 8);
                        field = rest;
                    }
                }
            }
            extra = after;
        }
    }
}

/// Reads `count` bytes, or fewer at the end.
fn up_to(reader: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}
