//! Graphs of TensorFlow: operations that read and write files or run Python.

use std::io;

use super::member::Member;
use super::scanner::{Outcome, Scan};

/// Scans `*.pb` files, by name.
#[expect(clippy::unnecessary_wraps, reason = "all recognisers have this signature")]
pub(super) fn graph(_member: &mut Member<'_>, _scan: &mut Scan<'_>) -> io::Result<Outcome> {
    Ok(Outcome::Open)
}
