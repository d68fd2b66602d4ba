//! The extent of a layer, before it is written.

use super::fingerprint::{Fingerprint, Fingerprinter};
use super::member::Member;
use super::notebooks::StrippedNotebooks;
use super::walk::{Found, FoundFile, LayerSource, Walk};
use super::write::metadata_of;
use crate::archive::error::Error;
use crate::archive::ignore::LeftOut;
use crate::relative_path::RelativePath;

/// The extent of a layer that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Number of files.
    pub files: u64,
    /// The size of all files in bytes, as they are packed.
    pub bytes: u64,
    /// The mode of the file if the layer is a single file; none if its path is a folder, or ignored.
    pub file_mode: Option<u32>,
    /// True if `.kitignore` excludes the path of the layer itself: the layer then contains at most files that a `!`
    /// line includes.
    pub path_is_ignored: bool,
    /// The files and folders of tools that are not packed.
    pub left_out: LeftOut,
    /// The notebooks that are packed without outputs.
    pub notebooks: StrippedNotebooks,
    /// The state of the files.
    pub fingerprint: Fingerprint,
}

impl LayerSource<'_> {
    /// Measures the layer, and passes each file with the size that it is packed with to `visit`. No file is opened,
    /// except for notebooks that are packed without outputs.
    pub fn measure(&self, visit: &mut dyn FnMut(&RelativePath, u64)) -> Result<Measured, Error> {
        let (mut files, mut bytes, mut file_mode) = (0, 0, None);
        let (mut fingerprinter, mut notebooks) = (Fingerprinter::new(), StrippedNotebooks::default());
        let mut walk = Walk::new(self)?;
        while let Some(found) = walk.next() {
            let (member, size) = match found? {
                Found::Directory(member) => (member, 0),
                Found::File(file) => {
                    let (member, size) = self.measure_file(&walk, file, &mut notebooks)?;
                    visit(&member.path, size);
                    (member, size)
                }
            };
            files += u64::from(!member.is_directory);
            bytes += size;
            fingerprinter.add(&member);
            file_mode = self.mode_if_whole(&member);
        }
        let (path_is_ignored, fingerprint) = (walk.path_is_ignored, fingerprinter.finish());
        Ok(Measured { files, bytes, file_mode, path_is_ignored, left_out: walk.left_out, notebooks, fingerprint })
    }

    /// Returns the member for a file that the walk has just yielded, and the size that it is packed with. Only
    /// notebooks to be stripped are opened.
    fn measure_file(
        &self,
        walk: &Walk<'_>,
        file: FoundFile,
        notebooks: &mut StrippedNotebooks,
    ) -> Result<(Member, u64), Error> {
        if !file.path.file_name().is_some_and(|name| self.notebooks.changes(name)) {
            let member = walk.look_at(file)?;
            let size = member.size;
            return Ok((member, size));
        }
        let mut opened = walk.open_file(&file)?;
        let metadata = metadata_of(&file.path, &opened)?;
        let member = Member::new(file.path, metadata, &self.modes);
        let Some(stripped) = self.read_stripped(&member, &mut opened)? else {
            notebooks.unreadable.push(member.path.clone());
            let size = member.size;
            return Ok((member, size));
        };
        let size = stripped.len() as u64;
        notebooks.count += u64::from(size != member.size);
        notebooks.removed_bytes += member.size.saturating_sub(size);
        Ok((member, size))
    }
}
