//! The fields of the records of a lock: each value has exactly one spelling.

use std::str::FromStr;

use super::word::from_word;
use crate::digest::Digest;
use crate::kitfile::Section;
use crate::problem::{Mark, Problem, Source, quoted};
use crate::relative_path::RelativePath;

pub(super) fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// A part of the text, and the offset at which it begins.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl<'a> Word<'a> {
    pub(super) fn words(self) -> Vec<Self> {
        let place =
            |text: &'a str| Self { text, start: self.start + (text.as_ptr() as usize - self.text.as_ptr() as usize) };
        self.text.split(' ').map(place).collect()
    }
}

/// Parses fields, and collects a problem for each invalid one.
pub(super) struct Fields<'a> {
    source: Source<'a>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { source: Source::new(text), problems: Vec::new() }
    }

    pub(super) fn digest(&mut self, word: Word<'a>) -> Option<Digest> {
        self.value(
            word,
            word.text.parse().ok(),
            "is not a digest of the form sha256:<64 lower-case hexadecimal digits>",
        )
    }

    pub(super) fn text(&mut self, word: Word<'a>) -> Option<String> {
        self.value(word, from_word(word.text), "is not escaped as in the output of `kit pack --lock`")
    }

    pub(super) fn path(&mut self, word: Word<'a>) -> Option<RelativePath> {
        let text = self.text(word)?;
        let clean = text.parse().ok().filter(|path: &RelativePath| path.as_str() == text);
        self.value(word, clean, "is not a normalized path in the folder")
    }

    pub(super) fn section(&mut self, word: Word<'a>) -> Option<Section> {
        let section = Section::from_key(word.text);
        self.value(word, section, "is not a section whose entries have layers")
    }

    pub(super) fn mode(&mut self, word: Word<'a>) -> Option<u32> {
        let mode = u32::from_str_radix(word.text, 8).ok();
        let mode = mode.filter(|mode| *mode <= 0o7777 && format!("{mode:o}") == word.text);
        self.value(word, mode, "is not an octal file mode")
    }

    pub(super) fn size(&mut self, word: Word<'a>) -> Option<u64> {
        let size = u64::from_str(word.text).ok().filter(|size| size.to_string() == word.text);
        self.value(word, size, "is not a number of bytes")
    }

    fn value<T>(&mut self, word: Word<'a>, value: Option<T>, otherwise: &str) -> Option<T> {
        if value.is_none() {
            self.problem(word, format!("{} {otherwise}", quoted(word.text)));
        }
        value
    }

    pub(super) fn problem(&mut self, Word { text, start }: Word<'a>, message: String) {
        let position = Some(self.source.position(Mark { start, end: start + text.len() }));
        self.problems.push(Problem { position, ..Problem::of("", message) });
    }
}
