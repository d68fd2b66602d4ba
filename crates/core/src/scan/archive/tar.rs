//! The members of a tar archive (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar). Sizes are believed only as
//! far as the file has bytes. Links and folders have no content.

use std::io;

use super::pax::{Pax, pax};
use crate::scan::finding::Level;
use crate::scan::member::Member;
use crate::scan::scanner::{Outcome, Scan};
use crate::scan::window::Window;

/// The rule of archives of which not everything was read.
const NOT_READ: &str = "archive-not-read";

/// The extensions of tar archives.
const EXTENSIONS: &[&str] = &["tar", "nemo", "tgz"];

const BLOCK: usize = 512;

/// The longest name or list of attributes that is read into memory.
const EXTENDED_BYTES: u64 = 1024 * 1024;

/// The number of empty blocks after which an archive has ended. Python ends at one, and GNU tar pads to twenty.
const EMPTY_BLOCKS: u32 = 2048;

/// Scans the members of an archive.
pub(super) fn scan(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    let head = member.head()?;
    if !head.first_chunk().is_some_and(is_header) {
        // An archive without members consists of zeros.
        if member.has_extension(EXTENSIONS) && member.head()?.iter().any(|byte| *byte != 0) {
            scan.findings.add(
                Level::Medium,
                NOT_READ,
                "its name is that of a tar archive, but its content is not",
                None,
            );
        }
        return Ok(Outcome::Open);
    }
    Archive { member, scan, at: 0, next: Pax::default() }.members()?;
    Ok(Outcome::Whole)
}

struct Archive<'s, 'm, 'r> {
    member: &'s mut Member<'m>,
    scan: &'s mut Scan<'r>,
    /// The offset of the next block.
    at: u64,
    /// The statements of extended headers about the next member.
    next: Pax,
}

impl Archive<'_, '_, '_> {
    fn members(&mut self) -> io::Result<()> {
        let mut empty = 0;
        while empty < EMPTY_BLOCKS && self.at < self.member.size {
            let block = self.member.bytes(self.at, BLOCK as u64)?;
            if block.iter().all(|byte| *byte == 0) {
                self.at += BLOCK as u64;
                empty += 1;
                continue;
            }
            let Some(header) = block.first_chunk().filter(|header| is_header(header)) else {
                self.not_read(if empty > 0 { "there are bytes after its end" } else { "a header is damaged" });
                return Ok(());
            };
            empty = 0;
            self.at += BLOCK as u64;
            if !self.scan.count_member() {
                self.scan.findings.limit("members");
                return Ok(());
            }
            if !self.entry(header)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads the member of a header, and returns false if the place of the next one is not known.
    fn entry(&mut self, header: &[u8; BLOCK]) -> io::Result<bool> {
        let kind = header[156];
        let Some(stated) = number(&header[124..136]) else {
            self.not_read("a size is not a number");
            return Ok(false);
        };
        if matches!(kind, b'x' | b'X' | b'L' | b'K' | b'g') {
            return self.extended(kind, stated);
        }
        let next = std::mem::take(&mut self.next);
        let name = next.name.unwrap_or_else(|| name_in(header));
        let stated = next.size.unwrap_or(stated);
        if matches!(kind, b'1'..=b'6') {
            if stated > 0 {
                // Readers differ on whether bytes follow.
                self.not_read(&format!("{name} is a link or a folder, but has a size"));
            }
            return Ok(true);
        }
        if next.is_sparse || kind == b'S' {
            self.not_read(&format!("{name} is a file with holes"));
        }
        if kind == b'S' && !self.skip_maps_of_holes(header)? {
            return Ok(false);
        }
        let size = stated.min(self.member.size.saturating_sub(self.at));
        if size < stated {
            self.not_read(&format!("{name} ends early"));
        }
        let mut part = Window::new(self.member.reader, self.at, size, self.scan.budget.clone());
        self.scan.member(&name, self.member.name, size, &mut part);
        self.skip(stated);
        Ok(true)
    }

    /// Reads a header that is about the next member.
    fn extended(&mut self, kind: u8, size: u64) -> io::Result<bool> {
        if size > EXTENDED_BYTES {
            self.scan.findings.limit("bytes in an extended header");
            return Ok(false);
        }
        let bytes = self.member.bytes(self.at, size)?;
        self.skip(size);
        match kind {
            b'L' => {
                let end = memchr::memchr(0, &bytes).unwrap_or(bytes.len());
                self.next.name = Some(String::from_utf8_lossy(&bytes[..end]).into_owned());
            }
            b'K' => {}
            _ => {
                let Some(found) = pax(&bytes) else {
                    self.not_read("an extended header is damaged");
                    return Ok(false);
                };
                if kind != b'g' {
                    let name = self.next.name.take();
                    self.next = Pax { name: found.name.or(name), ..found };
                } else if found.size.is_some() || found.is_sparse {
                    self.not_read("a global header has a size");
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Skips the further maps of the holes in a file, as old versions of GNU tar write them.
    fn skip_maps_of_holes(&mut self, header: &[u8; BLOCK]) -> io::Result<bool> {
        let mut has_more = header[482] != 0;
        while has_more {
            let map = self.member.bytes(self.at, BLOCK as u64)?;
            let Some(flag) = map.get(504) else {
                self.not_read("it ends early");
                return Ok(false);
            };
            has_more = *flag != 0;
            self.at += BLOCK as u64;
        }
        Ok(true)
    }

    fn skip(&mut self, size: u64) {
        let blocks = size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
        self.at = self.at.saturating_add(blocks);
    }

    fn not_read(&mut self, detail: &str) {
        self.scan.findings.add(Level::Medium, NOT_READ, detail, None);
    }
}

/// Returns true for a block whose checksum is right, with unsigned or signed bytes.
fn is_header(block: &[u8; BLOCK]) -> bool {
    let Some(stated) = number(&block[148..156]).filter(|_| block[0] != 0 || block[257..262] == *b"ustar") else {
        return false;
    };
    let summed = block[..148].iter().chain(b"        ").chain(&block[156..]);
    let (unsigned, signed) = summed.fold((0_u64, 0_i64), |(unsigned, signed), byte| {
        (unsigned + u64::from(*byte), signed + i64::from(byte.cast_signed()))
    });
    stated == unsigned || i64::try_from(stated).is_ok_and(|stated| stated == signed)
}

/// Returns a number in octal digits, or in base 256 as GNU tar writes large ones.
fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        return rest.iter().try_fold(0_u64, |number, byte| Some(number.checked_mul(256)? + u64::from(*byte)));
    }
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    let digits = std::str::from_utf8(&field[..end]).ok()?.trim();
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// Returns the name in a header, with the prefix of POSIX in front.
fn name_in(header: &[u8; BLOCK]) -> String {
    let text = |field: &[u8]| {
        let end = memchr::memchr(0, field).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    // In the format of GNU tar, there are other fields in the place of the prefix.
    if prefix.is_empty() || header[257..263] != *b"ustar\0" { name } else { format!("{prefix}/{name}") }
}
