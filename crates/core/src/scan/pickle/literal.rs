//! Literals of a pickle that are files themselves: bytes that another unpickler may get.

use std::io::Cursor;

use super::halt::Halt;
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
            self.far_literal(length)?;
            return self.machine.push_text("");
        }
        let text = self.bytes.take(length)?;
        self.nested_text(offset, &text);
        self.machine.push_text(&String::from_utf8_lossy(&text))
    }

    /// Reads a literal of `length` bytes that are not a text.
    pub(super) fn binary(&mut self, length: u64) -> Result<(), Halt> {
        let offset = self.bytes.position();
        if length > limits::PICKLE_TEXT_BYTES {
            return self.far_literal(length);
        }
        let bytes = self.bytes.take(length)?;
        self.nested(offset, &bytes);
        Ok(())
    }

    /// Scans the characters of a text, of which each may be a byte, if they are a file.
    pub(super) fn nested_characters(&mut self, offset: u64, text: &str) {
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        if let Some(bytes) = bytes {
            self.nested(offset, &bytes);
        }
    }

    /// Scans a text in UTF-8, or the bytes of a text of Python 2, if they are a file.
    fn nested_text(&mut self, offset: u64, text: &[u8]) {
        // The first byte of a pickle of protocol 2, as the character that Python 2 bytes are stored as.
        match std::str::from_utf8(text) {
            Ok(text) if text.starts_with('\u{80}') => self.nested_characters(offset, text),
            _ => self.nested(offset, text),
        }
    }

    fn nested(&mut self, offset: u64, bytes: &[u8]) {
        let size = bytes.len() as u64;
        if size < LEAST {
            return;
        }
        let name = || format!("literal at {offset}");
        if begins_like_a_pickle(bytes) || bytes.starts_with(&ZIP) {
            self.scan.member(&name(), self.name, size, &mut Cursor::new(bytes));
        } else if may_be_old_pickle(bytes) {
            self.scan.inside(&name(), |scan| {
                let tried = try_pickle(&mut Cursor::new(bytes), size, self.name, scan);
                scan.examined(tried);
            });
        }
    }

    /// Skips a literal that is too large for the memory, and scans it where it is.
    fn far_literal(&mut self, length: u64) -> Result<(), Halt> {
        let offset = self.bytes.position();
        let head = self.bytes.take(LEAST)?;
        self.bytes.skip(length - LEAST)?;
        let name = format!("literal at {offset}");
        let mut window = Window::new(self.bytes.inner(), offset, length, self.scan.budget.clone());
        if begins_like_a_pickle(&head) || head == ZIP {
            self.scan.member(&name, self.name, length, &mut window);
        } else if opcode(head[0]).is_some() {
            self.scan.inside(&name, |scan| {
                let tried = try_pickle(&mut window, length, self.name, scan);
                scan.examined(tried);
            });
        } else if head.starts_with("\u{80}".as_bytes()) {
            return Err(Halt::Limit("bytes in a text of a pickle"));
        }
        Ok(())
    }
}

/// Returns false for most bytes that are not a pickle of protocol 0 or 1 with an import.
fn may_be_old_pickle(bytes: &[u8]) -> bool {
    let has_import = || memchr::memchr(0x93, bytes).is_some() || memchr::memchr_iter(b'\n', bytes).nth(1).is_some();
    bytes.first().is_some_and(|first| opcode(*first).is_some()) && memchr::memchr(b'.', bytes).is_some() && has_import()
}
