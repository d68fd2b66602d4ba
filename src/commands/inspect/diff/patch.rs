//! The differences of texts, line by line, as git and diff(1) show them.

use crate::output::one_line;
use kit_core::ops::{FileChange, FileDiff};

/// The unified diff of a text without escaping; `None` for a file that is not a text.
pub(super) fn raw(file: &FileDiff) -> Option<String> {
    let hunks = file.content.text.as_ref()?.hunks.as_ref()?;
    let (before, after) = sides(file);
    Some(format!("--- {before}\n+++ {after}\n{hunks}"))
}

/// The unified diff of a text with control characters escaped.
pub(super) fn printable(file: &FileDiff) -> Option<String> {
    let hunks = file.content.text.as_ref()?.hunks.as_ref()?;
    let (before, after) = sides(file);
    Some(format!("--- {}\n+++ {}\n{}", one_line(&before), one_line(&after), escape(hunks)))
}

/// The names that git gives the two versions of a file.
fn sides(file: &FileDiff) -> (String, String) {
    let side = |is_there, prefix| if is_there { format!("{prefix}/{}", file.path) } else { "/dev/null".to_owned() };
    (side(file.change != FileChange::Added, "a"), side(file.change != FileChange::Removed, "b"))
}

/// Escapes control characters. Tabs are kept, since they indent text. A carriage return is escaped and thus visible,
/// since it can be the only difference of a line.
fn escape(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => clean.push(letter),
            letter if letter.is_control() => clean.extend(letter.escape_default()),
            letter => clean.push(letter),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (text, expected) in [
            ("+\tü – 😀\n", "+\tü – 😀\n"),
            ("+\u{1b}]0;title\u{7}\r\n", "+\\u{1b}]0;title\\u{7}\\r\n"),
            ("-\u{9b}31m\u{0}\n", "-\\u{9b}31m\\u{0}\n"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }
}
