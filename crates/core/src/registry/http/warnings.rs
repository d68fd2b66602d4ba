//! The `Warning` headers of registries (distribution-spec 1.1, "Warnings").

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{HeaderMap, WARNING};

use super::answer::cleaned;
use super::sent_secrets::SentSecrets;
use crate::progress::{Notifier, Warning};

/// The number of different warnings that are shown in one run.
const WARNINGS_LIMIT: usize = 20;

/// The warnings of all registries, each of which is reported once.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    notifier: Notifier,
    shown: Mutex<BTreeSet<(String, String)>>,
}

impl Warnings {
    pub(crate) fn new(notifier: Notifier) -> Self {
        Self { notifier, shown: Mutex::default() }
    }

    /// Reports the warnings in the `headers` of an answer of `registry`, without the `sent` secrets.
    pub(crate) fn report(&self, registry: &str, headers: &HeaderMap, sent: &SentSecrets) {
        for value in headers.get_all(WARNING) {
            for text in texts(&sent.hide(&String::from_utf8_lossy(value.as_bytes()))) {
                let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
                let is_new = shown.len() < WARNINGS_LIMIT && shown.insert((registry.to_owned(), text.clone()));
                drop(shown);
                if is_new {
                    self.notifier.warn(&Warning::FromRegistry { registry, text: &text });
                }
            }
        }
    }
}

/// The texts of `299 - "text"` in one header. Other codes are about caches (RFC 7234, 5.5), and are ignored.
fn texts(header: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((before, quoted)) = rest.split_once('"') {
        let (text, after) = unquoted(quoted);
        let code = before.trim_start_matches([',', ' ', '\t']).split_whitespace().next();
        let text = cleaned(&text);
        if code == Some("299") && !text.is_empty() {
            found.push(text);
        }
        rest = after;
    }
    found
}

/// Reads a quoted text up to its closing quote. Returns it and what follows.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut signs = quoted.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (text, &quoted[at + 1..]),
            '\\' => text.extend(signs.next().map(|(_, escaped)| escaped)),
            sign => text.push(sign),
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn warnings_are_read() {
        for (header, expected) in [
            (r#"299 - "Your token expires.""#, &["Your token expires."][..]),
            (r#"299 - "a", 299 - "b, c""#, &["a", "b, c"]),
            (r#"299 - "say \"hi\"" "Wed, 21 Oct 2015 07:28:00 GMT""#, &[r#"say "hi""#]),
            (r#"299 kit.example:5000 "a""#, &["a"]),
            (r#"110 - "stale""#, &[]),
            ("299 - \"\u{1b}[31mred\"", &["[31mred"]),
            ("299 - \"open", &["open"]),
            ("299 - \"\"", &[]),
            ("nothing", &[]),
        ] {
            assert_eq!(texts(header), expected, "{header}");
        }
    }

    #[test]
    fn each_warning_is_reported_once_for_each_registry() {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let receiver = Arc::clone(&reports);
        let warnings = Warnings::new(Notifier::new(move |warning| {
            let Warning::FromRegistry { registry, text } = warning else { panic!("{warning:?}") };
            receiver.lock().unwrap().push(format!("{registry} {text}"));
        }));
        let sent = SentSecrets::default();
        for (registry, value) in [("a", "299 - \"x\""), ("a", "299 - \"x\""), ("b", "299 - \"x\"")] {
            warnings.report(registry, &[(WARNING, value.parse().unwrap())].into_iter().collect(), &sent);
        }
        assert_eq!(*reports.lock().unwrap(), ["a x", "b x"]);
        for number in 0..100 {
            let value = format!("299 - \"{number}\"").parse().unwrap();
            warnings.report("a", &[(WARNING, value)].into_iter().collect(), &sent);
        }
        assert_eq!(reports.lock().unwrap().len(), WARNINGS_LIMIT);
    }
}
