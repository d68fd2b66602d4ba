//! Secrets in texts, and names of files that usually hold secrets. The secret that is found is never shown.

pub(in crate::scan) mod encoding;
mod names;
mod redact;
mod search;
mod setting;
mod tokens;

pub(crate) use names::{is_certificate, is_environment, is_secret_name, is_sure_name};
pub(super) use redact::redacted;
pub(super) use search::search;
pub(crate) use search::{Hit, search_any};
pub(crate) use setting::has_secret_setting;
pub(crate) use tokens::{WEB_TOKEN, tokens_in};
