//! The message of a registry or token server that refuses a request, shortened and cleaned.

use std::fmt;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::sent_secrets::SentSecrets;
use crate::oci::without_bom;

/// The number of characters of a message that are kept.
const MESSAGE_LIMIT: usize = 400;
/// The number of errors of an answer that are kept.
const ERRORS_LIMIT: usize = 5;

/// The codes and messages of a registry's error answer (distribution-spec 1.1, "Error Codes").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// At least one message, each with its code if it has one.
    errors: Vec<(Option<String>, String)>,
}

impl Answer {
    /// Reads the body of an error answer; `None` if it contains no message. The `sent` secrets are hidden.
    pub(crate) fn parse(body: &[u8], sent: &SentSecrets) -> Option<Self> {
        let body = sent.hide(&String::from_utf8_lossy(without_bom(body)));
        let errors = match serde_json::from_str(&body) {
            Ok(document) => from_document(&document),
            Err(_) => from_text(&body),
        };
        (!errors.is_empty()).then_some(Self { errors })
    }

    /// Reads an error answer of a server that sends code and message in headers, as the Hugging Face hub does, or
    /// else in the body.
    pub(super) fn of(headers: &HeaderMap, body: &[u8], sent: &SentSecrets) -> Option<Self> {
        let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let text = |name: &str| value(name).map(|text| cleaned(&sent.hide(text)));
        match (text("x-error-code"), text("x-error-message")) {
            (Some(code), words) => Some(Self { errors: vec![(Some(code), words.unwrap_or_default())] }),
            (None, _) => Self::parse(body, sent),
        }
    }

    /// Returns true if the answer contains this error code.
    pub fn has_code(&self, code: &str) -> bool {
        self.errors.iter().any(|(found, _)| found.as_deref() == Some(code))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (code, message)) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            match code {
                Some(code) if message.is_empty() => write!(f, "{separator}{code}")?,
                Some(code) => write!(f, "{separator}{code}: {message}")?,
                None => write!(f, "{separator}{message}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Answer {}

/// The document formats in use: `errors` of registries, `error` and `error_description` of OAuth 2 (RFC 6749, 5.2),
/// `details` of Docker Hub's token server, `message` of many gateways.
fn from_document(document: &Value) -> Vec<(Option<String>, String)> {
    if let Some(errors) = document.get("errors").and_then(Value::as_array) {
        return errors.iter().take(ERRORS_LIMIT).filter_map(|error| with_code(error, "code", &["message"])).collect();
    }
    with_code(document, "error", &["error_description", "details", "message"]).into_iter().collect()
}

fn with_code(error: &Value, code: &str, messages: &[&str]) -> Option<(Option<String>, String)> {
    let text = |key: &str| error.get(key).and_then(Value::as_str).map(cleaned).filter(|text| !text.is_empty());
    let message = messages.iter().find_map(|key| text(key));
    match (text(code), message) {
        (None, None) => None,
        (code, message) => Some((code, message.unwrap_or_default())),
    }
}

/// Reads plain text. A page of HTML is not readable in a terminal and is dropped.
fn from_text(text: &str) -> Vec<(Option<String>, String)> {
    let text = cleaned(text);
    if text.is_empty() || text.starts_with('<') { Vec::new() } else { vec![(None, text)] }
}

/// Reduces a text to one line without control characters, which could control the terminal.
pub(super) fn cleaned(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(MESSAGE_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let shown = Answer::parse(body.as_bytes(), &SentSecrets::default()).map(|answer| answer.to_string());
        assert_eq!(shown.unwrap_or_default(), expected, "{body}");
    }

    #[test]
    fn the_words_of_all_kinds_of_servers_are_found() {
        check(r#"{"errors":[{"code":"DENIED","message":"no access"}]}"#, "DENIED: no access");
        check(r#"{"errors":[{"code":"A","message":""},{"message":"b"}]}"#, "A; b");
        check(r#"{"error":"invalid_grant","error_description":"expired"}"#, "invalid_grant: expired");
        check(r#"{"details":"incorrect username or password"}"#, "incorrect username or password");
        check("upstream\n is \u{1b}[31mdown", "upstream is [31mdown");
        check("<html><body>502</body></html>", "");
        check("", "");
        check("{}", "");
        check("[1]", "");
    }

    #[test]
    fn code_and_words_may_be_in_headers() {
        let code = ("x-error-code", "GatedRepo");
        for (headers, expected) in [
            (vec![code, ("x-error-message", "Access is\trestricted")], "GatedRepo: Access is restricted"),
            (vec![code], "GatedRepo"),
            (vec![("x-error-message", "unheard")], "no entry"),
        ] {
            let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let (headers, sent) = (headers.collect::<HeaderMap>(), SentSecrets::default());
            let answer = Answer::of(&headers, br#"{"error":"no entry"}"#, &sent).unwrap();
            assert_eq!(answer.to_string(), expected);
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let answer = Answer::parse("x".repeat(10_000).as_bytes(), &SentSecrets::default()).unwrap();
        assert_eq!(answer.to_string().len(), MESSAGE_LIMIT);
    }
}
