//! Keras models: code in layers.

use std::io;

use super::member::Member;
use super::scanner::{Outcome, Scan};

/// Scans HDF5 files, by the signature at 0, 512, 1024, 2048 and so on.
#[expect(clippy::unnecessary_wraps, reason = "all recognisers have this signature")]
pub(super) fn hdf5(_member: &mut Member<'_>, _scan: &mut Scan<'_>) -> io::Result<Outcome> {
    Ok(Outcome::Open)
}
