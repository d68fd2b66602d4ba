//! Reading typed values from TOML, with every problem and its position.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Mark, Position, Problem, Source, closest, quoted};

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// The state of a parser: the text, and the problems so far.
pub(super) struct Decoder<'t> {
    text: &'t str,
    source: Source<'t>,
    /// The folder that relative paths refer to.
    folder: &'t Path,
    pub(super) problems: Vec<Problem>,
}

/// A table whose keys are all known, and its name for messages.
#[derive(Clone, Copy)]
pub(super) struct Table<'v, 't> {
    pub(super) content: &'v DeTable<'t>,
    pub(super) name: &'v str,
    span: (usize, usize),
}

impl<'v, 't> Table<'v, 't> {
    pub(super) fn get(&self, key: &str) -> Option<&'v Value<'t>> {
        self.content.get(key)
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.0..self.span.1
    }
}

impl<'t> Decoder<'t> {
    pub(super) fn new(text: &'t str, folder: &'t Path) -> Self {
        Self { text, source: Source::new(text), folder, problems: Vec::new() }
    }

    /// The position of `span`, with its line, unless someone wrote a private key into the file.
    pub(super) fn position(&self, span: Range<usize>) -> Position {
        let line = self.line(span.start);
        let position = self.source.position(Mark { start: span.start, end: span.end });
        let may_be_secret = self.text.contains("PRIVATE") || line.contains("pem");
        if may_be_secret { position.without_line() } else { position }
    }

    /// Reports that the text is not TOML. Only the key is quoted: the value may be a private key.
    pub(super) fn not_toml(&mut self, span: Range<usize>, message: &str) {
        let key = self.line(span.start).split('=').next().unwrap_or_default().trim();
        let is_key = !key.is_empty() && key.len() <= 20 && key.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let message = if is_key { format!("{message} (key `{key}`)") } else { message.to_owned() };
        let position = Some(self.position(span).without_line());
        self.problems.push(Problem { position, ..Problem::of("", message) });
    }

    /// The line that contains the byte at `offset`.
    fn line(&self, offset: usize) -> &'t str {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        self.text[start..].lines().next().unwrap_or_default()
    }

    pub(super) fn complain(&mut self, span: Range<usize>, field: &str, message: impl Into<String>) {
        let position = Some(self.position(span));
        self.problems.push(Problem { position, ..Problem::of(field, message.into()) });
    }

    /// Reads `value` as a table that has only `known` keys. Other keys are problems.
    pub(super) fn table<'v>(&mut self, value: &'v Value<'t>, name: &'v str, known: &[&str]) -> Option<Table<'v, 't>> {
        let span = value.span();
        let DeValue::Table(content) = value.get_ref() else {
            self.complain(span, name, format!("`{name}` must be a table, as in {{ … }}"));
            return None;
        };
        let table = Table { content, name, span: (span.start, span.end) };
        self.expect_known(table, known);
        Some(table)
    }

    /// The table of the whole file.
    pub(super) fn root<'v>(&mut self, content: &'v DeTable<'t>, known: &[&str]) -> Table<'v, 't> {
        let table = Table { content, name: "", span: (0, 0) };
        self.expect_known(table, known);
        table
    }

    fn expect_known(&mut self, table: Table<'_, 't>, known: &[&str]) {
        for key in table.content.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let guess = match closest(key.get_ref(), known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known keys are {}", listed(known)),
            };
            let place = match table.name {
                "" => "at the top level".to_owned(),
                name => format!("in `{name}`"),
            };
            let message = format!("unknown key {} {place}; {guess}", quoted(key.get_ref()));
            self.complain(key.span(), table.name, message);
        }
    }

    /// Reports that `table` does not have `key`.
    pub(super) fn missing(&mut self, table: Table<'_, 't>, key: &str) {
        let message = match table.name {
            "" => format!("`{key}` is missing"),
            name => format!("`{key}` is missing in `{name}`"),
        };
        self.complain(table.span(), table.name, message);
    }

    pub(super) fn wrong(&mut self, value: &Value<'t>, key: &str, expected: &str) {
        self.complain(value.span(), key, format!("`{key}` must be {expected}"));
    }

    /// Reads a string that is not empty.
    pub(super) fn string<'v>(&mut self, table: Table<'v, 't>, key: &str) -> Option<&'v str> {
        let value = table.get(key)?;
        let text = value.get_ref().as_str().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.wrong(value, key, "a text");
        }
        text
    }

    /// Reads a path. A relative one refers to the folder of the file.
    pub(super) fn path(&mut self, table: Table<'_, 't>, key: &str) -> Option<PathBuf> {
        self.string(table, key).map(|text| self.folder.join(text))
    }

    /// Reads a list of paths.
    pub(super) fn paths(&mut self, table: Table<'_, 't>, key: &str) -> Option<Vec<PathBuf>> {
        let texts = self.strings(table, key)?;
        Some(texts.iter().map(|(text, _)| self.folder.join(text)).collect())
    }

    /// Reads a list of different texts that is not empty, each with its position in the text.
    pub(super) fn strings<'v>(&mut self, table: Table<'v, 't>, key: &str) -> Option<Vec<(&'v str, Range<usize>)>> {
        let value = table.get(key)?;
        let items = value.get_ref().as_array().filter(|items| !items.is_empty());
        let Some(items) = items else {
            self.wrong(value, key, "a list of texts that is not empty, as in [\"…\"]");
            return None;
        };
        let mut found: Vec<(&str, Range<usize>)> = Vec::new();
        for item in items {
            match item.get_ref().as_str().filter(|text| !text.is_empty()) {
                None => self.complain(item.span(), key, format!("`{key}` must contain texts")),
                Some(text) if found.iter().any(|(other, _)| *other == text) => {
                    self.complain(item.span(), key, format!("{} is in `{key}` twice", quoted(text)));
                }
                Some(text) => found.push((text, item.span())),
            }
        }
        Some(found)
    }

    /// Reads true or false.
    pub(super) fn boolean(&mut self, table: Table<'_, 't>, key: &str) -> Option<bool> {
        let value = table.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong(value, key, "true or false");
        }
        found
    }

    /// Reads one of the words of `choices`.
    pub(super) fn choice<T: Copy>(&mut self, table: Table<'_, 't>, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let value = table.get(key)?;
        let text = value.get_ref().as_str();
        let found = choices.iter().find(|(word, _)| Some(*word) == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let expected = match words.split_last() {
                Some((last, others)) if !others.is_empty() => format!("{} or `{last}`", listed(others)),
                _ => listed(&words),
            };
            self.wrong(value, key, &expected);
        }
        found
    }
}

/// The names in backticks, separated by commas.
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
