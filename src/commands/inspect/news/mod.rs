//! `kit news`, and the formats of its output.

mod command;
mod html;
mod json;
mod markdown;
mod parts;
mod slack;

pub(crate) use command::NewsArgs;
