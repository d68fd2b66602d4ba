//! Files that are compressed or archives. A file can be both: the end of an archive decides, not its beginning.

use std::io;

use super::{compressed, tar, zip};
use crate::scan::member::Member;
use crate::scan::scanner::{Outcome, Scan};

/// Scans the content of compressed files, and the members of zip and tar archives.
pub(in crate::scan) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    let is_compressed = compressed::scan(member, scan)?;
    let outcome = zip::scan(member, scan)?;
    if is_compressed {
        return Ok(Outcome::Whole);
    }
    if outcome == Outcome::Open { tar::scan(member, scan) } else { Ok(outcome) }
}
