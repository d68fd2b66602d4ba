//! The tokens of a template.

use super::error::Fault;
use kit_core::problem::Mark;

/// The white space that the trim markers `{{- ` and ` -}}` remove, and that separates arguments.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) mark: Mark,
    /// Set if white space precedes the token within its action.
    pub(super) is_spaced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Text(&'a str),
    /// `{{`
    Open,
    /// `}}`
    Close,
    /// A keyword, a function, `true`, `false` or `nil`.
    Word(&'a str),
    /// The name after the dot.
    Field(&'a str),
    Dot,
    /// The name with the `$`.
    Variable(&'a str),
    Number(&'a str),
    /// A character, a string or a raw string, with its quotes.
    Quoted(&'a str),
    Pipe,
    Comma,
    /// `:=`
    Declare,
    /// `=`
    Assign,
    LeftParen,
    RightParen,
}

/// Cuts `text` into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    while lexer.at < text.len() {
        lexer.text()?;
    }
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Reads `length` bytes as a token.
    fn push(&mut self, length: usize, is_spaced: bool, kind: Kind<'a>) {
        let mark = Mark { start: self.at, end: self.at + length };
        self.tokens.push(Token { kind, mark, is_spaced });
        self.at = mark.end;
    }

    /// An error at the next `length` bytes.
    fn fault<T>(&self, length: usize, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault::new(Mark { start: self.at, end: self.at + length }, message))
    }

    /// Reads text up to the next action, and the action.
    fn text(&mut self) -> Result<(), Fault> {
        let Some(length) = self.rest().find("{{") else {
            self.push(self.rest().len(), false, Kind::Text(self.rest()));
            return Ok(());
        };
        let (text, action) = (&self.rest()[..length], &self.rest()[length + 2..]);
        let trims = action.starts_with('-') && action[1..].starts_with(SPACES);
        let kept = if trims { text.trim_end_matches(SPACES) } else { text };
        if !kept.is_empty() {
            self.push(kept.len(), false, Kind::Text(kept));
        }
        self.at += length - kept.len();
        let marker = if trims { 2 } else { 0 };
        if action[marker..].starts_with("/*") {
            return self.comment(2 + marker);
        }
        self.push(2, false, Kind::Open);
        self.at += marker;
        self.action()
    }

    /// Skips a comment, whose `/*` is `skipped` bytes ahead.
    fn comment(&mut self, skipped: usize) -> Result<(), Fault> {
        let Some(length) = self.rest()[skipped + 2..].find("*/") else {
            return self.fault(skipped + 2, "the comment is not closed; `*/}}` is missing");
        };
        let end = skipped + 2 + length + 2;
        match closing(&self.rest()[end..]) {
            Some(closing) => self.at += end + closing.length,
            None => return self.fault(end, "a comment must fill its action; `}}` must follow `*/`"),
        }
        Ok(())
    }

    /// Reads the tokens of an action and the delimiter that ends it.
    fn action(&mut self) -> Result<(), Fault> {
        let open = self.at;
        let mut is_spaced = false;
        loop {
            if let Some(closing) = closing(self.rest()) {
                self.at += closing.marker;
                self.push(2, is_spaced, Kind::Close);
                self.at += closing.length - closing.marker - 2;
                return Ok(());
            }
            let Some(first) = self.rest().chars().next() else {
                let mark = Mark { start: open.saturating_sub(2), end: open };
                return Err(Fault::new(mark, "the action is not closed; `}}` is missing"));
            };
            if SPACES.contains(&first) {
                self.at += 1;
                is_spaced = true;
            } else {
                self.token(first, is_spaced)?;
                is_spaced = false;
            }
        }
    }

    fn token(&mut self, first: char, is_spaced: bool) -> Result<(), Fault> {
        let rest = self.rest();
        let second = rest[first.len_utf8()..].chars().next();
        let (length, kind) = match first {
            '|' => (1, Kind::Pipe),
            ',' => (1, Kind::Comma),
            '=' => (1, Kind::Assign),
            '(' => (1, Kind::LeftParen),
            ')' => (1, Kind::RightParen),
            ':' if second == Some('=') => (2, Kind::Declare),
            '"' | '\'' | '`' => {
                let length = self.quoted_length(first)?;
                (length, Kind::Quoted(&rest[..length]))
            }
            '+' | '-' | '.' if second.is_some_and(|letter| letter.is_ascii_digit()) => number(rest),
            '0'..='9' => number(rest),
            '.' => match word_length(&rest[1..]) {
                0 => (1, Kind::Dot),
                length => (1 + length, Kind::Field(&rest[1..=length])),
            },
            '$' => {
                let length = 1 + word_length(&rest[1..]);
                (length, Kind::Variable(&rest[..length]))
            }
            _ => match word_length(rest) {
                0 => return self.fault(first.len_utf8(), format!("unexpected character {first:?}")),
                length => (length, Kind::Word(&rest[..length])),
            },
        };
        self.push(length, is_spaced, kind);
        Ok(())
    }

    /// The length of a string or character with its quotes.
    fn quoted_length(&self, quote: char) -> Result<usize, Fault> {
        let mut is_escaped = false;
        for (at, letter) in self.rest().char_indices().skip(1) {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' if quote != '`' => is_escaped = true,
                '\n' if quote != '`' => break,
                _ if letter == quote => return Ok(at + 1),
                _ => {}
            }
        }
        self.fault(1, format!("the closing {quote} is missing"))
    }
}

/// The end of an action: where its `}}` begins, and its length with the white space that a trim marker removes.
struct Closing {
    marker: usize,
    length: usize,
}

fn closing(rest: &str) -> Option<Closing> {
    if rest.starts_with("}}") {
        return Some(Closing { marker: 0, length: 2 });
    }
    let after = rest.strip_prefix(SPACES)?.strip_prefix("-}}")?;
    let trimmed = after.len() - after.trim_start_matches(SPACES).len();
    Some(Closing { marker: 2, length: 4 + trimmed })
}

fn word_length(rest: &str) -> usize {
    rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len())
}

/// A number with its sign, as far as letters, digits, dots and signs of the exponent go; `literal` checks it.
fn number(rest: &str) -> (usize, Kind<'_>) {
    let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let is_hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
    let mut before = 'e';
    let end = rest.find(|letter: char| {
        let is_sign = matches!(letter, '+' | '-') && matches!(before, 'e' | 'E');
        let belongs = letter.is_alphanumeric() || matches!(letter, '_' | '.') || is_sign;
        before = if is_hexadecimal { '0' } else { letter };
        !belongs
    });
    let length = end.unwrap_or(rest.len());
    (length, Kind::Number(&rest[..length]))
}
