//! Texts without the secrets in them, to be shown.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::tokens::{LITERAL, PASSWORD, TOKENS};

/// The text that replaces a secret.
const REDACTED: &str = "[redacted]";

/// The user, and perhaps the password, in an address (RFC 3986, section 3.2).
const USER: &str = r"//[^\s/?#]*@";

/// Beginnings of tokens, and of the names of parameters with tokens. A text may end within its token, so that the
/// patterns that find tokens do not find it.
const BEGINNINGS: &str = concat!(
    r"\b(gh[pousr]_|github_pat_|glpat-|glrt-|hf_|sk-(?:proj|svcacct|admin|ant)-|gsk_|r8_|dapi|xox[abeoprs]-|xapp-|AIza",
    r"|GOCSPX-|[rs]k_live_|npm_|pypi-|dckr_pat_|do[opr]_v1_|dp\.pt\.|AGE-SECRET-KEY-|SG\.|hvs\.|shpat_|AKIA|ASIA|eyJ",
    r"|AccountKey=|hooks\.slack\.com/\w+/|(?i:api[_-]?key|token|secret|password|passwd|signature|sig)=)",
    r"[^\s&#;,]{8,}",
);

struct Patterns {
    user: Regex,
    tokens: Vec<Regex>,
    password: Regex,
    literal: Regex,
    beginnings: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let compiled = |pattern| Regex::new(pattern).expect("the patterns are ours");
    Patterns {
        user: compiled(USER),
        tokens: TOKENS.iter().map(|(pattern, _)| compiled(pattern)).collect(),
        password: compiled(PASSWORD),
        literal: compiled(LITERAL),
        beginnings: compiled(BEGINNINGS),
    }
});

/// Returns a text without users and passwords of addresses, and without anything that looks like a secret.
pub(in crate::scan) fn redacted(text: &str) -> String {
    let patterns = &*PATTERNS;
    let mut text = patterns.user.replace_all(text, format!("//{REDACTED}@")).into_owned();
    for token in &patterns.tokens {
        if token.is_match(&text) {
            text = token.replace_all(&text, REDACTED).into_owned();
        }
    }
    let text = patterns.password.replace_all(&text, format!("://{REDACTED}@$2"));
    let without_value = |found: &Captures<'_>| found[0].replace(&found[2], REDACTED);
    let text = patterns.literal.replace_all(&text, without_value);
    patterns.beginnings.replace_all(&text, format!("$1{REDACTED}")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_left() {
        let token = format!("ghp{}{}", '_', "aB".repeat(18));
        for (text, expected) in [
            (format!("https://ada:Hunter2!@host.example/{token}"), "https://[redacted]@host.example/[redacted]"),
            ("https://ada@host.example/a b@c".to_owned(), "https://[redacted]@host.example/a b@c"),
            (format!("auto_map: {token}--m.M"), "auto_map: [redacted]--m.M"),
            (format!("{}.system", &token[..20]), "ghp_[redacted]"),
            (format!("AKIA{} in chat_template", "Q7".repeat(8)), "[redacted] in chat_template"),
            ("https://a.example/?x=1&sig=abcdefgh12345&y=2".to_owned(), "https://a.example/?x=1&sig=[redacted]&y=2"),
            (format!("password = '{}'", "Zq7".repeat(5)), "password = '[redacted]'"),
            ("numpy.core.multiarray._reconstruct".to_owned(), "numpy.core.multiarray._reconstruct"),
            ("archive/data.pkl".to_owned(), "archive/data.pkl"),
        ] {
            assert_eq!(redacted(&text), expected, "{text}");
        }
    }
}
