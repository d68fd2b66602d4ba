//! Untrusted text in output: names, paths and messages of other computers.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use kit_core::problem::{is_hidden, printable};

/// The longest line that is printed in full: paths have at most 4 KiB, names chosen by an attacker may have more.
const LONGEST_LINE: usize = 8 * 1024;

/// Escapes everything in `text` that a terminal or a log would obey, line breaks included, and shortens a text that is
/// too long.
pub(crate) fn one_line(text: &str) -> String {
    without_middle(&printable(text)).into_owned()
}

/// Shortens a line that is too long to its beginning and its end.
fn without_middle(line: &str) -> Cow<'_, str> {
    if line.len() <= LONGEST_LINE {
        return Cow::Borrowed(line);
    }
    let at_letter = |position: &usize| line.is_char_boundary(*position);
    let head = (0..=LONGEST_LINE / 2).rev().find(at_letter).unwrap_or_default();
    let tail = (line.len() - LONGEST_LINE / 2..line.len()).find(at_letter).unwrap_or(line.len());
    Cow::Owned(format!("{} … {}", &line[..head], &line[tail..]))
}

/// Escapes hidden characters in JSON. They occur only in strings, where an escape has the same meaning.
///
/// `serde_json` escapes the control characters below U+0020 itself; the line breaks that remain are those between
/// values.
pub(crate) fn json_text(json: String) -> String {
    if json.contains(is_bad_in_json) { clean_json(&json) } else { json }
}

fn is_bad_in_json(letter: char) -> bool {
    letter != '\n' && is_hidden(letter)
}

fn clean_json(json: &str) -> String {
    let mut clean = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_bad_in_json(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(clean, "\\u{unit:04x}").expect("writing to a string does not fail");
            }
        } else {
            clean.push(letter);
        }
    }
    clean
}

/// Escapes hidden characters like [`json_text`] in JSON that `serde_json` writes: it never splits a character.
pub(crate) struct JsonWriter<W>(pub(crate) W);

impl<W: io::Write> io::Write for JsonWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        if text.contains(is_bad_in_json) {
            self.0.write_all(clean_json(text).as_bytes())?;
        } else {
            self.0.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_lose_their_middle() {
        let long = one_line(&format!("first\n{}end", "ä".repeat(LONGEST_LINE)));
        assert!(long.len() < LONGEST_LINE + 20 && long.starts_with("first\\nä") && long.ends_with("äend"), "{long}");
    }

    #[test]
    fn json_keeps_its_meaning_without_hidden_characters() {
        let value = serde_json::json!({ "a\u{9b}": "\u{1b}\n\u{202e}ü\u{e0041}\u{7f}" });
        let text = json_text(serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(text, "{\n  \"a\\u009b\": \"\\u001b\\n\\u202eü\\udb40\\udc41\\u007f\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        let mut written = Vec::new();
        serde_json::to_writer_pretty(JsonWriter(&mut written), &value).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), text);
    }
}
