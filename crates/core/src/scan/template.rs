//! Chat templates: access to the interpreter, other templates and addresses.

use std::io;

use super::findings::Findings;
use super::member::Member;
use super::scanner::{Outcome, Scan};

/// Scans `*.jinja` files, by name.
#[expect(clippy::unnecessary_wraps, reason = "all recognisers have this signature")]
pub(super) fn recognise(_member: &mut Member<'_>, _scan: &mut Scan<'_>) -> io::Result<Outcome> {
    Ok(Outcome::Open)
}

/// Scans the text of a template that the file names `key`, such as `tokenizer.chat_template`.
pub(super) fn scan(_key: &str, _text: &str, _findings: &mut Findings) {}
