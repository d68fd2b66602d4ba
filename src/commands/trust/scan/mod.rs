//! `kit scan`, and the formats of its output.

mod command;
mod format;
mod lines;
mod sarif;

pub(crate) use command::ScanArgs;
