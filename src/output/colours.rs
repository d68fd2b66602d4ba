//! Colours of results on a terminal. They repeat what a mark says and never carry meaning alone.

use std::borrow::Cow;

/// The colours of a stream, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colours(pub(super) bool);

impl Colours {
    /// Colours the lines of `text` that begin with the mark of a change, which may be indented.
    pub(crate) fn changed_lines(self, text: &str) -> Cow<'_, str> {
        self.lines(text, |line| line.len() - line.trim_start_matches(' ').len())
    }

    /// Colours the changed lines of a unified diff, in which an indented mark is content.
    pub(crate) fn patch(self, text: &str) -> Cow<'_, str> {
        self.lines(text, |_| 0)
    }

    fn lines(self, text: &str, mark: fn(&str) -> usize) -> Cow<'_, str> {
        if !self.0 {
            return Cow::Borrowed(text);
        }
        let coloured = |line: &str| {
            let (content, end) = line.strip_suffix('\n').map_or((line, ""), |content| (content, "\n"));
            let (indent, content) = content.split_at(mark(content));
            format!("{indent}{}{end}", Self::painted(content))
        };
        Cow::Owned(text.split_inclusive('\n').map(coloured).collect())
    }

    /// Colours the words of `text` that are a mark with a number, such as `+2`.
    pub(crate) fn changed_words(self, text: &str) -> Cow<'_, str> {
        if !self.0 {
            return Cow::Borrowed(text);
        }
        let is_change = |word: &str| {
            let number = word.strip_prefix(['+', '-', '~']);
            number.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
        };
        let coloured = |word: &str| {
            let (change, end) = word.split_at(word.trim_end_matches([',', ' ', '\n']).len());
            if is_change(change) { Self::painted(change) + end } else { word.to_owned() }
        };
        Cow::Owned(text.split_inclusive(' ').map(coloured).collect())
    }

    /// The text in the colour of its first character: green for `+`, red for `-`, yellow for `~` and `?`.
    fn painted(text: &str) -> String {
        let code = match text.chars().next() {
            Some('+') => "32",
            Some('-') => "31",
            Some('~' | '?') => "33",
            _ => return text.to_owned(),
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Files  1 changed\n  + new  +1\n      - old\n~ both\n";

    #[test]
    fn changes_have_the_colour_of_their_mark() {
        assert_eq!(
            Colours(true).changed_lines(TEXT),
            "Files  1 changed\n  \x1b[32m+ new  +1\x1b[0m\n      \x1b[31m- old\x1b[0m\n\x1b[33m~ both\x1b[0m\n"
        );
        assert_eq!(Colours(true).patch(" - kept\n-old\n"), " - kept\n\x1b[31m-old\x1b[0m\n");
        assert_eq!(
            Colours(true).changed_words("model ~1 +2, kitfile ~\n"),
            "model \x1b[33m~1\x1b[0m \x1b[32m+2\x1b[0m, kitfile \x1b[33m~\x1b[0m\n"
        );
    }

    #[test]
    fn a_file_gets_no_colours() {
        assert_eq!(Colours(false).changed_lines(TEXT), TEXT);
        assert_eq!(Colours(false).changed_words("+1"), "+1");
    }
}
