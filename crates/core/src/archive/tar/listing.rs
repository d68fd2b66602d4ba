//! Lists a layer without unpacking it.

use std::io::{self, Read, Seek};

use super::members::Members;
use crate::archive::error::Error;
use crate::archive::unpack::LayerShape;
use crate::relative_path::RelativePath;

/// The members of a tar layer, one after another. Reading from the listing returns the content of the current one.
///
/// Unread content is skipped. Only the structure of the tar is checked: the digest of a layer can be verified only by
/// reading all of it.
pub struct Listing<R> {
    members: Members<R>,
    shape: LayerShape,
}

/// A file or a folder in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerMember {
    /// The path at which it would be unpacked.
    pub path: RelativePath,
    /// True for a folder.
    pub is_directory: bool,
    /// The permissions.
    pub mode: u32,
    /// The size of the content in bytes; 0 for a folder.
    pub size: u64,
    /// The offset of the content in the uncompressed layer.
    pub offset: u64,
}

impl<R: Read> Listing<R> {
    /// Lists an uncompressed stream by reading all of it.
    pub fn reading(layer: R, shape: LayerShape) -> Self {
        Self { members: Members::new(layer), shape }
    }

    /// Moves to the next member. Returns none at the end of the layer.
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
    /// Lists an uncompressed layer by seeking from header to header. `layer` must return an error when it seeks past
    /// its end; otherwise a layer that is truncated in its last file looks complete.
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
