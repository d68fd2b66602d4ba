//! Chat templates: Jinja programs that a server runs on the conversation.

mod fold;
mod rules;
mod tokens;
mod value;

pub(super) use rules::{recognise, scan};
