//! Reading the `.kitignore` of a folder.

use std::io;
use std::path::Path;

use crate::archive::{UnmatchedLine, unmatched_lines};
use crate::file_kind::is_leftover;
use crate::ops::files::read_ignore_file;
use crate::ops::init::drafted_patterns;
use crate::progress::{IgnoreLine, Progress, Warning};
use crate::scan::secrets::{is_secret_name, is_sure_name};

/// The number of lines that a warning names.
const NAMED: usize = 3;

/// Returns the lines of the `.kitignore` of `context` that match nothing and that `kit init` has not drafted, as far as
/// a warning names them, and the number of the others.
pub(crate) fn unmatched_ignore_lines(context: &Path) -> io::Result<(Vec<UnmatchedLine>, usize)> {
    let text = read_ignore_file(context)?;
    if text.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let drafted = drafted_patterns(context, &text)?;
    let mut lines = unmatched_lines(&text, context, |pattern| {
        let name = pattern.trim_end_matches('/').rsplit('/').next().unwrap_or(pattern);
        drafted.contains(pattern) || is_leftover(name) || is_secret_name(name) || is_sure_name(name)
    });
    let more = lines.len().saturating_sub(NAMED);
    lines.truncate(NAMED);
    Ok((lines, more))
}

fn named(UnmatchedLine { line, pattern, meant }: &UnmatchedLine) -> IgnoreLine<'_> {
    IgnoreLine { line: *line, pattern, meant: meant.as_deref() }
}

/// Warns of lines of the `.kitignore` of `context` that match nothing.
pub(super) fn warn_of_unmatched(context: &Path, progress: &dyn Progress) -> io::Result<()> {
    let (lines, more) = unmatched_ignore_lines(context)?;
    if !lines.is_empty() {
        progress.warn(&Warning::IgnoreLinesUnmatched { lines: lines.iter().map(named).collect(), more });
    }
    Ok(())
}
