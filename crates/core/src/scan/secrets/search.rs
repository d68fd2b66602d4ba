//! The search for secrets in the content of a file, of which only a part is in memory at a time.

use std::collections::BTreeSet;
use std::io::{self, Read};

use regex::bytes::Match;

use super::encoding::{Encoding, Text};
use super::tokens::{WEB_TOKEN, literals_in, passwords_in, tokens_in};

/// The number of bytes that decide whether a file is a text.
const BEGINNING_BYTES: usize = 4096;

/// The number of bytes that are read and searched at a time.
const WINDOW_BYTES: usize = 1024 * 1024;

/// The number of bytes that are searched again with the next window: longer than the shortest text that any pattern
/// matches.
const OVERLAP_BYTES: usize = 2048;

/// The number of places of a file that are collected. With more of them, the file needs more than a few corrections.
const MOST_HITS: usize = 1000;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hit {
    /// A token, with its line and kind.
    Token(usize, &'static str),
    /// A JSON web token, with its line.
    WebToken(usize),
    /// An address with a password, with its line.
    Password(usize),
    /// A literal that is assigned to a name of a secret, with its line.
    Literal(usize),
}

/// Searches the text in `file`: for tokens, addresses with passwords and literals, each kind in the order of the lines.
/// Nothing is found in a binary file.
pub(crate) fn search(mut file: impl Read) -> io::Result<Vec<Hit>> {
    // A set: the end of each window is searched twice.
    let (mut window, mut lines, mut hits) = (Vec::new(), 0, BTreeSet::new());
    file.by_ref().take(BEGINNING_BYTES as u64).read_to_end(&mut window)?;
    for is_first in std::iter::once(true).chain(std::iter::repeat(false)) {
        if memchr::memchr(0, &window).is_some() {
            return Ok(Vec::new());
        }
        let wanted = WINDOW_BYTES.saturating_sub(window.len());
        let read = file.by_ref().take(wanted as u64).read_to_end(&mut window)?;
        if memchr::memchr(0, &window).is_some() {
            return Ok(Vec::new());
        }
        let is_last = read < wanted;
        let overlap = if is_last { window.len() } else { window.len() - OVERLAP_BYTES };
        let is_eligible = |found: &Match<'_>| {
            // A word that begins or ends at the edge may be part of a longer one, which another window has whole.
            let is_whole = is_last || found.end() < window.len() || found.start() < overlap;
            is_whole && (is_first || found.start() > 0)
        };
        if hits.len() < MOST_HITS {
            hits.extend(hits_in(&window, is_eligible, lines));
        }
        if is_last {
            break;
        }
        lines += line_breaks(&window[..overlap]);
        window.drain(..overlap);
    }
    Ok(without_repetitions(hits))
}

/// Searches a text in any encoding that a scan knows, like [`search`]. Nothing is found in a binary file.
pub(crate) fn search_any(mut file: impl Read) -> io::Result<Vec<Hit>> {
    let mut head = Vec::new();
    file.by_ref().take(BEGINNING_BYTES as u64).read_to_end(&mut head)?;
    match Encoding::of(&head) {
        Some(encoding) => search(Text::new(head.chain(file), encoding)),
        None => Ok(Vec::new()),
    }
}

/// Returns the places in a part of a text that `lines` lines precede.
fn hits_in(window: &[u8], is_eligible: impl Fn(&Match<'_>) -> bool, lines: usize) -> Vec<Hit> {
    let tokens = tokens_in(window, &is_eligible);
    let (passwords, literals) = (passwords_in(window, &is_eligible), literals_in(window, &is_eligible));
    let mut hits = Vec::new();
    hits.extend(Lines::new(window, lines).of(tokens).map(|(line, kind)| Hit::of_token(line, kind)));
    let nameless = |starts: Vec<usize>| starts.into_iter().map(|start| (start, ())).collect();
    hits.extend(Lines::new(window, lines).of(nameless(passwords)).map(|(line, ())| Hit::Password(line)));
    hits.extend(Lines::new(window, lines).of(nameless(literals)).map(|(line, ())| Hit::Literal(line)));
    hits
}

/// Returns the places without literals on lines that have a token or a password as well.
fn without_repetitions(hits: BTreeSet<Hit>) -> Vec<Hit> {
    let is_sure = |hit: &Hit| !matches!(hit, Hit::Literal(_));
    let lines: BTreeSet<_> = hits.iter().filter(|hit| is_sure(hit)).map(Hit::line).collect();
    hits.into_iter().filter(|hit| is_sure(hit) || !lines.contains(&hit.line())).collect()
}

impl Hit {
    fn of_token(line: usize, kind: &'static str) -> Self {
        if kind == WEB_TOKEN { Self::WebToken(line) } else { Self::Token(line, kind) }
    }

    /// The number of the line, from 1.
    pub(crate) fn line(&self) -> usize {
        match self {
            Self::Token(line, _) | Self::WebToken(line) | Self::Password(line) | Self::Literal(line) => *line,
        }
    }
}

/// Counts the lines of a text once, for places in ascending order.
struct Lines<'a> {
    text: &'a [u8],
    counted: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8], before: usize) -> Self {
        Self { text, counted: 0, line: before + 1 }
    }

    /// Replaces the offset of each place by its line.
    fn of<T>(mut self, places: Vec<(usize, T)>) -> impl Iterator<Item = (usize, T)> {
        places.into_iter().map(move |(start, about)| {
            self.line += line_breaks(&self.text[self.counted..start]);
            self.counted = start;
            (self.line, about)
        })
    }
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
            assert_eq!(search(text.as_bytes()).unwrap(), [Hit::Token(2, "a GitHub token")], "{before}");
        }
        let far = format!("{}{token}", "line\n".repeat(1_000_000));
        assert_eq!(search(far.as_bytes()).unwrap(), [Hit::Token(1_000_001, "a GitHub token")]);
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
                assert_eq!(search(text.as_bytes()).unwrap(), [], "{before} {word}");
            }
        }
    }

    #[test]
    fn tokens_in_every_encoding_are_found() {
        let text = format!("first\nghp{}{}\n", '_', "aB".repeat(18));
        let wide = |mark: &[u8], unit: &dyn Fn(char) -> Vec<u8>| {
            mark.iter().copied().chain(text.chars().flat_map(unit)).collect::<Vec<u8>>()
        };
        let halves = |character: char| u16::try_from(u32::from(character)).unwrap();
        for bytes in [
            text.clone().into_bytes(),
            [text.as_bytes(), b"\0"].concat(),
            wide(&[], &|it| halves(it).to_le_bytes().to_vec()),
            wide(&[0xff, 0xfe], &|it| halves(it).to_le_bytes().to_vec()),
            wide(&[], &|it| halves(it).to_be_bytes().to_vec()),
            wide(&[0xfe, 0xff], &|it| halves(it).to_be_bytes().to_vec()),
            wide(&[], &|it| u32::from(it).to_le_bytes().to_vec()),
            wide(&[0xff, 0xfe, 0, 0], &|it| u32::from(it).to_le_bytes().to_vec()),
            wide(&[], &|it| u32::from(it).to_be_bytes().to_vec()),
            wide(&[0, 0, 0xfe, 0xff], &|it| u32::from(it).to_be_bytes().to_vec()),
        ] {
            assert_eq!(search_any(&bytes[..]).unwrap(), [Hit::Token(2, "a GitHub token")], "{bytes:?}");
        }
        assert_eq!(search_any(&[0, 1, 2, 255, 0, 0][..]).unwrap(), []);
    }

    #[test]
    fn all_places_are_found_and_binary_files_have_none() {
        let token = format!("AKIA{}", "Q7".repeat(8));
        let literal = format!("password = '{}'", "Zq7".repeat(5));
        let text = format!("a\npostgres://ada:s3cret@db/x\n{token}\n{literal}\n\ntoken = '{token}' {token}\n");
        let aws = |line| Hit::Token(line, "an AWS access key");
        assert_eq!(search(text.as_bytes()).unwrap(), [aws(3), aws(6), Hit::Password(2), Hit::Literal(4)]);
        for binary in [format!("\0{text}"), format!("{text}\0")] {
            assert_eq!(search(binary.as_bytes()).unwrap(), []);
        }
    }
}
