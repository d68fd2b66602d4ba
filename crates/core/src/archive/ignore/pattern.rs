//! One pattern of a `.kitignore`, compiled.
//!
//! The language is the one of `.dockerignore`: Go's `filepath.Match` plus `**`, as moby's `patternmatcher` 0.6 reads it.

use regex::Regex;

/// What a pattern matches: whole paths from the context folder down.
#[derive(Debug)]
pub(super) enum Pattern {
    /// This path alone.
    Exact(String),
    /// Every path that begins so: `data/**` is `data/`.
    Prefix(String),
    /// Every path that ends so: `**.txt` is `.txt`. `/x` takes `x` itself too.
    Suffix(String),
    /// Everything that needs an automaton; `regex` is linear in time, whatever the pattern.
    Regex(Regex),
}

impl Pattern {
    /// Compiles `text`, a cleaned path; none if it is malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let tokens = tokens(text)?;
        let plain = |tokens: &[Token]| tokens.iter().all(|token| matches!(token, Token::Plain(_)));
        let text = |tokens: &[Token]| tokens.iter().map(Token::as_text).collect::<String>();
        Some(match &tokens[..] {
            all if plain(all) => Self::Exact(text(all)),
            [Token::Tree { slash }, rest @ ..] if plain(rest) => {
                Self::Suffix(if *slash { format!("/{}", text(rest)) } else { text(rest) })
            }
            [rest @ .., Token::Tree { .. }] if plain(rest) => Self::Prefix(text(rest)),
            all => Self::Regex(Regex::new(&to_regex(all)).ok()?),
        })
    }

    /// Whether it matches `path` itself; that it matches a folder above is not looked at here.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path.starts_with(prefix),
            Self::Suffix(suffix) => path.ends_with(suffix) || suffix.strip_prefix('/') == Some(path),
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

enum Token {
    Plain(char),
    /// A character behind a backslash.
    Escaped(char),
    /// `?`
    Any,
    /// `*`
    Run,
    /// `**`, with the slash behind it that it swallows.
    Tree {
        slash: bool,
    },
    /// `[…]`, as a regular expression.
    Class(String),
}

impl Token {
    fn as_text(&self) -> String {
        match self {
            Self::Plain(c) | Self::Escaped(c) => c.to_string(),
            _ => String::new(),
        }
    }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        tokens.push(match c {
            '?' => Token::Any,
            '*' if skip(&mut rest, '*') => Token::Tree { slash: skip(&mut rest, '/') },
            '*' => Token::Run,
            '\\' => Token::Escaped(rest.next()?),
            '[' => Token::Class(class(&mut rest)?),
            plain => Token::Plain(plain),
        });
    }
    Some(tokens)
}

fn skip(rest: &mut std::str::Chars, expected: char) -> bool {
    let found = rest.as_str().starts_with(expected);
    if found {
        rest.next();
    }
    found
}

/// Reads a class behind its `[`: an optional `^`, then at least one character or range, then `]`.
fn class(rest: &mut std::str::Chars) -> Option<String> {
    let mut regex = String::from(if skip(rest, '^') { "[^" } else { "[" });
    let mut is_empty = true;
    while is_empty || !skip(rest, ']') {
        regex += &class_member(rest)?;
        if skip(rest, '-') {
            regex.push('-');
            regex += &class_member(rest)?;
        }
        is_empty = false;
    }
    regex.push(']');
    Some(regex)
}

/// One end of a range. A bare `-` or `]` is malformed, as it is for Go.
fn class_member(rest: &mut std::str::Chars) -> Option<String> {
    let member = match rest.next()? {
        '-' | ']' => return None,
        '\\' => rest.next()?,
        plain => plain,
    };
    Some(regex::escape(member.encode_utf8(&mut [0; 4])))
}

fn to_regex(tokens: &[Token]) -> String {
    let mut regex = String::from("^");
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Plain(c) | Token::Escaped(c) => regex += &regex::escape(c.encode_utf8(&mut [0; 4])),
            Token::Any => regex += "[^/]",
            Token::Run => regex += "[^/]*",
            Token::Tree { .. } if index + 1 == tokens.len() => regex += ".*",
            Token::Tree { .. } => regex += "(.*/)?",
            Token::Class(class) => regex += class,
        }
    }
    regex + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, expected) in [
            ("dir", "dir", true),
            ("dir", "x/dir", false),
            ("*.md", "a.md", true),
            ("*.md", "x/a.md", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("**", "a/b", true),
            ("**/x", "x", true),
            ("**/x", "a/b/x", true),
            ("**/x", "ax", false),
            ("**.txt", "a/b.txt", true),
            ("dir/**", "dir", false),
            ("dir/**", "dir/a/b", true),
            ("a**/z.txt", "a/b/c/z.txt", true),
            ("**/**/*.txt", "z.txt", true),
            ("**/d/**", "a/d/b/c", true),
            ("**x*", "yx1", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "zx", true),
            ("[!a]", "!", true),
            ("[!a]", "b", false),
            ("[*]", "*", true),
            ("[*]", "b", false),
            (r"[\-x]", "-", true),
            (r"[\]a]", "]", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            ("a.c", "abc", false),
            ("a+(b)|{c}$^", "a+(b)|{c}$^", true),
            ("*+(b)", "a+(b)", true),
            ("?.bin", "重.bin", true),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn malformed_patterns_are_found() {
        for pattern in ["[", "a[", "[^", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[z-a]", "[a", "a\\", "*/[b\\"] {
            assert!(Pattern::parse(pattern).is_none(), "{pattern}");
        }
    }
}
