//! A text of limited size.

use std::fmt;

/// A text that refuses to grow beyond a limit.
#[derive(Debug)]
pub(super) struct Text {
    text: String,
    room: usize,
}

impl Text {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { text: String::new(), room: max_bytes }
    }

    /// An empty text that can take what this one still can.
    pub(super) fn scratch(&self) -> Self {
        Self { text: String::new(), room: self.room }
    }

    /// Counts `bytes` towards the limit.
    pub(super) fn spend(&mut self, bytes: usize) -> fmt::Result {
        self.room = self.room.checked_sub(bytes).ok_or(fmt::Error)?;
        Ok(())
    }

    /// Takes over what is left of the limit of `scratch`, and returns its text.
    pub(super) fn settle(&mut self, scratch: Self) -> String {
        self.room = scratch.room;
        scratch.text
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.spend(text.len())?;
        self.text.push_str(text);
        Ok(())
    }
}
