//! The search for secrets in the content of a file, of which only a part is in memory at a time.

use std::io::{self, Read};

use regex::bytes::Match;

use super::tokens::{password_in, token_in};

/// The number of bytes that decide whether a file is a text.
const BEGINNING_BYTES: usize = 4096;

/// The number of bytes that are read and searched at a time.
const WINDOW_BYTES: usize = 1024 * 1024;

/// The number of bytes that are searched again with the next window: longer than the shortest text that any pattern
/// matches.
const OVERLAP_BYTES: usize = 2048;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    /// A token, with its line and kind.
    Token(usize, &'static str),
    /// An address with a password, with its line.
    Password(usize),
}

/// Searches the text in `file`: for the first token, or else for the first address with a password. Nothing is found in
/// a binary file.
pub(super) fn search(mut file: impl Read) -> io::Result<Option<Hit>> {
    let (mut window, mut lines, mut password) = (Vec::new(), 0, None);
    file.by_ref().take(BEGINNING_BYTES as u64).read_to_end(&mut window)?;
    for is_first in std::iter::once(true).chain(std::iter::repeat(false)) {
        if memchr::memchr(0, &window).is_some() {
            return Ok(None);
        }
        let wanted = WINDOW_BYTES.saturating_sub(window.len());
        let read = file.by_ref().take(wanted as u64).read_to_end(&mut window)?;
        if memchr::memchr(0, &window).is_some() {
            return Ok(None);
        }
        let is_last = read < wanted;
        let overlap = if is_last { window.len() } else { window.len() - OVERLAP_BYTES };
        let is_eligible = |found: &Match<'_>| {
            // A word that begins or ends at the edge may be part of a longer one, which another window has whole.
            let is_whole = is_last || found.end() < window.len() || found.start() < overlap;
            is_whole && (is_first || found.start() > 0)
        };
        let line = |start: usize| lines + line_breaks(&window[..start]) + 1;
        if let Some((start, kind)) = token_in(&window, is_eligible) {
            return Ok(Some(Hit::Token(line(start), kind)));
        }
        password = password.or_else(|| password_in(&window, is_eligible).map(line));
        if is_last {
            break;
        }
        lines += line_breaks(&window[..overlap]);
        window.drain(..overlap);
    }
    Ok(password.map(Hit::Password))
}

fn line_breaks(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_wherever_the_windows_end() {
        let token = format!("ghp{}{}", '_', "aB".repeat(18));
        for before in WINDOW_BYTES - 60..WINDOW_BYTES + 3 {
            let text = format!("{}\n{token}\nend", "x".repeat(before - 1));
            assert_eq!(search(text.as_bytes()).unwrap(), Some(Hit::Token(2, "a GitHub token")), "{before}");
        }
        let far = format!("{}{token}", "line\n".repeat(1_000_000));
        assert_eq!(search(far.as_bytes()).unwrap(), Some(Hit::Token(1_000_001, "a GitHub token")));
    }

    #[test]
    fn a_part_of_a_longer_word_is_not_a_token() {
        // `hf_` and 34 letters are a token, and with more letters they are not.
        let word = format!("hf{}{}", '_', "aB".repeat(40));
        let inside = format!("x{}", &word[..37]);
        for before in (WINDOW_BYTES - 90..WINDOW_BYTES + 3).chain(WINDOW_BYTES - OVERLAP_BYTES - 3..WINDOW_BYTES - 2040)
        {
            for word in [&word, &inside] {
                let text = format!("{} {word} end", " ".repeat(before - 1));
                assert_eq!(search(text.as_bytes()).unwrap(), None, "{before} {word}");
            }
        }
    }

    #[test]
    fn tokens_come_before_passwords_and_binary_files_have_none() {
        let token = format!("AKIA{}", "Q7".repeat(8));
        let text = format!("a\npostgres://ada:s3cret@db/x\n{token}\n");
        assert_eq!(search(text.as_bytes()).unwrap(), Some(Hit::Token(3, "an AWS access key")));
        assert_eq!(search(text.replace(&token, "").as_bytes()).unwrap(), Some(Hit::Password(2)));
        for binary in [format!("\0{text}"), format!("{text}\0")] {
            assert_eq!(search(binary.as_bytes()).unwrap(), None);
        }
    }
}
