//! The local header of a member, and how it differs from the entry in the central directory.

use std::io;

use super::directory::Entry;
use super::end::number;
use crate::scan::member::Member;

/// The bit of a member that is, or claims to be, encrypted.
const ENCRYPTED: u64 = 1;

/// The bit of a local header whose sizes are behind the content.
const SIZES_FOLLOW: u64 = 8;

/// A local header.
pub(super) struct Local {
    /// The offset of the content.
    pub(super) start: u64,
    /// The differences from the entry, and other oddities.
    pub(super) odd: Vec<&'static str>,
}

/// Reads the local header of an entry. `shift` is the number of bytes that offsets do not count.
pub(super) fn local(member: &mut Member<'_>, entry: &Entry, shift: u64) -> io::Result<Option<Local>> {
    for offset in [entry.offset.checked_add(shift), Some(entry.offset)].into_iter().flatten() {
        let header = member.bytes(offset, 30)?;
        if header.len() == 30 && header.starts_with(b"PK\x03\x04") {
            let name = member.bytes(offset + 30, number(&header, 26, 2))?;
            let start = offset + 30 + number(&header, 26, 2) + number(&header, 28, 2);
            return Ok(Some(Local { start, odd: oddities(entry, &header, &name) }));
        }
    }
    Ok(None)
}

fn oddities(entry: &Entry, header: &[u8], name: &[u8]) -> Vec<&'static str> {
    let (flags, method) = (number(header, 6, 2), number(header, 8, 2));
    let is_known = |size: u64| flags & SIZES_FOLLOW == 0 && size != u64::from(u32::MAX);
    let differs = |at, expected| is_known(number(header, at, 4)) && number(header, at, 4) != expected;
    let conditions = [
        ("encrypted", (flags | entry.flags) & ENCRYPTED != 0),
        ("names", !entry.has_name(name)),
        ("method", method != entry.method),
        ("local", differs(18, entry.compressed) || differs(22, entry.size)),
    ];
    conditions.into_iter().filter(|(_, is_odd)| *is_odd).map(|(word, _)| word).collect()
}
