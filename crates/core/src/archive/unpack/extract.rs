//! Extracts layers and single files into a [`Destination`], and refuses whatever a layer has no business to hold.

use std::fs::File;
use std::io::{self, BufReader, Read};

use super::destination::{Destination, Fingerprints};
use super::receive::{Buffers, Incoming, receive};
use crate::archive::error::Error;
use crate::archive::reading::{BUFFER_BYTES, read_once};
use crate::archive::tar::{Member, Members};
use crate::compression::Compression;
use crate::progress::Task;
use crate::relative_path::RelativePath;

/// Where the members of a layer may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerShape {
    /// What the Kitfile says the layer holds. Files must be it or below it; folders may also be above it.
    pub path: RelativePath,
    /// What the member names are relative to: the target itself, or the parent of `path` for kits older than 0.5.
    pub base: RelativePath,
}

/// What a layer held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extracted {
    /// Number of files.
    pub files: u64,
    /// Their size together.
    pub bytes: u64,
}

/// Extracts the tar in `reader` into `destination`, and tells `task` of the bytes of files.
///
/// `reader` may not be at its end afterwards; whoever verifies it has to drain it before the destination is committed.
/// After an error the destination must not be committed.
pub fn extract_layer(
    reader: impl Read + Send,
    compression: Compression,
    shape: &LayerShape,
    destination: &Destination,
    task: &dyn Task,
) -> Result<Extracted, Error> {
    extract_cloning(reader, compression, shape, None, destination, task)
}

/// Finds the file that holds so many bytes of a tar from an offset on, and nothing else.
pub type FindPart<'a> = &'a mut dyn FnMut(u64, u64) -> io::Result<Option<File>>;

/// Like [`extract_layer`], and clones the files that `parts` finds instead of writing them, where the file system can do that.
///
/// What is cloned is read all the same, to be verified; `reader` must give the bytes of these files.
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

/// A file that does not come in a tar.
pub struct SingleFile<'a> {
    /// Where it goes.
    pub path: &'a RelativePath,
    /// Permission bits.
    pub mode: u32,
    /// In bytes, if it is known beforehand.
    pub size: Option<u64>,
    /// A file with the same content that may be cloned, and is read all the same, to be verified.
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

/// Makes the folder `path` in `destination`, or gives it its `mode` if it had to be made for what is in it.
pub fn extract_folder(path: &RelativePath, mode: u32, destination: &Destination) -> Result<(), Error> {
    destination.take_directory(path, mode)
}

impl LayerShape {
    /// The path of `member` below the target, if it may be there.
    pub(crate) fn locate(&self, member: &Member) -> Result<RelativePath, Error> {
        let name = &member.name;
        if name.contains('\0') {
            return Err(refused(member, "its name holds a NUL"));
        }
        if name.starts_with('/') {
            return Err(refused(member, "its name is absolute"));
        }
        if name.split('/').any(|component| component == "..") {
            return Err(refused(member, "its name climbs out of folders"));
        }
        let path =
            format!("{}/{name}", self.base).parse().map_err(|_| refused(member, "its name leaves the target"))?;
        let may_be_there = if member.is_directory {
            self.path.starts_with(&path) || path.starts_with(&self.path)
        } else {
            path.starts_with(&self.path) && !path.is_root() && path != self.base
        };
        if !may_be_there {
            return Err(refused(member, "it lies outside of the path of the layer"));
        }
        Ok(path)
    }
}

fn refused(member: &Member, reason: &'static str) -> Error {
    Error::Refused { member: member.name.clone(), reason }
}
