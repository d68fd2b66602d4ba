//! Literals of a pickle that are files themselves: bytes that another unpickler may get.

use std::io::Cursor;

use super::halt::Halt;
use super::machine::Value;
use super::opcodes::opcode;
use super::recognise::{begins_like_a_pickle, try_pickle};
use super::walk::Walk;
use crate::limits;
use crate::scan::window::Window;

/// The shortest literal that may be a file.
const LEAST: u64 = 4;

/// The beginning of a zip archive.
const ZIP: [u8; 4] = *b"PK\x03\x04";

impl Walk<'_, '_, '_> {
    /// Reads a text of `length` bytes.
    pub(super) fn text(&mut self, length: u64) -> Result<(), Halt> {
        let offset = self.bytes.position();
        if length > limits::PICKLE_TEXT_BYTES {
            let is_pickle = self.far_literal(length)? == Some(Kind::Pickle);
            return self.machine.push(if is_pickle { Value::Scanned } else { Value::Text });
        }
        let text = self.bytes.take(length)?;
        if self.nested_text(offset, &text) {
            return self.machine.push(Value::Scanned);
        }
        self.machine.push_text(&String::from_utf8_lossy(&text))
    }

    /// Reads a literal of `length` bytes that are not a text. Returns true if it was scanned as a file.
    pub(super) fn binary(&mut self, length: u64) -> Result<bool, Halt> {
        let offset = self.bytes.position();
        if length > limits::PICKLE_TEXT_BYTES {
            return Ok(self.far_literal(length)?.is_some());
        }
        let bytes = self.bytes.take(length)?;
        Ok(self.nested(offset, &bytes).is_some())
    }

    /// Scans the characters of a text, of which each may be a byte, if they are a file. Returns true if they are.
    pub(super) fn nested_characters(&mut self, offset: u64, text: &str) -> bool {
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        bytes.is_some_and(|bytes| self.nested(offset, &bytes).is_some())
    }

    /// Scans a text in UTF-8, or the bytes of a text of Python 2, if they are a file. Returns true if they are
    /// one, whether they are encoded as the bytes of the characters or are taken as they are.
    fn nested_text(&mut self, offset: u64, text: &[u8]) -> bool {
        // The first byte of a pickle of protocol 2, as the character that Python 2 bytes are stored as.
        match std::str::from_utf8(text) {
            Ok(text) if text.starts_with('\u{80}') => self.nested_characters(offset, text),
            _ => self.nested(offset, text) == Some(Kind::Pickle),
        }
    }

    /// Scans bytes if they are a file. Returns none if they are not, or only might be one.
    fn nested(&mut self, offset: u64, bytes: &[u8]) -> Option<Kind> {
        let size = bytes.len() as u64;
        if size < LEAST {
            return None;
        }
        let name = || format!("literal at {offset}");
        let kind = Kind::of(bytes);
        if kind.is_some() {
            self.scan.member(&name(), self.name, size, &mut Cursor::new(bytes));
        } else if may_be_old_pickle(bytes) {
            self.scan.inside(&name(), |scan| {
                let tried = try_pickle(&mut Cursor::new(bytes), size, self.name, scan);
                scan.examined(tried);
            });
        }
        kind
    }

    /// Skips a literal that is too large for the memory, and scans it where it is, if it is a file.
    fn far_literal(&mut self, length: u64) -> Result<Option<Kind>, Halt> {
        let offset = self.bytes.position();
        let head = self.bytes.take(LEAST)?;
        self.bytes.skip(length - LEAST)?;
        let name = format!("literal at {offset}");
        let mut window = Window::new(self.bytes.inner(), offset, length, self.scan.budget.clone());
        let kind = Kind::of(&head);
        if kind.is_some() {
            self.scan.member(&name, self.name, length, &mut window);
        } else if opcode(head[0]).is_some() {
            self.scan.inside(&name, |scan| {
                let tried = try_pickle(&mut window, length, self.name, scan);
                scan.examined(tried);
            });
        } else if head.starts_with("\u{80}".as_bytes()) {
            return Err(Halt::Limit("bytes in a text of a pickle"));
        }
        Ok(kind)
    }
}

/// The format of a literal that is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pickle,
    Zip,
}

impl Kind {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            _ if begins_like_a_pickle(head) => Some(Self::Pickle),
            _ if head.starts_with(&ZIP) => Some(Self::Zip),
            _ => None,
        }
    }
}

/// Returns false for most bytes that are not a pickle of protocol 0 or 1 with an import.
fn may_be_old_pickle(bytes: &[u8]) -> bool {
    let has_import = || memchr::memchr(0x93, bytes).is_some() || memchr::memchr_iter(b'\n', bytes).nth(1).is_some();
    bytes.first().is_some_and(|first| opcode(*first).is_some()) && memchr::memchr(b'.', bytes).is_some() && has_import()
}
