//! One pattern of a `.kitignore`.
//!
//! The language is that of `.dockerignore`: Go's `filepath.Match` plus `**`, as implemented by moby's `patternmatcher`
//! 0.6, which translates patterns to regular expressions. This module matches them without a regex engine, whose
//! programs take 12 KiB for a pattern of two characters. A `.kitignore` can come from another project, and must not
//! need a thousand times its size in memory.

use crate::limits;

/// A pattern, in the form that is fastest to match. It matches whole paths relative to the context folder.
#[derive(Debug)]
pub(super) enum Pattern {
    /// Matches only this path.
    Exact(String),
    /// Matches every path with this prefix: `data/**` is `data/`.
    Prefix(String),
    /// Matches every path with this suffix: `**.txt` is `.txt`. `/x` also matches `x` itself.
    Suffix(String),
    /// Any other pattern.
    Steps(Glob),
}

/// The parts of a pattern, and what every matching path has in common: it is fast to check and decides most cases.
#[derive(Debug)]
pub(super) struct Glob {
    steps: Vec<Step>,
    /// The text before the first wildcard.
    begin: String,
    /// The text after the last wildcard.
    end: String,
    /// The texts between wildcards.
    middle: Vec<String>,
    /// The number of slashes, if no wildcard matches one.
    slashes: Option<usize>,
}

/// A part of a pattern. The comments show the corresponding regular expressions.
#[derive(Debug)]
pub(super) enum Step {
    /// The character itself.
    Plain(char),
    /// `?`: `[^/]`
    Any,
    /// `*`: `[^/]*`
    Run,
    /// The next step or nothing: the `(…)?` around the folders of `**`.
    Optional,
    /// `**` before something else, after an [`Optional`](Self::Optional): `.*/`
    Folders,
    /// `**` at the end: `.*`
    Rest,
    /// `[a-z]` or `[^a-z]`
    Class(Class),
}

/// A class in brackets.
#[derive(Debug)]
pub(super) struct Class {
    is_negated: bool,
    /// The ranges, each with both ends included.
    ranges: Vec<(char, char)>,
}

impl Pattern {
    /// Compiles `text`, a cleaned path. Returns none if it is malformed.
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
            _ => Self::Steps(Glob::new(steps(tokens)?)),
        })
    }

    /// Reports whether the pattern matches `path` itself; folders above it are not considered.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path.starts_with(prefix),
            Self::Suffix(suffix) => path.ends_with(suffix) || suffix.strip_prefix('/') == Some(path),
            Self::Steps(steps) => steps.match_path(path),
        }
    }
}

impl Glob {
    fn new(steps: Vec<Step>) -> Self {
        let plain = |step: &Step| if let Step::Plain(plain) = step { Some(*plain) } else { None };
        let text = |run: &[Step]| run.iter().filter_map(plain).collect::<String>();
        let runs: Vec<_> = steps.split(|step| plain(step).is_none()).map(text).collect();
        let (begin, end) = (runs[0].clone(), runs[runs.len() - 1].clone());
        let between = runs.get(1..runs.len() - 1).unwrap_or_default();
        let middle = between.iter().filter(|text| !text.is_empty()).cloned().collect();
        let slashes =
            (!steps.iter().any(Step::may_match_slash)).then(|| runs.iter().map(|text| text.matches('/').count()).sum());
        Self { steps, begin, end, middle, slashes }
    }

    fn match_path(&self, path: &str) -> bool {
        path.starts_with(&self.begin)
            && path.ends_with(&self.end)
            && self.slashes.is_none_or(|slashes| path.bytes().filter(|byte| *byte == b'/').count() == slashes)
            && self.middle.iter().all(|text| path.contains(text.as_str()))
            && all_steps_match(&self.steps, path)
    }
}

impl Step {
    /// Reports whether `found` can be matched by staying at this step, and by advancing to the next one.
    fn take(&self, found: char) -> (bool, bool) {
        match self {
            Self::Plain(plain) => (false, *plain == found),
            Self::Any => (false, found != '/'),
            Self::Class(class) => (false, class.contains(found)),
            Self::Run => (found != '/', false),
            Self::Rest => (found != '\n', false),
            Self::Folders => (found != '\n', found == '/'),
            Self::Optional => (false, false),
        }
    }

    /// Reports whether a wildcard may match a slash.
    fn may_match_slash(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Any | Self::Run => false,
            Self::Class(class) => class.contains('/'),
            Self::Optional | Self::Folders | Self::Rest => true,
        }
    }
}

impl Class {
    fn contains(&self, found: char) -> bool {
        self.is_negated != self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&found))
    }
}

/// Matches by following all possible positions in `steps` at the same time.
fn all_steps_match(steps: &[Step], path: &str) -> bool {
    let mut reached = vec![false; steps.len() + 1];
    let mut next = reached.clone();
    reached[0] = true;
    for found in path.chars() {
        reach_behind_nothing(steps, &mut reached);
        next.fill(false);
        for (at, step) in steps.iter().enumerate().filter(|(at, _)| reached[*at]) {
            let (stays, advances) = step.take(found);
            next[at] |= stays;
            next[at + 1] |= advances;
        }
        std::mem::swap(&mut reached, &mut next);
        if !reached.contains(&true) {
            return false;
        }
    }
    reach_behind_nothing(steps, &mut reached);
    reached[steps.len()]
}

/// Adds the positions that are reached because steps may match nothing.
fn reach_behind_nothing(steps: &[Step], reached: &mut [bool]) {
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Run | Step::Rest => reached[at + 1] |= reached[at],
            // The folders and the step after them: both always exist.
            Step::Optional => {
                reached[at + 1] |= reached[at];
                reached[at + 2] |= reached[at];
            }
            _ => {}
        }
    }
}

/// Converts tokens to steps. Returns none if there are too many.
fn steps(tokens: Vec<Token>) -> Option<Vec<Step>> {
    let last = tokens.len().saturating_sub(1);
    let mut steps = Vec::new();
    for (index, token) in tokens.into_iter().enumerate() {
        match token {
            Token::Plain(plain) | Token::Escaped(plain) => steps.push(Step::Plain(plain)),
            Token::Any => steps.push(Step::Any),
            Token::Run => steps.push(Step::Run),
            Token::Tree { .. } if index == last => steps.push(Step::Rest),
            Token::Tree { .. } => steps.extend([Step::Optional, Step::Folders]),
            Token::Class(class) => steps.push(Step::Class(class)),
        }
    }
    Some(steps).filter(|steps| steps.len() <= limits::IGNORE_PATTERN_STEPS)
}

enum Token {
    Plain(char),
    /// A character after a backslash.
    Escaped(char),
    /// `?`
    Any,
    /// `*`
    Run,
    /// `**`, with the slash after it, if any, which it includes.
    Tree {
        slash: bool,
    },
    /// `[…]`
    Class(Class),
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

/// Reads a class after its `[`: an optional `^`, then at least one character or range, then `]`. Returns none if a
/// range is reversed.
fn class(rest: &mut std::str::Chars) -> Option<Class> {
    let mut class = Class { is_negated: skip(rest, '^'), ranges: Vec::new() };
    while class.ranges.is_empty() || !skip(rest, ']') {
        let first = class_member(rest)?;
        let last = if skip(rest, '-') { class_member(rest)? } else { first };
        class.ranges.push(Some((first, last)).filter(|(first, last)| first <= last)?);
    }
    Some(class)
}

/// Reads one end of a range. A bare `-` or `]` is malformed, as in Go.
fn class_member(rest: &mut std::str::Chars) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        plain => Some(plain),
    }
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

    /// Returns the regular expression to which moby's `patternmatcher` translates a pattern.
    fn to_regex(steps: &[Step]) -> String {
        let escaped = |plain: &char| regex::escape(&plain.to_string());
        let range = |(first, last): &(char, char)| format!("{}-{}", escaped(first), escaped(last));
        let part = |step: &Step| match step {
            Step::Plain(plain) => escaped(plain),
            Step::Any => "[^/]".to_owned(),
            Step::Run => "[^/]*".to_owned(),
            Step::Optional => "(.*/)?".to_owned(),
            Step::Folders => String::new(),
            Step::Rest => ".*".to_owned(),
            Step::Class(Class { is_negated, ranges }) => {
                format!("[{}{}]", if *is_negated { "^" } else { "" }, ranges.iter().map(range).collect::<String>())
            }
        };
        format!("^{}$", steps.iter().map(part).collect::<String>())
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_matches_as_its_regular_expression_does(
            pattern in r"([abc/*?]|\*\*|\*\*/|\[a-b\]|\[\^b/\]|\[\^a\]){1,8}",
            paths in proptest::collection::vec("[ab/\n]{0,8}", 1..20),
        ) {
            let steps = steps(tokens(&pattern).unwrap()).unwrap();
            let regex = regex::Regex::new(&to_regex(&steps)).unwrap();
            let compiled = Pattern::parse(&pattern).unwrap();
            for path in paths {
                let expected = regex.is_match(&path);
                assert_eq!(all_steps_match(&steps, &path), expected, "{pattern} {path:?}");
                // moby treats the other kinds of patterns specially, too, and differently for names with a line break.
                if matches!(compiled, Pattern::Steps(_)) {
                    assert_eq!(compiled.matches(&path), expected, "{pattern} {path:?}");
                }
            }
        }
    }

    #[test]
    fn a_pattern_takes_little_more_memory_than_its_text() {
        let steps = |pattern: &str| match Pattern::parse(pattern) {
            Some(Pattern::Steps(Glob { steps, .. })) => steps.capacity() * size_of::<Step>(),
            _ => 0,
        };
        assert!((1..1000).contains(&steps("a?")));
        assert!(Pattern::parse(&"?".repeat(limits::IGNORE_PATTERN_STEPS)).is_some());
        assert!(Pattern::parse(&"?".repeat(limits::IGNORE_PATTERN_STEPS + 1)).is_none());
        let (pattern, path) = ("*?".repeat(limits::IGNORE_PATTERN_STEPS / 2), "a".repeat(4096));
        assert!(Pattern::parse(&pattern).unwrap().matches(&path));
    }

    #[test]
    fn malformed_patterns_are_found() {
        for pattern in ["[", "a[", "[^", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[z-a]", "[a", "a\\", "*/[b\\"] {
            assert!(Pattern::parse(pattern).is_none(), "{pattern}");
        }
    }
}
