//! `kit report`, and the forms of its output: a page in HTML, Markdown for a model card, and JSON.

mod command;
mod facts;
mod html;
mod json;
mod markdown;
mod model_card;

pub(crate) use command::ReportArgs;
