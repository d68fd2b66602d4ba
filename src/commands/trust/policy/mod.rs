//! `kit policy`

mod check;
mod command;
mod example;
mod show;

pub(crate) use check::check;
pub(crate) use command::PolicyArgs;
