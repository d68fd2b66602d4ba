//! The problems of a document, and their display: file, line, column, the line itself and carets below the position.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::printable::{is_hidden, printable};

/// The number of problems shown in full; a file with more is probably not the kind of file it should be.
const SHOWN: usize = 50;

/// Longer source lines, such as JSON on one line, are cut to this many characters around the position.
const EXCERPT_WIDTH: usize = 120;

/// A document that cannot be used, with all its problems.
///
/// Its display has several lines: a head, then one or three lines for each problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    file: String,
    problems: Vec<Problem>,
}

impl Invalid {
    /// The problems of `file`.
    pub fn new(file: &str, problems: Vec<Problem>) -> Self {
        Self { file: file.to_owned(), problems }
    }

    /// The same problems, displayed with the name of the file that the text came from.
    #[must_use]
    pub fn in_file(self, file: &str) -> Self {
        Self { file: file.to_owned(), ..self }
    }

    /// The problems, ordered by their position in the file as far as they have one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not valid", printable(&self.file))?;
        for problem in self.problems.iter().take(SHOWN) {
            problem.show(&printable(&self.file), f)?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// A single problem of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The description of the problem, on one line.
    pub message: String,
    /// The affected field, as in `datasets[0].path`; empty if the text as a whole is affected.
    pub field: String,
    /// The position of the problem, if the document was read from text.
    pub position: Option<Position>,
}

impl Problem {
    /// A problem of a field whose position in the text is not yet known.
    pub fn of(field: impl Into<String>, message: String) -> Self {
        Self { message, field: field.into(), position: None }
    }

    fn show(&self, file: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = printable(&self.message);
        let Some(position) = &self.position else {
            return write!(f, "\n  {file}: {message}");
        };
        let Position { line, column, .. } = position;
        write!(f, "\n  {file}:{line}:{column}: {message}")?;
        if position.excerpt.is_some() { write!(f, "\n{position}") } else { Ok(()) }
    }
}

/// A position in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line, unless it must not be shown.
    excerpt: Option<Excerpt>,
}

impl Position {
    /// The same position, displayed without the line, which may contain a secret.
    #[must_use]
    pub fn without_line(self) -> Self {
        Self { excerpt: None, ..self }
    }
}

/// Writes the line with its number, and carets below the position.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Excerpt { text, indent, width }) = &self.excerpt else { return Ok(()) };
        let number = self.line.to_string();
        let gutter = number.len();
        let carets = "^".repeat(*width);
        write!(f, "    {number} | {text}\n    {:gutter$} | {:indent$}{carets}", "", "")
    }
}

/// The line of a position, and the columns for the carets, as a terminal counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    indent: usize,
    width: usize,
}

/// A range of the text in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub start: usize,
    pub end: usize,
}

/// The text of a document, which converts byte ranges to positions.
pub struct Source<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, line_starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The position of `mark`, of which only the first line is shown.
    pub fn position(&self, mark: Mark) -> Position {
        let start = floor(self.text, mark.start);
        let line = self.line_starts.partition_point(|at| *at <= start);
        let line_start = self.line_starts[line - 1];
        let line_text = self.text[line_start..].lines().next().unwrap_or_default();
        let before = floor(line_text, start - line_start);
        let after = floor(line_text, mark.end.saturating_sub(line_start)).max(before);
        let column = line_text[..before].chars().count() + 1;
        Position { line, column, excerpt: Some(Excerpt::of(line_text, before, after)) }
    }
}

impl Excerpt {
    /// The line with its bytes `before..after` marked.
    fn of(line: &str, before: usize, after: usize) -> Self {
        let lead = &line[..before];
        let cut = lead.char_indices().rev().nth(EXCERPT_WIDTH / 3).filter(|_| lead.chars().count() > EXCERPT_WIDTH / 2);
        let mut kept = match cut {
            Some((at, _)) => format!("…{}", spaced(&lead[at..])),
            None => spaced(lead),
        };
        let indent = kept.width();
        let room = EXCERPT_WIDTH - kept.chars().count();
        let marked = spaced(&line[before..after].chars().take(room).collect::<String>());
        let rest = &line[before..];
        kept.push_str(&spaced(&rest.chars().take(room).collect::<String>()));
        if rest.chars().nth(room).is_some() {
            kept.push('…');
        }
        Self { text: kept, indent, width: marked.trim_end().width().max(1) }
    }
}

/// The text with a space in place of each hidden character, so that columns stay where they are.
fn spaced(text: &str) -> String {
    text.chars().map(|sign| if is_hidden(sign) { ' ' } else { sign }).collect()
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// `text` in backticks, on one line and limited in length.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let cut = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let kept: String = text.chars().take(LONGEST).collect();
    format!("`{}{cut}`", spaced(&kept))
}
