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
    /// UTF-32 with the lowest byte first.
    Utf32Le,
    /// UTF-32 with the highest byte first.
    Utf32Be,
}

impl Encoding {
    /// Returns the encoding of a file with this beginning, or none if it is not a text.
    pub(in crate::scan) fn of(head: &[u8]) -> Option<Self> {
        match head {
            // Before UTF-16, in which this is a zero after the mark.
            [0xff, 0xfe, 0, 0, ..] => return Some(Self::Utf32Le),
            [0, 0, 0xfe, 0xff, ..] => return Some(Self::Utf32Be),
            [0xff, 0xfe, ..] => return Some(Self::Utf16Le),
            [0xfe, 0xff, ..] => return Some(Self::Utf16Be),
            _ => {}
        }
        let is_control = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | 0x0c | b'\r' | 0x1b);
        let controls = head.iter().filter(is_control).count();
        // The zeros at each of the four places in a unit of UTF-32.
        let zeros: [usize; 4] =
            std::array::from_fn(|place| head.iter().skip(place).step_by(4).filter(|byte| **byte == 0).count());
        let (even, odd) = (zeros[0] + zeros[2], zeros[1] + zeros[3]);
        let is_few = |count: usize| count * BYTES_FOR_EACH_CONTROL <= head.len();
        // Most units of a text in Latin letters have a zero, always in the same half.
        let is_most = |count: usize| count * 3 >= head.len();
        // No character has more than 21 bits, so the highest byte of each unit of UTF-32 is a zero.
        let is_in = |place: usize| zeros[place] * 5 >= head.len();
        match () {
            () if is_few(controls) => Some(Self::Ascii),
            () if is_most(odd) && is_few(controls - odd) => Some(Self::Utf16Le),
            () if is_most(even) && is_few(controls - even) => Some(Self::Utf16Be),
            () if is_in(3) && is_in(2) && is_few(controls - odd - zeros[2]) => Some(Self::Utf32Le),
            () if is_in(0) && is_in(1) && is_few(controls - even - zeros[1]) => Some(Self::Utf32Be),
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
        let (size, is_little) = match self.encoding {
            Encoding::Ascii => {
                self.ready = bytes;
                self.ready.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
                return Ok(());
            }
            Encoding::Utf16Le => (2, true),
            Encoding::Utf16Be => (2, false),
            Encoding::Utf32Le => (4, true),
            Encoding::Utf32Be => (4, false),
        };
        for unit in bytes.chunks_exact(size) {
            let add = |number: u32, byte: &u8| number << 8 | u32::from(*byte);
            let number = if is_little { unit.iter().rev().fold(0, add) } else { unit.iter().fold(0, add) };
            // Halves of surrogate pairs do not matter: no secret has any.
            let character = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
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
