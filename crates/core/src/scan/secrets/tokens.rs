//! The patterns of secrets in texts. Those of tokens are documented by the services themselves.

use std::sync::LazyLock;

use regex::bytes::{Match, Regex};

/// The words for a JSON web token (RFC 7519). It may have expired, and some of them are public.
pub(crate) const WEB_TOKEN: &str = "a JSON web token";

/// A private key in the form of PEM: its header, perhaps lines such as `DEK-Info: …`, and its first characters, because
/// a header alone is part of many programs. In a literal, the ends of lines are escaped, and each line may be a literal
/// of its own.
const PRIVATE_KEY: &str = concat!(
    r#"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[ \t\r\n]|\\[nr](?:["'][ \t\r\n,+]*["'])?)+"#,
    r#"(?:[A-Za-z-]+: [^\n\\]*(?:[ \t\r\n]|\\[nr](?:["'][ \t\r\n,+]*["'])?)+)*[A-Za-z0-9+/]{16}"#,
);

/// The patterns of tokens, and the words for each kind.
pub(super) const TOKENS: [(&str, &str); 30] = [
    (PRIVATE_KEY, "a private key"),
    (r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}", WEB_TOKEN),
    (r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", "an AWS access key"),
    (
        concat!(
            r#"(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY|[sS]ecretAccessKey)\\?["']?\]?\s*[:=]\s*"#,
            r#"\\?["']?[A-Za-z0-9/+]{40}(?:[^A-Za-z0-9/+=]|$)"#,
        ),
        "an AWS secret key",
    ),
    (r"\bAccountKey=[A-Za-z0-9/+]{86}==", "the key of an Azure storage account"),
    (r"\bgh[pousr]_[A-Za-z0-9]{36,}", "a GitHub token"),
    (r"\bgithub_pat_[A-Za-z0-9_]{60,}", "a GitHub token"),
    (r"\bglpat-[A-Za-z0-9_-]{20,}", "a GitLab token"),
    (r"\bhf_[A-Za-z]{34}\b", "a Hugging Face token"),
    (r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}", "an OpenAI API key"),
    (r"\bsk-ant-[A-Za-z0-9_-]{20,}", "an Anthropic API key"),
    (r"\bgsk_[A-Za-z0-9]{52}\b", "a Groq API key"),
    (r"\br8_[A-Za-z0-9]{37}\b", "a Replicate API token"),
    (r"\bdapi[0-9a-f]{32}\b", "a Databricks token"),
    (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", "a Slack token"),
    (r"\bxapp-[0-9]-[A-Za-z0-9-]{20,}", "a Slack token"),
    (r"\bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{40,}", "the address of a Slack webhook"),
    (r"\bAIza[A-Za-z0-9_-]{35}", "a Google API key"),
    (r"\bGOCSPX-[A-Za-z0-9_-]{28}", "a Google OAuth client secret"),
    (r"\b[rs]k_live_[A-Za-z0-9]{20,}", "a Stripe API key"),
    (r"\bnpm_[A-Za-z0-9]{36}\b", "an npm token"),
    (r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}", "a PyPI token"),
    (r"\bdckr_pat_[A-Za-z0-9_-]{27}", "a Docker access token"),
    (r"\bdo[opr]_v1_[0-9a-f]{64}\b", "a DigitalOcean token"),
    (r"\bdp\.pt\.[A-Za-z0-9]{43}", "a Doppler token"),
    (r"\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", "an age secret key"),
    (r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", "a SendGrid API key"),
    (r"\bhvs\.[A-Za-z0-9_-]{24,}", "a Vault token"),
    (r"\bshpat_[0-9a-f]{32}\b", "a Shopify token"),
    (r"\bglrt-[A-Za-z0-9_-]{20,}", "a GitLab token"),
];

/// An address with a user and a password, in the form of a URL (RFC 3986, section 3.2.1). The scheme is left out so
/// that the pattern begins with characters that are rare in texts.
pub(super) const PASSWORD: &str = r#"://[^\s:/@"'`<>(){}\[\]]{0,256}:([^\s/@"'`]{6,256})@([^\s/:"'`]+)"#;

/// A literal that is assigned to a name of a secret, in code, in settings, or in the source of a notebook, where its
/// quotes are escaped.
pub(super) const LITERAL: &str = concat!(
    r#"((?i-u:api[_-]?key|secret|passwd|password|token))\\?["']?\]?(?:\s*:\s*str)?\s*[:=]\s*"#,
    r#"\\?["']([^"'\s\\]{12,256})\\?["']"#,
);

struct Patterns {
    /// The beginnings of all tokens, to find in one fast pass that a text has none of them, as most texts.
    any: Regex,
    /// Each pattern, which begins with literal bytes and is therefore searched for as fast as memory is read. A set of
    /// all patterns takes a hundred times as long.
    each: Vec<Regex>,
    password: Regex,
    literal: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    any: Regex::new(&TOKENS.map(|(pattern, _)| format!("(?:{pattern})")).join("|")).expect("the patterns are ours"),
    each: TOKENS.iter().map(|(pattern, _)| Regex::new(pattern).expect("the patterns are ours")).collect(),
    password: Regex::new(PASSWORD).expect("the pattern is ours"),
    literal: Regex::new(LITERAL).expect("the pattern is ours"),
});

/// Returns the offsets and the kinds of the tokens in a text whose place `is_eligible`, sorted.
pub(crate) fn tokens_in(text: &[u8], is_eligible: impl Fn(&Match<'_>) -> bool) -> Vec<(usize, &'static str)> {
    if !PATTERNS.any.is_match(text) {
        return Vec::new();
    }
    let is_real = |token: &Match<'_>| memchr::memmem::find(token.as_bytes(), b"EXAMPLE").is_none();
    let mut tokens = Vec::new();
    for (pattern, (_, kind)) in PATTERNS.each.iter().zip(TOKENS) {
        let found = pattern.find_iter(text).filter(|token| is_real(token) && is_eligible(token));
        tokens.extend(found.map(|token| (token.start(), kind)));
    }
    tokens.sort_unstable();
    tokens
}

/// Returns the offsets of the addresses with passwords in a text whose place `is_eligible`. Placeholders are not
/// passwords.
pub(crate) fn passwords_in(text: &[u8], is_eligible: impl Fn(&Match<'_>) -> bool) -> Vec<usize> {
    let addresses = PATTERNS.password.captures_iter(text).filter_map(|found| {
        let (whole, password, host) = (found.get(0)?, found.get(1)?, found.get(2)?);
        let is_real = !is_placeholder(password.as_bytes()) && !is_harmless(host.as_bytes());
        (is_eligible(&whole) && is_real).then_some(whole)
    });
    addresses.map(|address| address.start()).collect()
}

/// Returns the offsets of the literals in a text that are assigned to names of secrets, and whose place `is_eligible`.
/// Placeholders and identifiers are not secrets.
pub(crate) fn literals_in(text: &[u8], is_eligible: impl Fn(&Match<'_>) -> bool) -> Vec<usize> {
    let literals = PATTERNS.literal.captures_iter(text).filter_map(|found| {
        let (whole, value) = (found.get(0)?, String::from_utf8_lossy(found.get(2)?.as_bytes()));
        // A token without a digit is rather a word of a text that was split into tokens.
        let is_word = found[1].eq_ignore_ascii_case(b"token") && !value.contains(|char: char| char.is_ascii_digit());
        (is_eligible(&whole) && !is_word && !is_sample_value(&value)).then_some(whole)
    });
    literals.map(|literal| literal.start()).collect()
}

/// Returns true for values that stand for a secret: placeholders, names of variables and settings, and special tokens
/// of a language model.
fn is_sample_value(value: &str) -> bool {
    const WORDS: [&str; 15] = [
        "example",
        "changeme",
        "change-me",
        "change_me",
        "xxx",
        "test",
        "dummy",
        "fake",
        "sample",
        "placeholder",
        "redacted",
        "environ",
        "getenv",
        "...",
        "insert",
    ];
    const SEPARATORS: [char; 5] = ['_', '-', '.', ':', '/'];
    let lower = value.to_lowercase();
    let is_repeated = || value.chars().all(|char| value.starts_with(char));
    // `authorization_code`, `MY_SECRET_NAME`
    let is_identifier = || {
        let letters = value.replace(SEPARATORS, "");
        let is_one_case = letters == letters.to_lowercase() || letters == letters.to_uppercase();
        letters.len() < value.len() && is_one_case && letters.chars().all(char::is_alphabetic)
    };
    is_placeholder(value.as_bytes())
        || lower.starts_with("your")
        || lower.starts_with(['[', '('])
        || WORDS.iter().any(|word| lower.contains(word))
        || is_repeated()
        || is_identifier()
}

/// Returns true for what documentation writes in place of a password, and for variables.
fn is_placeholder(password: &[u8]) -> bool {
    const WORDS: [&str; 11] = [
        "password",
        "passwd",
        "pass",
        "pw",
        "pwd",
        "secret",
        "token",
        "changeme",
        "redacted",
        "your_password",
        "mypassword",
    ];
    let password = String::from_utf8_lossy(password).to_lowercase();
    WORDS.contains(&&*password)
        || password.contains(['$', '{', '}', '<', '>', '*', '%', '…'])
        || password.bytes().all(|byte| matches!(byte, b'x' | b'.'))
}

/// Returns true for the hosts of examples (RFC 2606), and for those that only this machine reaches.
fn is_harmless(host: &[u8]) -> bool {
    let host = String::from_utf8_lossy(host).to_lowercase();
    host == "localhost"
        || host.starts_with("127.")
        || ["example.com", "example.org", "example.net"].iter().any(|end| host.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens are assembled at run time, so that scanners do not report this file.
    #[test]
    fn tokens_are_found_with_their_kind_and_place() {
        let letters = |count: usize| "aB".repeat(count / 2);
        let hex = |count: usize| "a0".repeat(count / 2);
        let aws = |name: &str, value: &str| format!("{name}{value}");
        let key = |kind: &str, gap: &str| format!("-----BEGIN {kind} KEY-----{gap}{}", "MIIE".repeat(4));
        let documented = format!("wJalrXUtnFEMI/K7MDENG/bPxRfiCY{}KEY", "EXAMPLE");
        for (text, expected) in [
            (format!("a\nkey = hf{}{}\n", '_', letters(34)), Some((8, "a Hugging Face token"))),
            (format!("hf{}{}", '_', letters(30)), None),
            (format!("AKIA{}", "IOSFODNN7EXAMPLE"), None),
            (format!("\n\nAKIA{}", "Q7".repeat(8)), Some((2, "an AWS access key"))),
            (key("OPENSSH PRIVATE", "\n"), Some((0, "a private key"))),
            (
                key("RSA PRIVATE", "\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,AB\r\n\r\n"),
                Some((0, "a private key")),
            ),
            (key("PGP PRIVATE", r"\n"), Some((0, "a private key"))),
            (key("PRIVATE", "\\n\",\n  \""), Some((0, "a private key"))),
            (key("PRIVATE", "\", \""), None),
            (format!("-----BEGIN {} KEY-----\nMIIE", "PRIVATE"), None),
            ("-----BEGIN PUBLIC KEY-----".to_owned(), None),
            (format!("x\nghp{}{}\nAKIA{}", '_', letters(36), "Q7".repeat(8)), Some((2, "a GitHub token"))),
            ("task-antelope sk-learn".to_owned(), None),
            (format!("GOCSPX{}{}", '-', letters(28)), Some((0, "a Google OAuth client secret"))),
            (aws("aws_secret_access_key = ", &letters(40)), Some((0, "an AWS secret key"))),
            (aws("\"SecretAccessKey\": \"", &format!("{}\"", letters(40))), Some((1, "an AWS secret key"))),
            (aws("['AWS_SECRET_ACCESS_KEY'] = '", &format!("{}'", letters(40))), Some((2, "an AWS secret key"))),
            (aws(r#"[\"AWS_SECRET_ACCESS_KEY\"]=\""#, &letters(40)), Some((3, "an AWS secret key"))),
            (aws("AWS_SECRET_ACCESS_KEY=", &letters(44)), None),
            (aws("AWS_SECRET_ACCESS_KEY=", &documented), None),
            (format!("AccountKey{}{}==", '=', letters(86)), Some((0, "the key of an Azure storage account"))),
            (format!("pypi{}AgEIcHlwaS5vcmc{}", '-', letters(60)), Some((0, "a PyPI token"))),
            (format!("dapi{}", hex(32)), Some((0, "a Databricks token"))),
            (format!("dapi{}", hex(34)), None),
            (format!("doo_v1{}{}", '_', hex(64)), Some((0, "a DigitalOcean token"))),
            (format!("dp.pt{}{}x", '.', letters(42)), Some((0, "a Doppler token"))),
            (format!("AGE-SECRET-KEY{}{}", "-1", "QPZ9".repeat(15).split_at(58).0), Some((0, "an age secret key"))),
            (
                format!("https://hooks.slack.com/{}/{}", "workflows", letters(44)),
                Some((8, "the address of a Slack webhook")),
            ),
            (format!("eyJ{0}.eyJ{0}.{0}", letters(20)), Some((0, "a JSON web token"))),
            (format!("eyJ{0}.{0}.{0}", letters(20)), None),
            (format!("SG{}{}.{}a", '.', letters(22), letters(42)), Some((0, "a SendGrid API key"))),
        ] {
            assert_eq!(tokens_in(text.as_bytes(), |_| true).first().copied(), expected, "{text}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_found_and_placeholders_are_not() {
        for (text, expected) in [
            ("url = 'postgresql://ada:s3cret@db.internal/x'", Some(17)),
            ("redis://:s3cret@cache:6379/0", Some(5)),
            ("https://ada@git.internal/a:b@c", None),
            ("postgresql://user:password@host/db", None),
            ("postgresql://user:${PASSWORD}@host/db", None),
            ("postgresql://user:<password>@host/db", None),
            ("f'postgresql://{user}:{password}@{host}/db'", None),
            ("https://ada:s3cret@db.example.com/x", None),
            ("http://localhost:8080/@scope", None),
            ("https://a:xxxxxxxx@host", None),
            ("https://ada:s3cre@host", None),
            ("postgres://ada:s3cret@localhost:5432/x", None),
            ("postgres://ada:s3cret@127.0.0.1/x", None),
            ("postgres://ada:s3cret@db.example/x", Some(8)),
        ] {
            assert_eq!(passwords_in(text.as_bytes(), |_| true).first().copied(), expected, "{text}");
        }
    }

    #[test]
    fn every_token_of_a_text_is_found() {
        let (aws, hub) = (format!("AKIA{}", "Q7".repeat(8)), format!("hf{}{}", '_', "aB".repeat(17)));
        let text = format!("{hub}\n{aws}\n{hub}\n");
        let (hub, aws) = ("a Hugging Face token", "an AWS access key");
        assert_eq!(tokens_in(text.as_bytes(), |_| true), [(0, hub), (38, aws), (59, hub)]);
    }

    #[test]
    fn literals_of_secrets_are_found_and_placeholders_are_not() {
        let value = "Zq7".repeat(5);
        for text in [
            format!("API_KEY = \"{value}\""),
            format!("openai_api_key='{value}'"),
            format!("db.password: \"{value}\""),
            format!("{{\"secret\": \"{value}\"}}"),
            format!("\"source\": [\"token = \\\"{value}\\\"\\n\"]"),
            format!("os.environ[\"API_KEY\"] = \"{value}\""),
            format!("password: str = '{value}'"),
            "passwd = 'correcthorsebattery'".to_owned(),
        ] {
            assert_eq!(literals_in(text.as_bytes(), |_| true).len(), 1, "{text}");
        }
        for text in [
            "API_KEY = 'short'",
            "tokenizer = 'bert-base-uncased-12345'",
            "API_KEY = os.environ['OPENAI_API_KEY_1']",
            "token = '<|im_start|>assistant'",
            "mask_token: \"[MASKED_OUT_1]\"",
            "api_key = 'your-api-key-123'",
            "api_key = '${OPENAI_API_KEY}'",
            "password: '{{vault_pass1}}'",
            "password = 'changeme12345'",
            "secret = 'xxxxxxxxxxxxxxx1'",
            "token = 'example-token-1'",
            "password = 'test-password-1'",
            "grant_by_token = 'authorization_code'",
            "secret: 'MY_SECRET_NAME'",
            "password = 'my secret password 1'",
            "password = '----------------'",
            "max_tokens = '123456789012'",
            "{\"token\": \"internationally\"}",
        ] {
            assert!(literals_in(text.as_bytes(), |_| true).is_empty(), "{text}");
        }
    }
}
