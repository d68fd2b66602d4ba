//! Text that has to fit into a number of columns.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Pads or shortens `text` to exactly `width` columns. A long text keeps both ends: the type, and the file name.
pub(super) fn padded(text: &str, width: usize) -> String {
    let text = cut(text, width, |space| space / 2);
    let padding = width - text.width().min(width);
    format!("{text}{:padding$}", "")
}

/// Shortens `text` to at most `width` columns; `tail` returns how many of the columns beside the `…` the end gets.
pub(super) fn cut(text: &str, width: usize, tail: impl Fn(usize) -> usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let space = width.saturating_sub(1);
    let tail = tail(space);
    let head: String = fitting(text.chars(), space - tail).collect();
    let mut end: Vec<char> = fitting(text.chars().rev(), tail).collect();
    end.reverse();
    Cow::Owned(format!("{head}…{}", end.into_iter().collect::<String>()))
}

/// The first characters that fit into `width` columns.
fn fitting(letters: impl Iterator<Item = char>, width: usize) -> impl Iterator<Item = char> {
    letters.scan(0, move |used, letter| {
        *used += letter.width().unwrap_or(0);
        (*used <= width).then_some(letter)
    })
}
