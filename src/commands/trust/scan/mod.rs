//! `kit scan`, and the formats of its output.

mod before_packing;
mod command;
mod format;
mod lines;
mod sarif;

pub(crate) use before_packing::scan_before_packing;
pub(crate) use command::ScanArgs;
