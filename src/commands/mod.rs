//! The subcommands: one file each, or a folder where one has grown, in the groups of `kit --help`.

mod create;
mod handoff;
mod inspect;
mod manage;
mod registries;
mod setup;
mod subcommand;
mod transfer;
mod trust;

pub(crate) use subcommand::{Command, with_all_defined};
pub(crate) use trust::{Beside, NotSigned};
