//! Looking into a layer without unpacking it.

use std::io::{self, Read, Seek};

use super::members::Members;
use crate::archive::error::Error;
use crate::archive::unpack::LayerShape;
use crate::relative_path::RelativePath;

/// The members of a tar layer, one after the other. Reading from the listing gives the content of the present one.
///
/// What is not read of a content is passed over. Nothing is verified but the tar itself: the digest of a layer is known only
/// to who reads all of it.
pub struct Listing<R> {
    members: Members<R>,
    shape: LayerShape,
}

/// A file or a folder in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerMember {
    /// Where it would be unpacked.
    pub path: RelativePath,
    /// Whether it is a folder.
    pub is_directory: bool,
    /// The permissions.
    pub mode: u32,
    /// Of the content in bytes; 0 for a folder.
    pub size: u64,
    /// Where the content begins in the uncompressed layer.
    pub offset: u64,
}

impl<R: Read> Listing<R> {
    /// Lists an uncompressed stream by reading all of it.
    pub fn reading(layer: R, shape: LayerShape) -> Self {
        Self { members: Members::new(layer), shape }
    }

    /// Goes to the next member; none at the end of the layer.
    pub fn next_member(&mut self) -> Result<Option<LayerMember>, Error> {
        let Some(member) = self.members.next()? else { return Ok(None) };
        Ok(Some(LayerMember {
            path: self.shape.locate(&member)?,
            is_directory: member.is_directory,
            mode: member.mode,
            size: member.size,
            offset: self.members.position(),
        }))
    }
}

impl<R: Read + Seek> Listing<R> {
    /// Lists an uncompressed layer by hopping from header to header. `layer` must refuse to go behind its end, or a layer that
    /// lacks the end of its last file looks whole.
    pub fn hopping(layer: R, shape: LayerShape) -> Self {
        Self { members: Members::jumping(layer), shape }
    }
}

impl<R: Read> Read for Listing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.members.read(buffer).map_err(|error| match error {
            Error::ReadLayer { source } => source,
            error => io::Error::other(error),
        })
    }
}
