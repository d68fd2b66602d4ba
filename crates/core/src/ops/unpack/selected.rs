//! Unpacking the selected files of a layer of which most files are not selected.

use std::cell::OnceCell;
use std::io::Read;
use std::ops::ControlFlow;

use super::into_folder::Stop;
use super::layers::{Unpacker, title};
use crate::archive::{self, SingleFile};
use crate::digest::VerifyingReader;
use crate::modelkit::Layer;
use crate::oci::Source;
use crate::ops::error::Error;
use crate::ops::files::{Member, skim_selected};
use crate::ops::remote_data::right_file;
use crate::progress::Phase;

impl Unpacker<'_> {
    /// Unpacks the selected files of `layer` by reading only their ranges, verified. Returns false if the layer must be
    /// read as a whole.
    ///
    /// An error of reading only casts doubt on the layer: reading the whole layer finds the cause.
    pub(super) fn unpack_selected(&self, source: &dyn Source, layer: &Layer) -> Result<bool, Stop> {
        let task = OnceCell::new();
        let begun = || self.progress.start(Phase::Unpacking, &title(layer), Some(layer.descriptor.size));
        let (mut left, mut refused) = (layer.descriptor.size, None);
        let existing = |member: &Member| self.existing(member);
        let skimmed = skim_selected(source, layer, &self.options.paths, &existing, &mut |member, content| {
            let extracted = if member.is_directory {
                archive::extract_folder(&member.path, member.mode, self.destination).map(|()| 0)
            } else {
                let file = SingleFile { path: &member.path, mode: member.mode, size: member.size, original: None };
                archive::extract_file(content, file, self.destination, &**task.get_or_init(begun))
            };
            match extracted {
                Ok(bytes) => left = left.saturating_sub(bytes),
                Err(error @ archive::Error::ReadLayer { .. }) => return Err(Error::Unpack(title(layer), error)),
                Err(error) => {
                    refused = Some(error);
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        });
        match (skimmed, refused) {
            (_, Some(error)) => Err(Error::Unpack(title(layer), error).into()),
            (Err(_), None) => Err(Stop::Doubted),
            (Ok(false), None) => Ok(false),
            (Ok(true), None) => {
                task.get_or_init(begun).advance(left);
                Ok(true)
            }
        }
    }

    /// Opens the file in the folder, if it has the content of `member` already.
    fn existing(&self, member: &Member) -> Option<Box<dyn Read>> {
        let (digest, size) = member.digest.zip(member.size)?;
        let file = right_file(&member.path.join_to(&self.options.folder), digest, size)?;
        Some(Box::new(VerifyingReader::new(file, digest, size)))
    }
}
