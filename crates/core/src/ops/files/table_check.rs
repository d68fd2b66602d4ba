//! Comparing a table of contents with the bytes of its layer.
//!
//! The manifest covers both digests, so both are authentic; but nothing in the manifest proves that one describes the
//! other. Only a comparison with all bytes of the layer does.

use std::io::{self, BufReader, Read, Seek};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;

use super::hash::{BUFFER_BYTES, buffer, digest};
use crate::archive::{self, LayerMember, LayerShape, Listing};
use crate::compression::Compression;
use crate::contents::{self, Altered, Entry, Kind, VerifiedPieces};
use crate::digest::{Digest, Hasher, PartDigests, VerifyingReader};
use crate::layer_format::Format;
use crate::modelkit::LayerType;
use crate::oci::{ContentError, Descriptor};
use crate::progress::Silent;
use crate::relative_path::RelativePath;

/// The first difference between a table of contents and its layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the table of contents does not match the layer {layer}: {difference}")]
pub(super) struct WrongTable {
    layer: Digest,
    difference: String,
}

impl WrongTable {
    pub(super) fn new(layer: &Descriptor, difference: String) -> Self {
        Self { layer: layer.digest, difference }
    }
}

/// Compares `entries` with the headers of the uncompressed tar `layer`, without reading the contents of files.
pub(super) fn compare_headers(
    layer: &Descriptor,
    entries: &[Entry],
    bytes: impl Read + Seek,
) -> io::Result<Result<(), WrongTable>> {
    let mut listing = Listing::hopping(bytes, anywhere());
    let mut entries = entries.iter();
    let mut run = || loop {
        match (listing.next_member()?, entries.next()) {
            (None, None) => return Ok(()),
            (Some(member), Some(entry)) => compare_header(&member, entry)?,
            (member, entry) => return only_in_one(member.as_ref(), entry),
        }
    };
    result(layer, run())
}

/// Compares the compressed `table` with all `bytes` of `layer`: paths, kinds, modes, sizes, offsets, and the digests of
/// files and chunks. The inner error is the first difference, the outer one that of reading `bytes`.
///
/// The names of tensors are not compared, because no operation uses them.
pub(super) fn compare(layer: &Descriptor, table: &[u8], bytes: impl Read + Send) -> io::Result<Result<(), WrongTable>> {
    let comparison = Comparison::new(layer, bytes, Depth::Chunks, None);
    result(layer, comparison.and_then(|comparison| comparison.run(table)))
}

fn result(layer: &Descriptor, compared: Result<(), Stop>) -> io::Result<Result<(), WrongTable>> {
    match compared {
        Ok(()) => Ok(Ok(())),
        Err(Stop::Read(error)) => Err(error),
        Err(Stop::Different(difference)) => Ok(Err(WrongTable::new(layer, difference))),
    }
}

/// All paths are allowed here: those that the layer must not have are refused when the table is read.
fn anywhere() -> LayerShape {
    LayerShape { path: RelativePath::root(), base: RelativePath::root() }
}

fn only_in_one(member: Option<&LayerMember>, entry: Option<&Entry>) -> Result<(), Stop> {
    let place = if member.is_some() { "layer" } else { "table" };
    match member.map(|member| &member.path).or(entry.map(|entry| &entry.path)) {
        Some(path) => different(format!("`{path}` is only in the {place}")),
        None => Ok(()),
    }
}

/// The extent of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Everything except the digests of chunks. A reader of a chunk verifies it in any case.
    Files,
    /// Everything. Only then may a table be recorded as compared.
    Chunks,
}

/// The reason why a comparison ended early.
enum Stop {
    Read(io::Error),
    Different(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<archive::Error> for Stop {
    fn from(error: archive::Error) -> Self {
        match error {
            archive::Error::ReadLayer { source } => Self::Read(source),
            error => Self::Different(format!("the layer is not one that a table can describe: {error}")),
        }
    }
}

fn different<T>(difference: String) -> Result<T, Stop> {
    Err(Stop::Different(difference))
}

struct Comparison<'a> {
    members: Members<'a>,
    contents: Contents,
}

/// The members of a layer, each with its content.
enum Members<'a> {
    Tar(Listing<Box<dyn Read + Send + 'a>>),
    /// The only file of a raw layer.
    Raw(Box<dyn Read + Send + 'a>),
}

impl<'a> Comparison<'a> {
    fn new(
        layer: &Descriptor,
        bytes: impl Read + Send + 'a,
        depth: Depth,
        digests: Option<PartDigests>,
    ) -> Result<Self, Stop> {
        let Some(LayerType { format, compression, .. }) = LayerType::of(layer) else {
            return different(format!("`{}` is not the type of a layer", layer.media_type));
        };
        let decoder = compression.decoder(BufReader::with_capacity(BUFFER_BYTES, bytes))?;
        let members = match format {
            Format::Tar => Members::Tar(Listing::reading(decoder, anywhere())),
            Format::Raw => Members::Raw(decoder),
        };
        Ok(Self { members, contents: Contents { depth, buffer: buffer(None), digests, listed: Vec::new() } })
    }

    fn run(self, table: &[u8]) -> Result<(), Stop> {
        let Self { members, mut contents } = self;
        members.compare(table, &mut contents)?;
        contents.compare_digests(table)
    }
}

impl Members<'_> {
    fn compare(self, table: &[u8], contents: &mut Contents) -> Result<(), Stop> {
        let mut entries = contents::read(table).map_err(|error| invalid(&error))?;
        let mut next = || entries.next().transpose().map_err(|error| invalid(&error));
        match self {
            Self::Tar(mut listing) => loop {
                match (listing.next_member()?, next()?) {
                    (None, None) => return Ok(()),
                    (Some(member), Some(entry)) => {
                        compare_header(&member, &entry)?;
                        contents.compare(&entry, &mut listing)?;
                    }
                    (member, entry) => return only_in_one(member.as_ref(), entry.as_ref()),
                }
            },
            Self::Raw(mut content) => {
                let mut entry = next()?;
                // The folders above the file are not in the layer.
                while entry.as_ref().is_some_and(|entry| entry.kind == Kind::Folder) {
                    entry = next()?;
                }
                match (entry, next()?) {
                    (Some(entry @ Entry { kind: Kind::File { offset: 0, .. }, .. }), None) => {
                        contents.compare(&entry, &mut content)
                    }
                    _ => different("the layer is a single file".to_owned()),
                }
            }
        }
    }
}

fn invalid(error: &contents::InvalidContents) -> Stop {
    Stop::Different(with_cause(error))
}

fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Compares everything that the header of a member and its position say.
fn compare_header(member: &LayerMember, entry: &Entry) -> Result<(), Stop> {
    let LayerMember { path, is_directory, mode, size, offset } = member;
    if *path != entry.path {
        return different(format!("`{path}` is in the layer in place of `{}`", entry.path));
    }
    let differs = |what: &str, layer: String, table: String| {
        different(format!("the {what} of `{path}` is {layer} in the layer and {table} in the table"))
    };
    if *mode != entry.mode {
        return differs("mode", format!("{mode:o}"), format!("{:o}", entry.mode));
    }
    match &entry.kind {
        Kind::Folder if *is_directory => Ok(()),
        Kind::Folder => differs("type", "a file".to_owned(), "a folder".to_owned()),
        Kind::File { .. } if *is_directory => differs("type", "a folder".to_owned(), "a file".to_owned()),
        Kind::File { size: listed, .. } if size != listed => differs("size", size.to_string(), listed.to_string()),
        Kind::File { offset: listed, .. } if offset != listed => {
            differs("offset", offset.to_string(), listed.to_string())
        }
        Kind::File { .. } => Ok(()),
    }
}

/// The comparison of the contents of files.
struct Contents {
    depth: Depth,
    buffer: Vec<u8>,
    /// The digests of all files with content, if the reader of the layer computes them.
    digests: Option<PartDigests>,
    /// The digests of these files by the table.
    listed: Vec<Digest>,
}

impl Contents {
    /// Compares the content of a file with its size, its digest and those of its chunks.
    fn compare(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), Stop> {
        let Kind::File { size, offset, digest, pieces } = &entry.kind else { return Ok(()) };
        let (path, is_hashed) = (&entry.path, self.digests.is_some() && *size > 0);
        let (found, read) = if pieces.is_empty() || self.depth == Depth::Files {
            self.read(content, is_hashed)?
        } else {
            self.read(&mut VerifiedPieces::new(&mut *content, *offset, pieces), is_hashed).map_err(altered)?
        };
        let read = read + io::copy(content, &mut io::sink())?;
        if read != *size {
            return different(format!("the size of `{path}` is {read} in the layer and {size} in the table"));
        }
        if let Some(found) = found {
            return same_digest(path, &found, digest);
        }
        self.listed.push(*digest);
        Ok(())
    }

    /// Returns the digest and the size of `content`; no digest if the reader of the layer computes it.
    fn read(&mut self, content: &mut dyn Read, is_hashed: bool) -> io::Result<(Option<Digest>, u64)> {
        if !is_hashed {
            let (digest, size) = digest(content, &mut self.buffer, &Silent)?;
            return Ok((Some(digest), size));
        }
        let mut size = 0;
        loop {
            match content.read(&mut self.buffer) {
                Ok(0) => return Ok((None, size)),
                Ok(read) => size += read as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Compares the digests from the reader of the layer, when it has read everything.
    fn compare_digests(self, table: &[u8]) -> Result<(), Stop> {
        let Some(digests) = self.digests else { return Ok(()) };
        let mut found = digests.iter().flatten();
        for (number, listed) in self.listed.iter().enumerate() {
            // The digests end early only if the layer did not match its own digest, which its reader reports.
            let Some(found) = found.next() else { return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) };
            if found != *listed {
                let entry = files_with_content(table).nth(number);
                return entry.map_or(Ok(()), |entry| same_digest(&entry.path, &found, listed));
            }
        }
        Ok(())
    }
}

fn same_digest(path: &RelativePath, found: &Digest, listed: &Digest) -> Result<(), Stop> {
    if found == listed {
        return Ok(());
    }
    different(format!("the digest of `{path}` is {found} in the layer and {listed} in the table"))
}

/// Returns the files with content, up to the first invalid line.
fn files_with_content(table: &[u8]) -> impl Iterator<Item = Entry> {
    let entries = contents::read(table).into_iter().flatten().map_while(Result::ok);
    entries.filter(|entry| matches!(entry.kind, Kind::File { size: 1.., .. }))
}

/// Returns the positions at which files with content begin and end by the table of an uncompressed layer; `None` for a
/// compressed layer, and for a table that is not possible.
fn bounds(layer: &Descriptor, table: &[u8]) -> Option<Vec<u64>> {
    LayerType::of(layer).filter(|layer| layer.compression == Compression::None)?;
    let mut bounds = Vec::new();
    for entry in files_with_content(table) {
        if let Kind::File { size, offset, .. } = entry.kind {
            bounds.extend([offset, offset.checked_add(size)?]);
        }
    }
    bounds.is_sorted().then_some(bounds)
}

fn altered(error: io::Error) -> Stop {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Altered>()) {
        Some(altered) => Stop::Different(altered.to_string()),
        None => Stop::Read(error),
    }
}

/// Compares a table with the bytes of its layer while they pass, on a thread of its own. The digests of files come from
/// the hasher of the layer, where they cost almost nothing, unless the layer is compressed.
pub(crate) struct PassingCheck {
    hasher: Hasher,
    bytes: SyncSender<Bytes>,
    thread: JoinHandle<io::Result<Result<(), WrongTable>>>,
}

/// The number of blocks that may wait for the comparison.
const WAITING: usize = 2;

impl PassingCheck {
    pub(crate) fn start(layer: Descriptor, table: Vec<u8>, depth: Depth) -> io::Result<Self> {
        let (bytes, waiting) = sync_channel(WAITING);
        let passing = Passing { waiting, bytes: io::Cursor::default() };
        let mut hasher = Hasher::default();
        let digests = bounds(&layer, &table).map(|bounds| {
            hasher.plan_bounds(bounds);
            hasher.parts()
        });
        let compare = move || {
            let comparison = Comparison::new(&layer, passing, depth, digests);
            result(&layer, comparison.and_then(|comparison| comparison.run(&table)))
        };
        let thread = std::thread::Builder::new().spawn(compare);
        let thread = thread.map_err(|error| io::Error::new(error.kind(), format!("cannot start a thread: {error}")))?;
        Ok(Self { hasher, bytes, thread })
    }

    /// Returns the hasher that the caller must use for the digest of the layer.
    pub(crate) fn hasher(&mut self) -> Hasher {
        std::mem::take(&mut self.hasher)
    }

    /// Returns a reader of the layer `blob`, whose bytes are `opened`, that verifies them and passes them to this check.
    /// It must be dropped before the check is finished.
    pub(crate) fn verifying<R: Read>(&mut self, opened: R, blob: &Descriptor) -> VerifyingReader<R> {
        let bytes = self.bytes.clone();
        let reader = VerifyingReader::resumed(opened, self.hasher(), 0, blob.digest, blob.size);
        // The receiver is gone after the end of the tar and after the first difference, which `finish` returns.
        reader.passing_to(move |read| drop(bytes.send(read)))
    }

    /// Receives the next bytes of the layer.
    pub(crate) fn take(&self, bytes: Bytes) {
        // The receiver is gone after the end of the tar and after the first difference, which `finish` returns.
        drop(self.bytes.send(bytes));
    }

    /// Returns the first difference as an error. All bytes of the layer must have been received.
    pub(crate) fn finish(self) -> Result<(), ContentError> {
        drop((self.bytes, self.hasher));
        let compared = self.thread.join().expect("comparing a table does not panic");
        compared?.map_err(|wrong| ContentError::Other(wrong.into()))
    }
}

/// The bytes that a [`PassingCheck`] received.
struct Passing {
    waiting: Receiver<Bytes>,
    bytes: io::Cursor<Bytes>,
}

impl Read for Passing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.bytes.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Ok(bytes) = self.waiting.recv() else { return Ok(0) };
            self.bytes = io::Cursor::new(bytes);
        }
    }
}
