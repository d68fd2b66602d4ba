//! Graphs of TensorFlow: operations that read and write files or run Python.

use std::io;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::finding::{Level, Place};
use super::member::Member;
use super::overlapping::in_windows;
use super::scanner::{Outcome, Scan};

/// The operations, as the field `op` of a `NodeDef` has them: field 2 of a message of protocol buffers, the length and
/// the name.
static OPERATION: LazyLock<Regex> = LazyLock::new(|| {
    const PATTERN: &str = concat!(
        r"(?-u)\x12(?:\x08(ReadFile)|\x09(WriteFile)|\x06(PyFunc)|\x0f(PyFuncStateless)|\x0b(EagerPyFunc)",
        r"|\x0d(MatchingFiles))",
    );
    Regex::new(PATTERN).expect("the pattern is ours")
});

/// The number of bytes of the longest field.
const LONGEST_FIELD: usize = 17;

/// Scans `*.pb` files, by name.
pub(super) fn graph(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    if member.has_extension(&["pb"]) {
        member.reader.rewind()?;
        in_windows(member.reader, LONGEST_FIELD, &mut |window, offset| {
            for found in OPERATION.find_iter(window) {
                let name = String::from_utf8_lossy(&found.as_bytes()[2..]);
                scan.findings.add(Level::High, "tensorflow-op", &name, Place::Offset(offset + found.start() as u64));
            }
        })?;
    }
    Ok(Outcome::Open)
}
