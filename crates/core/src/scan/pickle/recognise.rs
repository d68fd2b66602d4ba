//! Files with pickles: one after the other, or followed by the bytes of arrays.

use std::io;

use super::bytes::Bytes;
use super::carve::carve;
use super::halt::Halt;
use super::walk::Walk;
use crate::scan::finding::{Level, Place};
use crate::scan::member::{Member, ReadSeek, has_extension};
use crate::scan::scanner::{Outcome, Scan};

/// The extensions of files that are loaded as pickles.
const EXTENSIONS: &[&str] = &["pkl", "pickle", "p", "pck", "dill", "joblib", "dat", "data", "pt", "pth", "bin", "ckpt"];

/// The first number in a file that old versions of torch wrote, after the opcode and the length.
const TORCH_MAGIC: &[u8] = &[0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The number of pickles in such a file. The bytes of the tensors follow.
const TORCH_PICKLES: u64 = 5;

/// The number of pickles in such a file after which the bytes of tensors may follow.
const TORCH_LEAST_PICKLES: u64 = 3;

/// Returns true for the beginning of a pickle of protocol 0 to 5 that states its protocol.
pub(in crate::scan) fn begins_like_a_pickle(head: &[u8]) -> bool {
    matches!(head, [0x80, 0..=5, ..])
}

/// Returns true if files of this name are loaded as pickles.
pub(crate) fn is_named_like_a_pickle(name: &str) -> bool {
    has_extension(name, EXTENSIONS)
}

/// Scans a file that is named or begins like a pickle, and tries those of other names.
pub(in crate::scan) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    let is_pickle = is_named_like_a_pickle(member.name) || begins_like_a_pickle(member.head()?);
    let is_whole = if is_pickle {
        scan_pickles(member.reader, member.size, member.name, scan)?
    } else {
        try_pickle(member.reader, member.size, member.name, scan)?
    };
    Ok(if is_whole { Outcome::Pickle } else { Outcome::Open })
}

/// Scans a file of another format as a pickle if it is one, too: if a loader of pickles would get to an import that
/// runs code, or would load all of it with an import that is not allowed.
pub(in crate::scan) fn hidden(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<()> {
    let is_likely = is_named_like_a_pickle(member.name) || begins_like_a_pickle(member.head()?);
    let mark = scan.findings.mark();
    let mut bytes = Bytes::new(member.reader, member.size);
    let mut walk = Walk::new(&mut bytes, member.name, scan);
    walk.is_trial = !is_likely;
    let mut count = 0;
    let halt = loop {
        if let Err(halt) = walk.pickle() {
            break halt;
        }
        count += 1;
        if walk.bytes.is_at_end()? {
            break Halt::early_end();
        }
    };
    let found = scan.findings.since(mark);
    let is_dangerous = found.iter().any(|finding| finding.level == Level::High);
    let is_pickle = is_dangerous || (!found.is_empty() && (count > 0 || is_likely));
    scan.findings.forget_since(mark);
    match halt {
        Halt::Read(error) => return Err(error),
        Halt::Limit(what) if is_likely => scan.findings.limit(what),
        Halt::Limit(_) | Halt::Broken(_) => {}
    }
    if is_pickle {
        scan_pickles(member.reader, member.size, member.name, scan)?;
    }
    Ok(())
}

/// Scans bytes that may be a pickle of protocol 0 or 1. They are one if they have an end, and an import that is not
/// allowed, or if an import that runs code is followed by a call: a loader would get that far. Returns true in this
/// case. The walk over other bytes ends early.
pub(super) fn try_pickle(reader: &mut dyn ReadSeek, size: u64, name: &str, scan: &mut Scan<'_>) -> io::Result<bool> {
    let mark = scan.findings.mark();
    let mut bytes = Bytes::new(reader, size);
    let mut walk = Walk::new(&mut bytes, name, scan);
    walk.is_trial = true;
    let is_pickle = match walk.pickle() {
        Err(Halt::Read(error)) => return Err(error),
        result => {
            let has_called = walk.has_called;
            let found = scan.findings.since(mark);
            let is_dangerous = has_called && found.iter().any(|finding| finding.level == Level::High);
            is_dangerous || (result.is_ok() && !found.is_empty())
        }
    };
    scan.findings.forget_since(mark);
    if is_pickle {
        scan_pickles(reader, size, name, scan)?;
    }
    Ok(is_pickle)
}

/// Scans pickles up to the end of the file. Returns true if one has an end.
pub(in crate::scan) fn scan_pickles(
    reader: &mut dyn ReadSeek,
    size: u64,
    name: &str,
    scan: &mut Scan<'_>,
) -> io::Result<bool> {
    let mut bytes = Bytes::new(reader, size);
    let is_old_torch = begins_like_old_torch(&mut bytes)?;
    let mut walk = Walk::new(&mut bytes, name, scan);
    let (mut count, mut start) = (0, 0);
    let halt = loop {
        if count > 0 && walk.bytes.is_at_end()? {
            break None;
        }
        if is_old_torch && count == TORCH_PICKLES {
            break Some(Halt::broken("the bytes of tensors"));
        }
        if let Err(halt) = walk.pickle() {
            break Some(halt);
        }
        count += 1;
        walk.scan.findings.note_pickle();
        start = walk.bytes.position();
    };
    match &halt {
        Some(Halt::Limit(what)) => walk.scan.findings.limit(what),
        // The bytes of tensors and of arrays are not opcodes.
        Some(Halt::Broken(_)) if walk.raw.is_some() || (is_old_torch && count >= TORCH_LEAST_PICKLES) => {}
        Some(Halt::Broken(reason)) => {
            let place = Place::Offset(walk.bytes.position());
            walk.scan.findings.add(Level::Medium, "pickle-broken", reason, place);
        }
        Some(Halt::Read(_)) | None => {}
    }
    match (halt, walk.raw) {
        (Some(Halt::Read(error)), _) => return Err(error),
        (None, None) => {}
        (_, raw) => carve(walk.bytes.inner(), raw.unwrap_or(start), walk.scan)?,
    }
    Ok(count > 0)
}

/// Returns true if the first pickle is the number with which old versions of torch begin a file.
fn begins_like_old_torch(bytes: &mut Bytes<'_>) -> io::Result<bool> {
    let mut head = Vec::new();
    while head.len() < 32
        && let Some(byte) = bytes.next()?
    {
        head.push(byte);
    }
    bytes.go_to(0);
    Ok(memchr::memmem::find(&head, TORCH_MAGIC).is_some())
}
