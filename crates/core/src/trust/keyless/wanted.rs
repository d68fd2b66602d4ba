//! The identity that a certificate must have: one, or those that a pattern matches.

use std::fmt;

use regex::Regex;

/// The identity that a certificate must have.
#[derive(Debug, Clone)]
pub enum WantedIdentity {
    /// This e-mail address or URI.
    Exact(String),
    /// An e-mail address or URI that a pattern matches from the beginning to the end.
    Pattern {
        /// The pattern.
        text: String,
        /// The pattern between the beginning and the end.
        whole: Regex,
    },
}

/// A text that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a valid regular expression: {0}")]
pub struct PatternError(String);

impl PatternError {
    /// The last line of the text of an error, without the picture of the pattern before it.
    fn of(error: &regex::Error) -> Self {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        Self(last.strip_prefix("error: ").unwrap_or(last).to_owned())
    }
}

impl WantedIdentity {
    /// The identities that the regular expression `text` matches from the beginning to the end.
    pub fn pattern(text: &str) -> Result<Self, PatternError> {
        let parse = |text: &str| Regex::new(text).map_err(|error| PatternError::of(&error));
        // Alone first: `a)|(b` is valid only between the parentheses, and would match parts.
        parse(text)?;
        Ok(Self::Pattern { text: text.to_owned(), whole: parse(&format!("^(?:{text})$"))? })
    }

    /// Returns true if a certificate with `identity` counts.
    pub fn matches(&self, identity: &str) -> bool {
        match self {
            Self::Exact(wanted) => wanted == identity,
            Self::Pattern { whole, .. } => whole.is_match(identity),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Pattern { text, .. } => text,
        }
    }
}

impl fmt::Display for WantedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl PartialEq for WantedIdentity {
    fn eq(&self, other: &Self) -> bool {
        matches!(self, Self::Exact(_)) == matches!(other, Self::Exact(_)) && self.text() == other.text()
    }
}

impl Eq for WantedIdentity {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_identity() {
        let wanted = WantedIdentity::pattern(r"https://host/release\.yml@refs/tags/v.*|ada@host").unwrap();
        for identity in ["https://host/release.yml@refs/tags/v1", "ada@host"] {
            assert!(wanted.matches(identity), "{identity}");
        }
        for other in ["https://host/release.yml@refs/heads/main", "eve+ada@host", "ada@host.example", "ada@host\n", ""]
        {
            assert!(!wanted.matches(other), "{other}");
        }
        assert!(!WantedIdentity::pattern("(?m)^a$").unwrap().matches("a\nb"));
        assert!(!WantedIdentity::Exact("a.c".to_owned()).matches("abc"));
        assert_ne!(WantedIdentity::Exact("a".to_owned()), WantedIdentity::pattern("a").unwrap());
    }

    #[test]
    fn a_pattern_is_valid_alone() {
        for text in ["a)|(?:b", "(?x)a #", "a{9999999}"] {
            WantedIdentity::pattern(text).unwrap_err();
        }
        let error = WantedIdentity::pattern("(").unwrap_err();
        assert_eq!(error.to_string(), "it is not a valid regular expression: unclosed group");
    }
}
