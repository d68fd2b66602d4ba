//! Reads the members of an untrusted tar.
//!
//! USTAR, PAX and GNU long names are read as Go's `archive/tar` reads them; anything but files and folders is refused.
//! Only names are held in memory, and their size is limited.

use std::io::{self, Read, Seek};

use super::header::{BLOCK, padding};
use crate::archive::error::Error;
use crate::archive::reading::{fill, read_once};

/// The maximum size of a record of names. Linux allows paths of 4 KiB; more than this limit is an attack on memory.
const RECORD_BYTES: u64 = 1 << 20;

/// One member, as described by its header; only its kind has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) is_directory: bool,
    pub(crate) mode: u32,
    /// The size of the content in bytes; 0 for a directory.
    pub(crate) size: u64,
}

/// The members of a tar, one after another.
pub(crate) struct Members<R> {
    source: R,
    /// Skips bytes without reading them, if the source supports that.
    jump: Option<fn(&mut R, i64) -> io::Result<()>>,
    /// The number of bytes of the archive that have been read or skipped.
    position: u64,
    /// The number of bytes of the current content that have not been read.
    left: u64,
    padding: usize,
    /// The name of the current member, for errors.
    name: String,
    is_over: bool,
}

/// The contents of PAX and GNU records that apply to the next member.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

impl<R: Read> Members<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, jump: None, position: 0, left: 0, padding: 0, name: String::new(), is_over: false }
    }

    /// The offset in the archive of the next unread byte of content.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Skips the rest of the current member and moves to the next one. Returns none at the end of the archive.
    pub(crate) fn next(&mut self) -> Result<Option<Member>, Error> {
        self.skip_rest()?;
        let mut extension = Extension::default();
        while let Some(block) = self.header_block()? {
            let header = RawHeader(&block);
            let size = header.number(124..136).ok_or_else(|| self.malformed("its size is not a number"))?;
            match header.kind() {
                b'x' => extension.take_records(&self.record(size)?).ok_or_else(|| self.malformed("bad PAX records"))?,
                b'L' => extension.name = Some(until_nul(&self.record(size)?).to_vec()),
                // PAX records for all members and GNU link names are irrelevant.
                b'g' | b'K' => self.begin(size),
                _ => return self.member(&header, size, extension).map(Some),
            }
            self.skip_rest()?;
        }
        Ok(None)
    }

    /// Reads everything after the archive: only the end of a compressed stream shows that it is complete.
    pub(crate) fn drain(&mut self) -> Result<(), Error> {
        let mut skipped = [0; 8 * BLOCK];
        while self.read_source(&mut skipped)? > 0 {}
        Ok(())
    }

    /// Reads content of the current member. Returns 0 at its end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.read_source(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(self.malformed("the archive ends within a member"));
        }
        self.left -= read as u64;
        Ok(read)
    }

    fn member(&mut self, header: &RawHeader, size: u64, extension: Extension) -> Result<Member, Error> {
        let bytes = extension.name.unwrap_or_else(|| header.name());
        let name = String::from_utf8(bytes)
            .map_err(|error| refused(&String::from_utf8_lossy(error.as_bytes()), "its name is not UTF-8"))?;
        let is_directory = match header.kind() {
            b'5' => true,
            // Before USTAR, a trailing slash indicated a directory.
            b'0' | 0 => name.ends_with('/'),
            kind => return Err(refused(&name, kind_refused(kind))),
        };
        if extension.is_sparse {
            return Err(refused(&name, "sparse files are not supported"));
        }
        self.name.clone_from(&name);
        let mode = header.number(100..108).ok_or_else(|| self.malformed("its mode is not a number"))?;
        let size = if is_directory { 0 } else { extension.size.unwrap_or(size) };
        self.begin(size);
        Ok(Member { name, is_directory, mode: u32::try_from(mode & 0o7777).expect("twelve bits"), size })
    }

    /// Returns the next header. Returns none at the end, which is two empty blocks or, as in Go, the end of the archive
    /// between two members.
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let Some(block) = self.block()? else { return Ok(None) };
        if block.iter().any(|byte| *byte != 0) {
            if !RawHeader(&block).has_right_sum() {
                return Err(self.malformed("the next block is not a tar header"));
            }
            return Ok(Some(block));
        }
        self.is_over = true;
        if self.block()?.is_some_and(|block| block.iter().any(|byte| *byte != 0)) {
            return Err(self.malformed("a single empty block follows"));
        }
        Ok(None)
    }

    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        let mut block = [0; BLOCK];
        match fill(&mut block, |rest| self.read_source(rest))? {
            0 => {
                self.is_over = true;
                Ok(None)
            }
            BLOCK => Ok(Some(block)),
            _ => Err(self.malformed("the archive ends within the next header")),
        }
    }

    fn record(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        if size > RECORD_BYTES {
            return Err(self.malformed("a record of names of more than 1 MiB follows"));
        }
        self.begin(size);
        let mut record = vec![0; usize::try_from(size).expect("at most 1 MiB")];
        fill(&mut record, |rest| self.read(rest))?;
        Ok(record)
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.padding = padding(size);
    }

    fn skip_rest(&mut self) -> Result<(), Error> {
        if let Some(jump) = self.jump {
            return self.jump_over_rest(jump);
        }
        let mut skipped = [0; 8 * BLOCK];
        while self.read(&mut skipped)? > 0 {}
        let padding = std::mem::take(&mut self.padding);
        let read = fill(&mut skipped[..padding], |rest| self.read_source(rest))?;
        if read < padding {
            return Err(self.malformed("the archive ends within a member"));
        }
        Ok(())
    }

    fn jump_over_rest(&mut self, jump: fn(&mut R, i64) -> io::Result<()>) -> Result<(), Error> {
        let rest = self.left.checked_add(std::mem::take(&mut self.padding) as u64);
        let place = rest.and_then(|rest| Some((i64::try_from(rest).ok()?, self.position.checked_add(rest)?)));
        let (distance, position) = place.ok_or_else(|| self.malformed("it is too large"))?;
        (self.left, self.position) = (0, position);
        match jump(&mut self.source, distance) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.malformed("the archive ends within a member"))
            }
            result => result.map_err(|source| Error::ReadLayer { source }),
        }
    }

    fn read_source(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let read = read_once(&mut self.source, buffer).map_err(|source| Error::ReadLayer { source })?;
        self.position += read as u64;
        Ok(read)
    }

    fn malformed(&self, reason: &'static str) -> Error {
        Error::MalformedLayer { member: self.name.clone(), reason }
    }
}

impl<R: Read + Seek> Members<R> {
    /// Like [`new`](Self::new), but seeks over contents. The source must return an error when it seeks past its end.
    pub(super) fn jumping(source: R) -> Self {
        Self { jump: Some(R::seek_relative), ..Self::new(source) }
    }
}

impl Extension {
    /// Parses records of the form `LEN key=value\n`. Returns none if one is malformed.
    fn take_records(&mut self, mut records: &[u8]) -> Option<()> {
        while !records.is_empty() {
            let blank = records.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&records[..blank]).ok()?.parse().ok()?;
            let record = records.get(blank + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            self.take_record(&record[..equals], &record[equals + 1..])?;
            records = &records[length..];
        }
        Some(())
    }

    fn take_record(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" if !value.is_empty() => self.name = Some(value.to_vec()),
            b"size" if !value.is_empty() => self.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
            _ => self.is_sparse |= key.starts_with(b"GNU.sparse."),
        }
        Some(())
    }
}

/// The fields of a header block.
struct RawHeader<'a>(&'a [u8; BLOCK]);

impl RawHeader<'_> {
    fn kind(&self) -> u8 {
        self.0[156]
    }

    fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.0[..100]);
        let prefix = until_nul(&self.0[345..500]);
        // GNU's own magic has a blank instead of the NUL, and other fields at the position of the USTAR prefix.
        if &self.0[257..263] != b"ustar\0" || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, name].join(&b'/')
    }

    /// Parses a number in octal digits or, with the highest bit set, in binary. Returns none if it is neither, negative
    /// or too large.
    fn number(&self, field: std::ops::Range<usize>) -> Option<u64> {
        let field = &self.0[field];
        if field[0] & 0x80 == 0 {
            let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
            let digits = text.split('\0').next()?;
            return if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() };
        }
        let (high, low) = field.split_at(field.len() - 8);
        let is_small = match high {
            [] => field[0] == 0x80,
            [first, rest @ ..] => *first == 0x80 && rest.iter().all(|byte| *byte == 0),
        };
        let value = u64::from_be_bytes(low.try_into().ok()?);
        is_small.then_some(if high.is_empty() { value & !(1 << 63) } else { value })
    }

    /// Returns true if the checksum matches, computed over unsigned bytes or, as by some old programs, over signed
    /// bytes.
    fn has_right_sum(&self) -> bool {
        let bytes = || (0..).zip(self.0).map(|(place, byte)| if (148..156).contains(&place) { b' ' } else { *byte });
        let unsigned: i64 = bytes().map(i64::from).sum();
        let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
        let noted = self.number(148..156).and_then(|sum| i64::try_from(sum).ok());
        noted.is_some_and(|noted| noted == unsigned || noted == signed)
    }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn refused(member: &str, reason: &'static str) -> Error {
    Error::Refused { member: member.to_owned(), reason }
}

fn kind_refused(kind: u8) -> &'static str {
    match kind {
        b'1' => "hard links are not unpacked",
        b'2' => "symbolic links are not unpacked",
        b'3' | b'4' => "devices are not unpacked",
        b'6' => "FIFOs are not unpacked",
        _ => "it is neither a file nor a folder",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(field: &[u8]) -> Option<u64> {
        let mut block = [0; BLOCK];
        block[..field.len()].copy_from_slice(field);
        RawHeader(&block).number(0..field.len())
    }

    #[test]
    fn numbers_are_octal_or_binary() {
        for (field, expected) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"644\0junk", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"77777777777\0", Some(0o777_7777_7777)),
            (b"777777777777", Some(0o7777_7777_7777)),
            (b"\x80\0\0\0\0\0\x02\0\0\0\0\x01", Some((2 << 40) + 1)),
            (b"\x80\0\0\0\0\0\x01\0", Some(256)),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"0000648\0", None),
            (b"-000644\0", None),
        ] {
            assert_eq!(number(field), expected, "{field:?}");
        }
    }

    #[test]
    fn sums_over_signed_bytes_are_right_too() {
        let mut block = [0; BLOCK];
        block[0] = 0xe9;
        for (sum, expected) in [(256 + 0xe9, true), (256 - 0x17, true), (256, false)] {
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            assert_eq!(RawHeader(&block).has_right_sum(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>, blocks in 0..4_usize) {
            bytes.resize(bytes.len() + blocks * BLOCK, 0);
            let mut members = Members::new(&bytes[..]);
            while let Ok(Some(_)) = members.next() {}
            Extension::default().take_records(&bytes);
        }
    }
}
