//! Detects secrets by file names and patterns, which are those that the services themselves document. The secret that
//! is found is never shown.

use std::io::{self, Read};
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexSet};

use crate::kitfile::Section;
use crate::ops::refused::Secret;
use crate::relative_path::RelativePath;

/// The version of the rules. Must be raised when they find more, so that layers are checked again.
pub(super) const RULES: u32 = 1;

/// Larger files are data, not settings.
const TEXT_BYTES: u64 = 1024 * 1024;

/// The number of bytes that decide whether a file is a text.
const BEGINNING_BYTES: usize = 4096;

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
    /// The beginnings of all tokens, to find in one fast pass that a text has none of them, as most texts.
    any: Regex,
    /// All patterns at once, to find in one pass which of them match.
    all: RegexSet,
    each: Vec<Regex>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    any: Regex::new(&TOKENS.map(|(pattern, _)| format!("(?:{pattern})")).join("|")).expect("the patterns are ours"),
    all: RegexSet::new(TOKENS.map(|(pattern, _)| pattern)).expect("the patterns are ours"),
    each: TOKENS.iter().map(|(pattern, _)| Regex::new(pattern).expect("the patterns are ours")).collect(),
});

impl Secret {
    /// Returns a secret if the name of the file says that it has one.
    pub(super) fn of_name(path: &RelativePath) -> Option<Self> {
        let message = || "files with this name contain secrets".to_owned();
        is_sure_name(path.file_name()?).then(|| Self { path: path.clone(), line: None, message: message() })
    }

    /// Looks for a secret in the file `path`, which has `size` bytes, if that is known: by its name, and then by its
    /// content, which `open` opens. Only small texts are read, and no data: a dataset may have 100,000 texts.
    pub(super) fn find<R: Read>(
        section: Section,
        path: &RelativePath,
        size: Option<u64>,
        open: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<Option<Self>> {
        let name = path.file_name().unwrap_or_default();
        let secret = Self::of_name(path);
        if secret.is_some() && is_environment(name) && size.is_some_and(|size| size <= TEXT_BYTES) {
            let text = read_text(open()?)?;
            return Ok(secret.filter(|_| has_secret_setting(&String::from_utf8_lossy(&text))));
        }
        if secret.is_some() {
            return Ok(secret);
        }
        if section == Section::Dataset {
            return Ok(None);
        }
        if size.is_none_or(|size| size == 0 || size > TEXT_BYTES) || is_binary_name(name) {
            return Ok(None);
        }
        let found =
            |(line, kind)| Self { path: path.clone(), line: Some(line), message: format!("this looks like {kind}") };
        Ok(token_in(&read_text(open()?)?).map(found))
    }
}

/// Reads a text, or only the beginning of a binary file.
fn read_text(file: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut file = file.take(TEXT_BYTES);
    file.by_ref().take(BEGINNING_BYTES as u64).read_to_end(&mut text)?;
    if text.len() == BEGINNING_BYTES && memchr::memchr(0, &text).is_none() {
        file.read_to_end(&mut text)?;
    }
    Ok(text)
}

/// Returns true for names of binary files, which need not be opened.
fn is_binary_name(name: &str) -> bool {
    const ENDS: [&str; 24] = [
        "safetensors",
        "gguf",
        "onnx",
        "npy",
        "npz",
        "parquet",
        "arrow",
        "feather",
        "h5",
        "tfrecord",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "bmp",
        "tif",
        "tiff",
        "wav",
        "mp3",
        "flac",
        "mp4",
        "zip",
        "gz",
    ];
    name.rsplit_once('.').is_some_and(|(_, end)| ENDS.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

fn token_in(text: &[u8]) -> Option<(usize, &'static str)> {
    if memchr::memchr(0, text).is_some() || !PATTERNS.any.is_match(text) {
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

/// Endings of the names of sample files, which contain placeholders.
const SAMPLES: [&str; 4] = [".example", ".sample", ".template", ".dist"];

/// Returns true for the name of a file with environment variables.
fn is_environment(name: &str) -> bool {
    let name = name.to_lowercase();
    name == ".env" || name.starts_with(".env.") && !SAMPLES.iter().any(|end| name.ends_with(end))
}

/// Returns true if a file with environment variables sets one that may be secret. Short values, such as numbers and
/// switches, are not, unless the name of the variable says so.
fn has_secret_setting(text: &str) -> bool {
    const WORDS: [&str; 7] = ["key", "token", "secret", "pass", "pwd", "credential", "auth"];
    const SHORT: usize = 4;
    text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(|line| line.split_once('=')).any(
        |(name, value)| {
            let (name, value) = (name.to_lowercase(), value.trim().trim_matches(['"', '\'']));
            value.len() >= SHORT || !value.is_empty() && WORDS.iter().any(|word| name.contains(word))
        },
    )
}

/// Returns true if files with this name contain secrets, as far as they are used as documented.
pub(super) fn is_sure_name(name: &str) -> bool {
    const NAMES: [&str; 9] =
        [".netrc", "_netrc", ".pgpass", ".pypirc", ".git-credentials", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
    is_environment(name) || NAMES.contains(&&*name.to_lowercase())
}

/// Returns true if files with this name may contain secrets, and often do.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        ".npmrc",
        ".htpasswd",
        ".dockercfg",
        "credentials.json",
        "service-account.json",
        "secrets.yaml",
        "secrets.yml",
        "secrets.json",
        "secrets.toml",
        "kubeconfig",
    ];
    const ENDS: [&str; 7] = [".pem", ".key", ".p12", ".pfx", ".jks", ".kdbx", ".keystore"];
    let name = name.to_lowercase();
    let is_sample = SAMPLES.iter().any(|end| name.ends_with(end));
    !is_sample && (NAMES.contains(&&*name) || ENDS.iter().any(|end| name.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognised() {
        for (name, is_sure, is_likely) in [
            (".env", true, false),
            (".ENV.production", true, false),
            (".env.example", false, false),
            (".envrc", false, false),
            ("id_ed25519", true, false),
            ("id_ed25519.pub", false, false),
            ("server.PEM", false, true),
            ("server.pem.sample", false, false),
            ("tokenizer.json", false, false),
            ("environment.yml", false, false),
            ("monkey", false, false),
        ] {
            assert_eq!((is_sure_name(name), is_secret_name(name)), (is_sure, is_likely), "{name}");
        }
    }

    #[test]
    fn only_small_texts_are_read() {
        let token = format!("{}\nAKIA{}\n", "x".repeat(5000), "Q7".repeat(8));
        let find = |path: &str, size: u64, text: &str| {
            let found =
                Secret::find(Section::Code, &path.parse().unwrap(), Some(size), || Ok(text.as_bytes())).unwrap();
            found.map(|secret| secret.to_string())
        };
        let expected = "a/b.txt:2: this looks like an AWS access key (secret)";
        assert_eq!(find("a/b.txt", 5021, &token).as_deref(), Some(expected));
        let expected = Some("a/.env: files with this name contain secrets (secret)");
        for text in ["# x\nexport API_KEY='x'\n", "URL=https://ada@db.example"] {
            assert_eq!(find("a/.env", 30, text).as_deref(), expected, "{text}");
        }
        for text in ["", "DEBUG=1\nA=\"b\"\n", "# KEY=x\nTOKEN=\n"] {
            assert_eq!(find("a/.env", 30, text), None, "{text}");
        }
        for (path, size, text) in [
            ("b.png", 5021, &*token),
            ("b.txt", 1 << 30, &token),
            ("b.txt", 5022, &format!("\0{token}")),
            ("b.txt", 5022, &format!("{token}\0")),
        ] {
            assert_eq!(find(path, size, text), None, "{path} {size}");
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
