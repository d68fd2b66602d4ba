//! Writes ModelKits with all their layers and referrers into an archive for machines without a network: an image layout
//! (image-spec 1.1, "Image Layout"), as a tar or a folder.
//!
//! The same ModelKits give the same bytes. The index comes first, and small documents come before large blobs, so that
//! a program that reads a tar from front to back learns its contents early.

use std::io::{self, Read, Write};
use std::path::Path;

use fs_err as fs;

use super::contents::{List, Piece};
use super::error::BundleError;
use super::layout::Layout;
use super::sink::{Folder, Sink, keep_tar, new_tar};
use crate::archive::TarWriter;
use crate::digest::VerifyingReader;
use crate::modelkit::label;
use crate::oci::{ContentError, Descriptor, LAYOUT_FILE, Reference};
use crate::ops::error::Error;
use crate::ops::session::Located;
use crate::progress::{Phase, Progress};
use crate::sys;

const BUFFER_BYTES: usize = 1 << 20;

/// A ModelKit with its name and its location.
pub struct Named {
    /// The name of the ModelKit in the archive.
    pub reference: Reference,
    /// The location that the ModelKit is read from.
    pub found: Located,
}

/// The destination of an archive.
pub enum Destination<'a> {
    /// A tar file. An existing archive is replaced, and any other file is an error.
    Tar(&'a Path),
    /// A folder. An existing folder must be empty.
    Folder(&'a Path),
    /// A stream, to which a tar is written.
    Stream(&'a mut dyn Write),
}

/// The result of saving ModelKits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The ModelKits, sorted by name.
    pub manifests: Vec<(Reference, Descriptor)>,
    /// The number of referrers and companions in the archive.
    pub referrers: usize,
    /// The size of all blobs and manifests in the archive.
    pub bytes: u64,
    /// The size of the blobs that were left out, because the destination already has them.
    pub omitted_bytes: u64,
}

/// Saves `modelkits` without the blobs of `since`, which the destination already has.
///
/// Everything is verified while it is written. A file or folder gets its name only when it is complete; a stream that
/// ends early is not a valid archive.
pub fn save(
    modelkits: &[Named],
    since: &[Named],
    destination: Destination<'_>,
    progress: &dyn Progress,
) -> Result<Saved, BundleError> {
    if let Destination::Tar(path) = destination {
        refuse_other_file(path)?;
    }
    let list = List::of(modelkits, since, progress)?;
    match destination {
        Destination::Tar(path) => {
            let path = sys::end_of_links(path);
            let mut tar = new_tar(&path, list.bytes)?;
            write(&list, &mut tar, progress)?;
            keep_tar(tar, &path)?;
        }
        Destination::Folder(path) => {
            let mut folder = Folder::new(path, list.bytes)?;
            write(&list, &mut folder, progress)?;
            folder.keep()?;
        }
        Destination::Stream(stream) => {
            let mut tar = TarWriter::new(stream);
            write(&list, &mut tar, progress)?;
            tar.finish().map_err(BundleError::Output)?;
        }
    }
    Ok(list.into_saved())
}

/// Fails if `path` is a file with content that is not an archive, and would be lost.
fn refuse_other_file(path: &Path) -> Result<(), BundleError> {
    let has_content = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0);
    if has_content && Layout::open(path).is_err() {
        return Err(BundleError::OtherFile(path.to_owned()));
    }
    Ok(())
}

fn write(list: &List<'_>, sink: &mut impl Sink, progress: &dyn Progress) -> Result<(), BundleError> {
    let _whole = progress.overall(list.bytes);
    let index = serde_json::to_vec(&list.index).expect("an index has only string keys");
    for (name, content) in [("oci-layout", LAYOUT_FILE.as_bytes()), ("index.json", &index)] {
        sink.begin(name, content.len() as u64).and_then(|()| sink.write_all(content)).map_err(BundleError::Output)?;
        sink.end().map_err(BundleError::Output)?;
    }
    for folder in ["blobs", "blobs/sha256"] {
        sink.folder(folder).map_err(BundleError::Output)?;
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    for piece in list.documents.values().chain(list.blobs.values()) {
        put(piece, sink, &mut buffer, progress)?;
    }
    Ok(())
}

fn put(piece: &Piece<'_>, sink: &mut impl Sink, buffer: &mut [u8], progress: &dyn Progress) -> Result<(), BundleError> {
    let Descriptor { digest, size, .. } = piece.descriptor;
    let label = label(&piece.descriptor);
    let task = progress.start(Phase::Copying, &label, Some(size));
    let failed = |error: ContentError| Error::reading(&label, error);
    let content;
    let document;
    let opened: Box<dyn Read + Send + '_> = if piece.is_manifest {
        document = piece.source.manifest(&piece.descriptor).map_err(failed)?;
        Box::new(&document[..])
    } else {
        content = piece.source.blob(&piece.descriptor);
        content.open_at(0).map_err(failed)?
    };
    let mut reader = VerifyingReader::new(opened, digest, size);
    sink.begin(&format!("blobs/sha256/{}", digest.hex()), size).map_err(BundleError::Output)?;
    loop {
        let read = match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result.map_err(|error| failed(error.into()))?,
        };
        if read == 0 {
            return sink.end().map_err(BundleError::Output);
        }
        sink.write_all(&buffer[..read]).map_err(BundleError::Output)?;
        task.advance(read as u64);
    }
}
