//! Reading the `.kitignore` of a folder.

use std::io;
use std::path::Path;

use crate::archive::{self, IgnoreRules, UnmatchedLine, unmatched_lines};
use crate::file_kind::is_leftover;
use crate::limits;
use crate::ops::error::Error;

use crate::ops::init::{IGNORE_FILE, drafted_patterns};
use crate::progress::{IgnoreLine, Progress, Warning};
use crate::scan::secrets::{is_secret_name, is_sure_name};
use crate::sys;

/// The number of lines that a warning names.
const NAMED: usize = 3;

/// Reads the rules of the folder `context`; a missing file has none.
pub(crate) fn read_ignore_rules(context: &Path) -> Result<IgnoreRules, Error> {
    let (path, text) = (context.join(IGNORE_FILE), read_ignore_file(context)?);
    match (IgnoreRules::parse(&text), sys::target_elsewhere(&path)) {
        // The error shows lines of the file, which could be a secret of the user outside of the folder.
        (Err(archive::Error::InvalidIgnoreFile(_)), Ok(Some(target))) => {
            let (link, target) = (path.display(), target.display());
            let reason = format!("`{link}` is a symbolic link to `{target}`, which is not a valid .kitignore");
            Err(io::Error::new(io::ErrorKind::InvalidData, reason).into())
        }
        (parsed, _) => Ok(parsed?),
    }
}

fn read_ignore_file(context: &Path) -> io::Result<String> {
    match sys::read_regular_text(&context.join(IGNORE_FILE), limits::IGNORE_FILE_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text,
    }
}

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
