//! Passwords and tokens in requests, which must not be shown when a server repeats them in its messages.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap};

/// The text in place of a secret.
const HIDDEN: &str = "***";
/// The length of the shortest secret that is hidden, in bytes. A shorter one may be a part of any word, and hiding it
/// would reveal it.
const SHORTEST: usize = 6;

/// The secrets of all requests of a client.
#[derive(Default)]
pub(crate) struct SentSecrets(Mutex<BTreeSet<String>>);

impl SentSecrets {
    /// Notes the values of `Authorization` and of other headers that are marked as sensitive.
    pub(crate) fn note_headers(&self, headers: &HeaderMap) {
        let is_secret = |name: &_, value: &reqwest::header::HeaderValue| *name == AUTHORIZATION || value.is_sensitive();
        let secret = headers.iter().filter(|(name, value)| is_secret(*name, value));
        for value in secret.filter_map(|(_, value)| value.to_str().ok()) {
            let token = value.split_once(' ').map_or(value, |(_, token)| token.trim());
            if self.note(token)
                && let Some(password) = value.strip_prefix("Basic ").and_then(password)
            {
                self.note(&password);
            }
        }
    }

    /// Notes `secret`. Returns true if it is new.
    pub(crate) fn note(&self, secret: &str) -> bool {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if secret.len() < SHORTEST || !secrets.insert(secret.to_owned()) {
            return false;
        }
        // As a JSON document contains it between quotes.
        let escaped = serde_json::Value::from(secret).to_string();
        secrets.insert(escaped[1..escaped.len() - 1].to_owned());
        true
    }

    /// Replaces all secrets in `text`.
    pub(crate) fn hide(&self, text: &str) -> String {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<&String> = secrets.iter().filter(|secret| text.contains(*secret)).collect();
        // One may be a part of another.
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
    }
}

/// The password in the base64 text of the Basic scheme.
fn password(encoded: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::auth::{basic, bearer};

    #[test]
    fn repeated_secrets_are_hidden() {
        let sent = SentSecrets::default();
        for header in [basic("ada", "hunter\"2"), basic("ada", "short"), bearer("abcdefgh").unwrap()] {
            sent.note_headers(&HeaderMap::from_iter([(AUTHORIZATION, header)]));
        }
        assert!(sent.note("abcdefghijkl") && !sent.note("abcdefghijkl"));
        for (text, expected) in [
            ("no access for ada", "no access for ada"),
            ("ada:hunter\"2 is wrong", "ada:*** is wrong"),
            (r#"{"message":"hunter\"2"}"#, r#"{"message":"***"}"#),
            ("Basic YWRhOmh1bnRlciIy, YWRhOmh1bnRlciIy", "Basic ***, ***"),
            ("Bearer abcdefgh", "Bearer ***"),
            ("abcdefghijkl", "***"),
            ("short", "short"),
        ] {
            assert_eq!(sent.hide(text), expected);
        }
    }
}
