//! Texts: secrets.

use std::io;

use super::finding::{Level, Place};
use super::findings::Findings;
use super::member::Member;
use super::scanner::{Outcome, Scan};
use super::secrets::{
    Hit, WEB_TOKEN, has_secret_setting, is_certificate, is_environment, is_secret_name, is_sure_name, search,
};
use crate::limits;

/// The rule of all secrets.
const SECRET: &str = "secret";

/// Scans the content of texts, and the names of all files.
pub(super) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    let before = scan.findings.mark();
    let text = member.whole(limits::SCANNED_TEXT_BYTES)?.filter(|bytes| memchr::memchr(0, bytes).is_none());
    if let Some(text) = &text {
        add_secrets(text, &mut scan.findings, |hit| Some(Place::Line(hit.line() as u64)));
    }
    if scan.findings.since(before).is_empty() && has_name_of_secret(member.file_name(), text.as_deref()) {
        scan.findings.add(Level::Low, SECRET, "a file with this name usually holds secrets", None);
    }
    Ok(Outcome::Open)
}

/// Returns true if files with this name usually hold secrets, and the content does not say that this one holds none.
fn has_name_of_secret(name: &str, text: Option<&[u8]>) -> bool {
    match text {
        Some(text) if is_environment(name) => has_secret_setting(&String::from_utf8_lossy(text)),
        Some(_) if is_certificate(name) => false,
        _ => is_sure_name(name) || is_secret_name(name),
    }
}

/// Adds the secrets in a text, each at the place that `place` returns. The secrets themselves are not shown.
pub(super) fn add_secrets(text: &[u8], findings: &mut Findings, place: impl Fn(&Hit) -> Option<Place>) {
    for hit in search(text).unwrap_or_default() {
        let (level, kind) = match hit {
            Hit::Token(_, kind) => (Level::High, kind),
            Hit::WebToken(_) => (Level::Medium, WEB_TOKEN),
            Hit::Password(_) => (Level::Medium, "a password in an address"),
            Hit::Literal(_) => continue,
        };
        findings.add_at(level, SECRET, kind, place(&hit));
    }
}
