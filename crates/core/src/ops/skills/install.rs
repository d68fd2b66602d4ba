//! Writing a skill into a folder of skills.

use std::path::Path;

use fs_err as fs;

use super::read::Skill;
use crate::archive::{Destination, Overwrite, SingleFile, extract_file};
use crate::ops::error::Error;
use crate::progress::Silent;

/// The result of installing a skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// The files were written.
    Written,
    /// The folder existed and was left as it was.
    Skipped,
}

/// Writes `skill` to a folder with its name in `skills`. An existing folder is treated as `overwrite` says; a replaced
/// one is removed first, so that no file of an earlier version remains.
pub fn install_skill(skill: &Skill, skills: &Path, overwrite: Overwrite) -> Result<Installed, Error> {
    let folder = skills.join(&skill.name);
    if fs::symlink_metadata(&folder).is_ok() {
        match overwrite {
            Overwrite::Keep => return Ok(Installed::Skipped),
            Overwrite::Refuse => return Err(Error::SkillExists),
            Overwrite::Replace => remove(&folder)?,
        }
    }
    let destination = Destination::open(&folder, Overwrite::Refuse)?;
    for (path, file) in &skill.files {
        let size = Some(file.content.len() as u64);
        let single = SingleFile { path, mode: file.mode, size, original: None };
        extract_file(&*file.content, single, &destination, &Silent)?;
    }
    destination.commit()?;
    Ok(Installed::Written)
}

/// Removes a folder. Of a symbolic link, only the link is removed.
fn remove(folder: &Path) -> Result<(), Error> {
    let is_folder = fs::symlink_metadata(folder)?.is_dir();
    Ok(if is_folder { fs::remove_dir_all(folder) } else { fs::remove_file(folder) }?)
}
