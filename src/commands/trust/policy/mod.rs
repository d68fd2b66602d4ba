//! `kit policy`

mod check;
mod command;
mod example;
mod show;

pub(crate) use check::{Asked, check};
pub(crate) use command::PolicyArgs;
