//! The names in a directory.

use crate::sys::FileType;

/// Names and file types, taken one after another. They share one allocation: a directory may contain a million files.
#[derive(Debug, Default)]
pub struct Names {
    text: String,
    entries: Vec<Listed>,
    taken: usize,
}

#[derive(Debug)]
struct Listed {
    start: usize,
    length: u32,
    file_type: Option<FileType>,
}

impl Names {
    /// Creates a list of a single name of unknown type.
    pub fn one(name: &str) -> Self {
        let mut names = Self::default();
        names.push(name, None);
        names
    }

    /// Returns the next name, and its type if the directory lists it.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend its items")]
    pub fn next(&mut self) -> Option<(&str, Option<FileType>)> {
        let entry = self.entries.get(self.taken)?;
        self.taken += 1;
        Some((entry.name_in(&self.text), entry.file_type))
    }

    pub(super) fn push(&mut self, name: &str, file_type: Option<FileType>) {
        // A directory has no name of 64 KiB, but a path in a Kitfile may. As many bits fit into the padding.
        let length = u32::try_from(name.len()).expect("a Kitfile and a directory entry are shorter than 4 GiB");
        self.entries.push(Listed { start: self.text.len(), length, file_type });
        self.text.push_str(name);
    }

    /// Sorts the names by bytes.
    pub(super) fn sort(&mut self) {
        let text = &self.text;
        self.entries.sort_unstable_by(|a, b| a.name_in(text).cmp(b.name_in(text)));
    }
}

impl Listed {
    fn name_in<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.start + self.length as usize]
    }
}
