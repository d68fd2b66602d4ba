//! Writing ModelKits with all that they need and all that is about them into an archive: an image layout (image-spec 1.1, "Image
//! Layout"), as a tar or a folder, for places that no network reaches.
//!
//! The same ModelKits give the same bytes. The index comes first and small documents before large blobs, so that whoever reads a
//! tar front to back knows early what is in it.

use std::io::{self, Read, Write};
use std::path::Path;

use super::contents::{List, Piece};
use super::sink::{Folder, Sink, keep_tar, new_tar};
use crate::archive::TarWriter;
use crate::digest::VerifyingReader;
use crate::modelkit::label;
use crate::oci::{ContentError, Descriptor, LAYOUT_FILE, Reference};
use crate::ops::error::Error;
use crate::ops::session::Located;
use crate::progress::{Phase, Progress};

const BUFFER_BYTES: usize = 1 << 20;

/// A ModelKit by its name, and where it is.
pub struct Named {
    /// The name that it keeps in the archive.
    pub reference: Reference,
    /// The place.
    pub found: Located,
}

/// Where an archive goes.
pub enum Destination<'a> {
    /// A tar, which replaces a file that is there.
    Tar(&'a Path),
    /// A folder, which must be empty if it is there.
    Folder(&'a Path),
    /// A stream, which is given a tar.
    Stream(&'a mut dyn Write),
}

/// What was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The ModelKits, sorted by name.
    pub manifests: Vec<(Reference, Descriptor)>,
    /// How many manifests about them are in the archive.
    pub referrers: usize,
    /// Of the blobs and manifests in it.
    pub bytes: u64,
    /// Of the blobs that the other side has.
    pub omitted_bytes: u64,
}

/// Saves `modelkits`, without the blobs of `since`, which the other side has.
///
/// Everything is verified while it passes, and appears under the name of the archive when it is whole; a stream that is broken
/// off is no archive.
pub fn save(
    modelkits: &[Named],
    since: &[Named],
    destination: Destination<'_>,
    progress: &dyn Progress,
) -> Result<Saved, Error> {
    let list = List::of(modelkits, since, progress)?;
    match destination {
        Destination::Tar(path) => {
            let mut tar = new_tar(path, list.bytes)?;
            write(&list, &mut tar, progress)?;
            keep_tar(tar, path)?;
        }
        Destination::Folder(path) => {
            let mut folder = Folder::new(path, list.bytes)?;
            write(&list, &mut folder, progress)?;
            folder.keep()?;
        }
        Destination::Stream(stream) => {
            let mut tar = TarWriter::new(stream);
            write(&list, &mut tar, progress)?;
            tar.finish().map_err(Error::Output)?;
        }
    }
    Ok(list.into_saved())
}

fn write(list: &List<'_>, sink: &mut impl Sink, progress: &dyn Progress) -> Result<(), Error> {
    let _whole = progress.overall(list.bytes);
    let index = serde_json::to_vec(&list.index).expect("an index has only string keys");
    for (name, content) in [("oci-layout", LAYOUT_FILE.as_bytes()), ("index.json", &index)] {
        sink.begin(name, content.len() as u64).and_then(|()| sink.write_all(content)).map_err(Error::Output)?;
        sink.end().map_err(Error::Output)?;
    }
    for folder in ["blobs", "blobs/sha256"] {
        sink.folder(folder).map_err(Error::Output)?;
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    for piece in list.documents.values().chain(list.blobs.values()) {
        put(piece, sink, &mut buffer, progress)?;
    }
    Ok(())
}

fn put(piece: &Piece<'_>, sink: &mut impl Sink, buffer: &mut [u8], progress: &dyn Progress) -> Result<(), Error> {
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
    sink.begin(&format!("blobs/sha256/{}", digest.hex()), size).map_err(Error::Output)?;
    loop {
        let read = match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result.map_err(|error| failed(error.into()))?,
        };
        if read == 0 {
            return sink.end().map_err(Error::Output);
        }
        sink.write_all(&buffer[..read]).map_err(Error::Output)?;
        task.advance(read as u64);
    }
}
