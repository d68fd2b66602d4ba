//! Detects secrets by file names and patterns, which are those that the services themselves document. The secret that
//! is found is never shown.

use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use fs_err as fs;
use regex::bytes::{Regex, RegexSet};

use crate::ops::error::Error;

/// Larger files are data, not settings.
const TEXT_BYTES: u64 = 1024 * 1024;

/// The patterns of tokens, and the words for each kind.
const TOKENS: [(&str, &str); 12] = [
    (r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", "a private key"),
    (r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", "an AWS access key"),
    (r"\bgh[pousr]_[A-Za-z0-9]{36,}", "a GitHub token"),
    (r"\bgithub_pat_[A-Za-z0-9_]{60,}", "a GitHub token"),
    (r"\bglpat-[A-Za-z0-9_-]{20,}", "a GitLab token"),
    (r"\bhf_[A-Za-z]{34}\b", "a Hugging Face token"),
    (r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}", "an OpenAI API key"),
    (r"\bsk-ant-[A-Za-z0-9_-]{20,}", "an Anthropic API key"),
    (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", "a Slack token"),
    (r"\bAIza[A-Za-z0-9_-]{35}", "a Google API key"),
    (r"\b[rs]k_live_[A-Za-z0-9]{20,}", "a Stripe API key"),
    (r"\bnpm_[A-Za-z0-9]{36}\b", "an npm token"),
];

struct Patterns {
    /// All patterns at once, to find in one pass which of them match.
    all: RegexSet,
    each: Vec<Regex>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    all: RegexSet::new(TOKENS.map(|(pattern, _)| pattern)).expect("the patterns are ours"),
    each: TOKENS.iter().map(|(pattern, _)| Regex::new(pattern).expect("the patterns are ours")).collect(),
});

/// Returns the line of the first token or key in the file, and its kind. Only small texts are read.
pub(super) fn find_token(path: &Path) -> Result<Option<(usize, &'static str)>, Error> {
    let file = fs::File::open(path)?;
    if file.metadata()?.len() > TEXT_BYTES {
        return Ok(None);
    }
    let mut text = Vec::new();
    file.take(TEXT_BYTES).read_to_end(&mut text)?;
    Ok(token_in(&text))
}

fn token_in(text: &[u8]) -> Option<(usize, &'static str)> {
    if memchr::memchr(0, text).is_some() {
        return None;
    }
    let found = PATTERNS.all.matches(text);
    let starts = found.iter().filter_map(|index| {
        let real = PATTERNS.each[index].find_iter(text).find(|token| !token.as_bytes().ends_with(b"EXAMPLE"))?;
        Some((real.start(), TOKENS[index].1))
    });
    let (start, kind) = starts.min()?;
    Some((memchr::memchr_iter(b'\n', &text[..start]).count() + 1, kind))
}

/// Returns true if a setting is a secret: by its name, because its value is a token, or because it is an address with a
/// password.
pub(crate) fn is_secret_setting(name: &str, value: &str) -> bool {
    const ENDS: [&str; 12] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "credentials",
        "api_key",
        "apikey",
        "access_key",
        "secret_key",
        "private_key",
        "access_token",
        "auth_token",
    ];
    let name = name.to_lowercase().replace(['-', '.', ' '], "_");
    let place = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    let has_password = place.and_then(|place| place.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'));
    ENDS.iter().any(|end| name.ends_with(end)) || has_password || token_in(value.as_bytes()).is_some()
}

/// Returns true if files with this name usually contain secrets.
pub(super) fn is_secret_name(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        ".env",
        ".netrc",
        "_netrc",
        ".pypirc",
        ".npmrc",
        ".htpasswd",
        ".pgpass",
        ".git-credentials",
        ".dockercfg",
        "credentials.json",
        "service-account.json",
        "secrets.yaml",
        "secrets.yml",
        "secrets.json",
        "secrets.toml",
        "kubeconfig",
    ];
    const KEYS: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
    const ENDS: [&str; 7] = [".pem", ".key", ".p12", ".pfx", ".jks", ".kdbx", ".keystore"];
    /// Endings of the names of sample files, which contain placeholders.
    const SAMPLES: [&str; 4] = [".example", ".sample", ".template", ".dist"];
    let name = name.to_lowercase();
    let is_sample = SAMPLES.iter().any(|end| name.ends_with(end));
    let is_environment = name.starts_with(".env.");
    let is_named = NAMES.contains(&&*name) || KEYS.contains(&&*name) || ENDS.iter().any(|end| name.ends_with(end));
    !is_sample && (is_named || is_environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognised() {
        for (name, expected) in [
            (".env", true),
            (".env.production", true),
            (".env.example", false),
            ("id_ed25519", true),
            ("id_ed25519.pub", false),
            ("server.PEM", true),
            ("tokenizer.json", false),
            ("environment.yml", false),
            ("monkey", false),
        ] {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
    }

    #[test]
    fn settings_are_secret_by_name_or_by_value() {
        for (name, value, expected) in [
            ("db.password", "x", true),
            ("OPENAI_API_KEY", "x", true),
            ("hub/auth-token", "x", true),
            ("max_tokens", "512", false),
            ("tokenizer", "bpe", false),
            ("monkey", "x", false),
            ("store", "postgres://ada:s3cret@db.example/x", true),
            ("store", "https://ada@git.example/a:b", false),
            ("note", &format!("hf{}{}", '_', "aB".repeat(17)), true),
        ] {
            assert_eq!(is_secret_setting(name, value), expected, "{name}: {value}");
        }
    }

    /// The tokens are assembled at run time, so that scanners do not report this file.
    #[test]
    fn tokens_are_found_with_their_kind_and_line() {
        let letters = |count: usize| "aB".repeat(count / 2);
        for (text, expected) in [
            (format!("a\nkey = hf{}{}\n", '_', letters(34)), Some((2, "a Hugging Face token"))),
            (format!("hf{}{}", '_', letters(30)), None),
            (format!("AKIA{}", "IOSFODNN7EXAMPLE"), None),
            (format!("\n\nAKIA{}", "Q7".repeat(8)), Some((3, "an AWS access key"))),
            (format!("-----BEGIN {} KEY-----", "OPENSSH PRIVATE"), Some((1, "a private key"))),
            ("-----BEGIN PUBLIC KEY-----".to_owned(), None),
            (format!("x\nghp{}{}\nAKIA{}", '_', letters(36), "Q7".repeat(8)), Some((2, "a GitHub token"))),
            (format!("\0ghp{}{}", '_', letters(36)), None),
            ("task-antelope sk-learn".to_owned(), None),
        ] {
            assert_eq!(token_in(text.as_bytes()), expected, "{text}");
        }
    }
}
