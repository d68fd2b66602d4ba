//! A file that is being scanned, or a member of one.

use std::io::{self, Read, Seek, SeekFrom};

/// Content that can be read at any place.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek + ?Sized> ReadSeek for T {}

/// The number of bytes at the beginning of a member that decide about its format.
const HEAD_BYTES: u64 = 4096;

/// A file, or a member of a file that is being scanned.
pub(super) struct Member<'a> {
    /// The name: the path of a file, the name of a member as its archive has it. It may be anything.
    pub(super) name: &'a str,
    /// The name of the file that contains it, unless it is the file itself.
    pub(super) parent: Option<&'a str>,
    /// The number of its bytes.
    pub(super) size: u64,
    /// Its bytes, decoded. A member of a compressed archive is decoded while it is read; seeking backward in it may
    /// decode it once more.
    pub(super) reader: &'a mut (dyn ReadSeek + 'a),
    head: Option<Vec<u8>>,
}

impl<'a> Member<'a> {
    pub(super) fn new(name: &'a str, parent: Option<&'a str>, size: u64, reader: &'a mut (dyn ReadSeek + 'a)) -> Self {
        Self { name, parent, size, reader, head: None }
    }

    /// Returns the first bytes, at most 4 KiB.
    pub(super) fn head(&mut self) -> io::Result<&[u8]> {
        if self.head.is_none() {
            self.head = Some(self.bytes(0, HEAD_BYTES)?);
        }
        Ok(self.head.as_deref().unwrap_or_default())
    }

    /// Returns at most `count` bytes at `offset`: fewer at the end of the member.
    pub(super) fn bytes(&mut self, offset: u64, count: u64) -> io::Result<Vec<u8>> {
        self.reader.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        Read::take(&mut *self.reader, count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns all bytes, or none if there are more than `limit`.
    pub(super) fn whole(&mut self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        if self.size > limit { Ok(None) } else { self.bytes(0, self.size).map(Some) }
    }

    /// Returns the last part of the name.
    pub(super) fn file_name(&self) -> &'a str {
        self.name.rsplit(['/', '\\']).next().unwrap_or_default()
    }

    /// Returns true if the name ends in one of these extensions, which are in lower case and without the dot.
    pub(super) fn has_extension(&self, extensions: &[&str]) -> bool {
        has_extension(self.name, extensions)
    }
}

/// Returns true if `name` ends in one of these extensions, which are in lower case and without the dot.
pub(super) fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(_, found)| extensions.iter().any(|known| found.eq_ignore_ascii_case(known)))
}
