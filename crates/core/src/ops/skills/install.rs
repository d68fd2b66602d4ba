//! Writing a skill into a folder of skills.

use std::path::Path;

use fs_err as fs;

use super::read::Skill;
use crate::archive::{Destination, Overwrite, SingleFile, UnsafePaths, extract_file};
use crate::ops::error::Error;
use crate::progress::Silent;
use crate::sys::{TemporaryFolder, rename, uninterrupted};

/// The prefix of the folder with the new skill and the old one while they change places.
const PREFIX: &str = ".kit-save-";

/// The result of installing a skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// The files were written.
    Written,
    /// The folder existed and was left as it was.
    Skipped,
}

/// Writes `skill` to a folder with its name in `skills`. An existing folder is treated as `overwrite` says; a replaced
/// one is replaced as a whole, so that no file of an earlier version remains.
///
/// Paths that other programs execute or trust are treated as `unsafe_paths` says. After an error, an existing folder is
/// as it was before.
pub fn install_skill(
    skill: &Skill,
    skills: &Path,
    overwrite: Overwrite,
    unsafe_paths: &UnsafePaths,
) -> Result<Installed, Error> {
    let folder = skills.join(&skill.name);
    let exists = fs::symlink_metadata(&folder).is_ok();
    match overwrite {
        Overwrite::Keep if exists => return Ok(Installed::Skipped),
        Overwrite::Refuse if exists => return Err(Error::SkillExists),
        Overwrite::Replace if exists => replace(skill, skills, &folder, unsafe_paths)?,
        _ => write(skill, &folder, unsafe_paths)?,
    }
    Ok(Installed::Written)
}

/// Replaces `folder`. Of a symbolic link, only the link is replaced.
fn replace(skill: &Skill, skills: &Path, folder: &Path, unsafe_paths: &UnsafePaths) -> Result<(), Error> {
    let temporary = TemporaryFolder::create(skills, PREFIX, 0o700)?;
    let (new, old) = (temporary.path().join("new"), temporary.path().join("old"));
    write(skill, &new, unsafe_paths)?;
    Ok(uninterrupted(|| {
        rename(folder, &old)?;
        rename(&new, folder).or_else(|error| {
            rename(&old, folder)?;
            Err(error)
        })
    })?)
}

fn write(skill: &Skill, folder: &Path, unsafe_paths: &UnsafePaths) -> Result<(), Error> {
    let destination = Destination::open(folder, Overwrite::Refuse)?.with_unsafe_paths(unsafe_paths);
    for (path, file) in &skill.files {
        let size = Some(file.content.len() as u64);
        let single = SingleFile { path, mode: file.mode, size, original: None };
        extract_file(&*file.content, single, &destination, &Silent)?;
    }
    destination.commit()?;
    Ok(())
}
