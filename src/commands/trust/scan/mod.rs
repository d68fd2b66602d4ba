//! `kit scan`, and the formats of its output.

mod attested;
mod before_packing;
mod command;
mod format;
mod lines;
mod sarif;

pub(crate) use attested::scan_to_attest;
pub(crate) use before_packing::scan_before_packing;
pub(crate) use command::ScanArgs;
