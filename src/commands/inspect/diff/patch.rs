//! The differences of texts, line by line, as git and diff(1) show them.

use super::notebook;
use crate::output::one_line;
use kit_core::ops::{FileChange, FileDiff};
use kit_core::problem::printable;

/// The unified diff of a text without escaping; `None` for a file that is not a text.
pub(super) fn raw(file: &FileDiff) -> Option<String> {
    let hunks = file.content.text.as_ref()?.hunks.as_ref()?;
    let (before, after) = side_names(file);
    Some(format!("--- {before}\n+++ {after}\n{hunks}"))
}

/// The unified diffs of a text, or of each cell of a notebook, with untrusted characters escaped.
pub(super) fn escaped(file: &FileDiff) -> Vec<String> {
    of_text(file).into_iter().chain(notebook::patches(file)).collect()
}

fn of_text(file: &FileDiff) -> Option<String> {
    let hunks = file.content.text.as_ref()?.hunks.as_ref()?;
    let (before, after) = side_names(file);
    Some(format!("--- {}\n+++ {}\n{}", one_line(&before), one_line(&after), escape(hunks)))
}

/// The names that git gives the two versions of a file.
pub(super) fn side_names(file: &FileDiff) -> (String, String) {
    let side = |is_there, prefix| if is_there { format!("{prefix}/{}", file.path) } else { "/dev/null".to_owned() };
    (side(file.change != FileChange::Added, "a"), side(file.change != FileChange::Removed, "b"))
}

/// Escapes untrusted text. Tabs are kept, since they indent text. A carriage return is escaped and thus visible, since
/// it can be the only difference of a line.
pub(super) fn escape(text: &str) -> String {
    let words = |line: &str| line.split('\t').map(printable).collect::<Vec<_>>().join("\t");
    text.split('\n').map(words).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (text, expected) in [
            ("+\tü – 😀\n", "+\tü – 😀\n"),
            ("+\u{1b}]0;title\u{7}\r\n", "+\\u{1b}]0;title\\u{7}\\r\n"),
            (" ::error::x\n-\t::error::y\u{202e}\n", " \\u{3a}:error::x\n-\t\\u{3a}:error::y\\u{202e}\n"),
            ("-\u{9b}31m\u{0}\n", "-\\u{9b}31m\\u{0}\n"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }
}
