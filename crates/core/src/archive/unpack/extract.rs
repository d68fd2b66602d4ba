//! Extracts layers and single files into a [`Destination`], and refuses members that a layer must not contain.

use std::fs::File;
use std::io::{self, BufReader, Read};

use super::destination::Destination;
use super::ledger::Fingerprints;
use super::receive::{Buffers, Incoming, receive};
use crate::archive::error::Error;
use crate::archive::reading::{BUFFER_BYTES, read_once};
use crate::archive::tar::{Member, Members};
use crate::compression::Compression;
use crate::progress::Task;
use crate::relative_path::RelativePath;

/// The allowed paths of the members of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerShape {
    /// The path of the layer in the Kitfile. Files must be at this path or below; folders may also be above it.
    pub path: RelativePath,
    /// The folder to which member names are relative: the target itself, or the parent of `path` for ModelKits older
    /// than 0.5.
    pub base: RelativePath,
}

/// The extent of an extracted layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extracted {
    /// Number of files.
    pub files: u64,
    /// The size of all files in bytes.
    pub bytes: u64,
}

/// Extracts the tar in `reader` into `destination`, and reports the bytes of files to `task`.
///
/// `reader` may not be at its end afterwards; a caller that verifies it has to drain it before the destination is
/// committed. After an error the destination must not be committed.
pub fn extract_layer(
    reader: impl Read + Send,
    compression: Compression,
    shape: &LayerShape,
    destination: &Destination,
    task: &dyn Task,
) -> Result<Extracted, Error> {
    extract_cloning(reader, compression, shape, None, destination, task)
}

/// Finds the file that contains exactly the bytes of a tar at an offset and with a size.
pub type FindPart<'a> = &'a mut dyn FnMut(u64, u64) -> io::Result<Option<File>>;

/// Like [`extract_layer`], but clones the files that `parts` finds instead of writing them, if the file system supports
/// that.
///
/// A cloned file is still read, to be verified; `reader` must return the bytes of these files.
pub fn extract_cloning(
    reader: impl Read + Send,
    compression: Compression,
    shape: &LayerShape,
    mut parts: Option<FindPart<'_>>,
    destination: &Destination,
    task: &dyn Task,
) -> Result<Extracted, Error> {
    let decoder = compression.decoder(BufReader::with_capacity(BUFFER_BYTES, reader));
    let mut members = Members::new(decoder.map_err(|source| Error::ReadLayer { source })?);
    let mut directories = Fingerprints::default();
    let mut buffers = Buffers::new();
    let mut extracted = Extracted::default();
    while let Some(member) = members.next()? {
        let path = &shape.locate(&member)?;
        if !member.is_directory {
            let original = match &mut parts {
                Some(find) if member.size > 0 => {
                    find(members.position(), member.size).map_err(|source| Error::ReadLayer { source })?
                }
                _ => None,
            };
            let content = &mut |buffer: &mut [u8]| members.read(buffer);
            let mut incoming = Incoming { path, mode: member.mode, size: Some(member.size), original, content, task };
            extracted.bytes += receive(destination, &mut incoming, &mut buffers)?;
            extracted.files += 1;
        } else if directories.insert(path) {
            destination.take_directory(path, member.mode)?;
        } else {
            return Err(refused(&member, "it occurs twice"));
        }
    }
    members.drain()?;
    Ok(extracted)
}

/// A file that is not part of a tar.
pub struct SingleFile<'a> {
    /// The path of the file in the target.
    pub path: &'a RelativePath,
    /// Permission bits.
    pub mode: u32,
    /// The size in bytes, if it is known beforehand.
    pub size: Option<u64>,
    /// A file with the same content that may be cloned. The content is still read, to be verified.
    pub original: Option<File>,
}

/// Extracts `reader` as `file` into `destination`, and returns its size.
pub fn extract_file(
    mut reader: impl Read,
    file: SingleFile,
    destination: &Destination,
    task: &dyn Task,
) -> Result<u64, Error> {
    let SingleFile { path, mode, size, original } = file;
    let content = &mut |buffer: &mut [u8]| read_once(&mut reader, buffer).map_err(|source| Error::ReadLayer { source });
    receive(destination, &mut Incoming { path, mode, size, original, content, task }, &mut Buffers::new())
}

/// Creates the folder `path` in `destination`, or sets its `mode` if it was created for the files in it.
pub fn extract_folder(path: &RelativePath, mode: u32, destination: &Destination) -> Result<(), Error> {
    destination.take_directory(path, mode)
}

impl LayerShape {
    /// Returns the path of `member` below the target, or an error if it is not allowed.
    pub(crate) fn locate(&self, member: &Member) -> Result<RelativePath, Error> {
        let name = &member.name;
        if name.contains('\0') {
            return Err(refused(member, "its name contains a NUL"));
        }
        if name.starts_with('/') {
            return Err(refused(member, "its name is absolute"));
        }
        if name.split('/').any(|component| component == "..") {
            return Err(refused(member, "its name contains `..`"));
        }
        let path =
            format!("{}/{name}", self.base).parse().map_err(|_| refused(member, "its name leaves the target"))?;
        let may_be_there = if member.is_directory {
            self.path.starts_with(&path) || path.starts_with(&self.path)
        } else {
            path.starts_with(&self.path) && !path.is_root() && path != self.base
        };
        if !may_be_there {
            return Err(refused(member, "it is outside the path of the layer"));
        }
        Ok(path)
    }
}

fn refused(member: &Member, reason: &'static str) -> Error {
    Error::Refused { member: member.name.clone(), reason }
}
