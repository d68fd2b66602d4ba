//! Reading the rules for files that are not packed.

use std::io;
use std::path::Path;

use crate::archive::{self, IgnoreRules};
use crate::limits;
use crate::ops::error::Error;
use crate::sys;

/// The name of the file with the rules.
pub const IGNORE_FILE: &str = ".kitignore";

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

/// Returns the text of the rules; a missing file has none.
pub(crate) fn read_ignore_file(context: &Path) -> io::Result<String> {
    match sys::read_regular_text(&context.join(IGNORE_FILE), limits::IGNORE_FILE_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text,
    }
}
