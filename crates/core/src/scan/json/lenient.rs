//! JSON as some tools write it: with `NaN` and `Infinity`, and with a byte order mark. Python reads and writes both
//! numbers, so that a file with them is loaded, and must be scanned.

use std::io::{self, Chain, Cursor, Read};

/// Replaces `NaN` and `Infinity` outside of strings by 0, and leaves out a byte order mark.
pub(super) struct Lenient<R> {
    source: Chain<Cursor<Vec<u8>>, R>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    /// Within `NaN` or `Infinity`, of which the first letter became a 0.
    Word,
    Text,
    /// After a backslash in a string.
    Escaped,
}

impl<R: Read> Lenient<R> {
    pub(super) fn new(mut source: R) -> io::Result<Self> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        let mut beginning = Vec::new();
        source.by_ref().take(MARK.len() as u64).read_to_end(&mut beginning)?;
        if beginning == MARK {
            beginning.clear();
        }
        Ok(Self { source: Cursor::new(beginning).chain(source), state: State::Outside })
    }
}

impl<R: Read> Read for Lenient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        for byte in &mut buffer[..read] {
            (self.state, *byte) = after(self.state, *byte);
        }
        Ok(read)
    }
}

/// Returns the state after a byte, and the byte that replaces it.
fn after(state: State, byte: u8) -> (State, u8) {
    match (state, byte) {
        (State::Text, b'\\') => (State::Escaped, byte),
        (State::Text, b'"') => (State::Outside, byte),
        (State::Escaped | State::Text, _) | (_, b'"') => (State::Text, byte),
        (State::Outside, b'N' | b'I') => (State::Word, b'0'),
        (State::Word, b'a'..=b'z' | b'N') => (State::Word, b' '),
        _ => (State::Outside, byte),
    }
}
