//! Recalls in words.

use crate::output::one_line;
use kit_core::progress::RecallNotice;

/// One line for a recall that no policy decides about.
pub(super) fn notice_line(notice: &RecallNotice<'_>) -> String {
    let RecallNotice { modelkit, reason, instead, date, signer, is_of_other_key } = notice;
    let on = date.as_ref().map(|date| format!(" on {date}")).unwrap_or_default();
    let instead = instead.map(|instead| format!("; use {instead} instead")).unwrap_or_default();
    let proof = match signer {
        Some(signer) => format!("signed by {signer}"),
        None if *is_of_other_key => "signed by a key that may not recall it".to_owned(),
        None => "not verified: no policy says whose recalls count".to_owned(),
    };
    one_line(&format!("`{modelkit}` was recalled{on}: {reason}{instead} ({proof})"))
}
