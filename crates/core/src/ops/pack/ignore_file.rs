//! Reading the `.kitignore` of a folder.

use std::io;
use std::path::Path;

use crate::archive::{self, IgnoreRules};
use crate::limits;
use crate::ops::error::Error;
use crate::sys;

/// Reads the rules of the folder `context`; a missing file has none.
pub(crate) fn read_ignore_rules(context: &Path) -> Result<IgnoreRules, Error> {
    let path = context.join(".kitignore");
    let text = match sys::read_regular_text(&path, limits::IGNORE_FILE_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
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
