//! The encodings of texts, for a search that knows bytes of ASCII only.

use std::io::{self, Read};

/// The number of bytes that are decoded at a time.
const STEP: u64 = 64 * 1024;

/// The number of bytes of a text for each one that no text has. A text may have some: it may be damaged, or made to
/// look like a binary file.
const BYTES_FOR_EACH_CONTROL: usize = 20;

/// The encoding of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scan) enum Encoding {
    /// UTF-8, or another one in which ASCII is itself.
    Ascii,
    /// UTF-16 with the lower byte first.
    Utf16Le,
    /// UTF-16 with the higher byte first.
    Utf16Be,
}

impl Encoding {
    /// Returns the encoding of a file with this beginning, or none if it is not a text.
    pub(in crate::scan) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xfe, ..] => return Some(Self::Utf16Le),
            [0xfe, 0xff, ..] => return Some(Self::Utf16Be),
            _ => {}
        }
        let is_control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | 0x1b);
        let count = |skip: usize, is_counted: &dyn Fn(u8) -> bool| {
            head.iter().skip(skip).step_by(2).filter(|byte| is_counted(**byte)).count()
        };
        let (even, odd) = (count(0, &|byte| byte == 0), count(1, &|byte| byte == 0));
        let controls = count(0, &is_control) + count(1, &is_control);
        let is_few = |count: usize| count * BYTES_FOR_EACH_CONTROL <= head.len();
        // Most units of a text in Latin letters have a zero, always in the same half.
        let is_most = |count: usize| count * 3 >= head.len();
        match () {
            () if is_few(controls) => Some(Self::Ascii),
            () if is_most(odd) && is_few(controls - odd) => Some(Self::Utf16Le),
            () if is_most(even) && is_few(controls - even) => Some(Self::Utf16Be),
            () => None,
        }
    }
}

/// A text in UTF-8, or with the bytes of another encoding in which ASCII is itself. Zeros are spaces.
pub(in crate::scan) struct Text<R> {
    inner: R,
    encoding: Encoding,
    ready: Vec<u8>,
    at: usize,
}

impl<R: Read> Text<R> {
    pub(in crate::scan) fn new(inner: R, encoding: Encoding) -> Self {
        Self { inner, encoding, ready: Vec::new(), at: 0 }
    }

    /// Decodes the next bytes. Nothing is ready after the last ones.
    fn fill(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.inner.by_ref().take(STEP).read_to_end(&mut bytes)?;
        self.at = 0;
        self.ready.clear();
        let unit = match self.encoding {
            Encoding::Ascii => {
                self.ready = bytes;
                self.ready.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
                return Ok(());
            }
            Encoding::Utf16Le => u16::from_le_bytes,
            Encoding::Utf16Be => u16::from_be_bytes,
        };
        for pair in bytes.chunks_exact(2) {
            // Halves of surrogate pairs do not matter: no secret has any.
            let character = char::from_u32(unit([pair[0], pair[1]]).into()).unwrap_or(char::REPLACEMENT_CHARACTER);
            let character = if character == '\0' { ' ' } else { character };
            self.ready.extend(character.encode_utf8(&mut [0; 4]).bytes());
        }
        Ok(())
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.fill()?;
        }
        let rest = &self.ready[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
