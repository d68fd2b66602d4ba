//! Files of models and datasets that are cut off, or that are not what their names say. Reads their first and their
//! last bytes, and the headers of weights.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use memchr::memmem;

use super::names::is_content_name;
use super::npy;
use crate::file_kind::has_extension;
use crate::ops::refused::{End, Lack};
use crate::tensors::{self, Format, Header};

/// The bytes that identify the format of a file of weights.
const FORMAT_BYTES: u64 = 9;

/// The bytes at the beginning that show what a file is.
const BEGINNING_BYTES: u64 = 256;

/// The size up to which a compressed pickle is decompressed to find its end.
const DECOMPRESSED_BYTES: u64 = 256 * 1024 * 1024;

/// The names of data whose content shows that it is not complete. Other data are not opened: a dataset may have a
/// million images.
pub(super) fn is_checkable_data(name: &str) -> bool {
    is_content_name(name) || has_extension(name, "pickle") || is_pickle(name)
}

/// Returns the problem of the file `name` with `size` bytes, which are not 0.
pub(super) fn lack_in(name: &str, mut file: impl Read + Seek, size: u64) -> io::Result<Option<Lack>> {
    let mut beginning = Vec::new();
    file.by_ref().take(BEGINNING_BYTES).read_to_end(&mut beginning)?;
    if is_checkable_data(name) && is_web_page(&beginning) {
        return Ok(Some(Lack::WebPage));
    }
    if let Some(format) = Format::of(name) {
        file.rewind()?;
        return Ok(lack_of_end(format, file, size));
    }
    if beginning.starts_with(npy::MAGIC) {
        file.rewind()?;
        return Ok(npy::is_cut_off(file, size).then_some(Lack::NoEnd(End::Array)));
    }
    if is_pickle(name) && size <= DECOMPRESSED_BYTES && has_no_end_of_stream(&beginning, &mut file)? {
        return Ok(Some(Lack::NoEnd(End::Stream)));
    }
    let Some((end, longest)) = expected_end(name, &beginning) else { return Ok(None) };
    file.seek(SeekFrom::Start(size.saturating_sub(longest)))?;
    let mut last = Vec::new();
    file.take(longest).read_to_end(&mut last)?;
    Ok((!is_there(end, &last)).then_some(Lack::NoEnd(end)))
}

/// Returns the end that a file must have, and the greatest number of bytes that are part of it.
fn expected_end(name: &str, beginning: &[u8]) -> Option<(End, u64)> {
    match beginning {
        // APPNOTE 6.3.10, 4.3.16: the end record, of which a comment of at most 65,535 bytes is a part.
        [b'P', b'K', 3, 4, ..] => Some((End::Zip, 22 + 65_535)),
        // Apache Parquet, "File format": the magic number is at both ends; `PARE` if the footer is encrypted.
        [b'P', b'A', b'R', b'1' | b'E', ..] => Some((End::Parquet, 4)),
        // Arrow columnar format, "IPC file format": the magic number is at both ends.
        [b'A', b'R', b'R', b'O', b'W', b'1', 0, 0, ..] => Some((End::Arrow, 6)),
        // Python, pickletools: PROTO and a version of at least 2 come first, and STOP comes last.
        [0x80, 2..=5, ..] if is_pickle(name) && !is_old_torch(beginning) => Some((End::Pickle, 1)),
        _ => None,
    }
}

/// Returns true for the name of a pickle, also of a compressed one.
fn is_pickle(name: &str) -> bool {
    let inner =
        name.rsplit_once('.').filter(|(_, end)| ["gz", "z"].iter().any(|known| end.eq_ignore_ascii_case(known)));
    let name = inner.map_or(name, |(inner, _)| inner);
    ["pkl", "pickle", "joblib"].iter().any(|end| has_extension(name, end))
}

/// Returns true if a file in the format of zlib or gzip (joblib, "Compressed joblib pickles") ends within its data.
/// Other formats, and data that are damaged in another way, are not found.
fn has_no_end_of_stream(beginning: &[u8], file: &mut (impl Read + Seek)) -> io::Result<bool> {
    file.rewind()?;
    let mut reader = io::BufReader::new(file);
    let read = match beginning {
        [0x1f, 0x8b, 8, ..] => io::copy(&mut MultiGzDecoder::new(&mut reader), &mut io::sink()),
        // RFC 1950, 2.2: deflate with a window of 32 KiB, and a checksum of these two bytes.
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)) % 31 == 0 => {
            io::copy(&mut ZlibDecoder::new(&mut reader), &mut io::sink())
        }
        _ => return Ok(false),
    };
    Ok(read.is_err_and(|error| error.kind() == io::ErrorKind::UnexpectedEof))
}

/// Returns true for the format that `PyTorch` wrote before version 1.6: several pickles, and then the bytes of the
/// tensors. The first pickle is a magic number (torch/serialization.py, `MAGIC_NUMBER`).
fn is_old_torch(beginning: &[u8]) -> bool {
    const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    memmem::find(beginning, &MAGIC).is_some()
}

fn is_there(end: End, last: &[u8]) -> bool {
    match end {
        End::Zip => memmem::rfind(last, b"PK\x05\x06").is_some(),
        End::Parquet => [b"PAR1", b"PARE"].iter().any(|magic| last == *magic),
        End::Arrow => last == b"ARROW1",
        End::Pickle => last == b".",
        // These are found by reading all of the file.
        End::Stream | End::Array => true,
    }
}

/// Returns true for the beginning of an HTML document, such as the page of a login or of an error.
fn is_web_page(beginning: &[u8]) -> bool {
    let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins(b"<!doctype html") || begins(b"<html")
}

/// Returns the problem of a file of weights with `size` bytes that ends too early. Reads only its header.
pub(super) fn lack_of_end(format: Format, mut file: impl Read, size: u64) -> Option<Lack> {
    let mut beginning = Vec::new();
    file.by_ref().take(FORMAT_BYTES).read_to_end(&mut beginning).ok()?;
    let header = Header::read(format, beginning.as_slice().chain(file), Some(size));
    let error = header.err().filter(tensors::Error::is_cut_off)?;
    Some(if format.begins_with(&beginning) { Lack::End(error) } else { Lack::NoHeader(format) })
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn compressed_pickles_need_their_end() {
        let pickle: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
        let mut zlib = ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&pickle).unwrap();
        zlib.write_all(&pickle).unwrap();
        for whole in [gzip.finish().unwrap(), zlib.finish().unwrap()] {
            for (name, length, expected) in [
                ("m.joblib", whole.len(), false),
                ("m.joblib", whole.len() - 1, true),
                ("m.pkl.gz", whole.len() / 2, true),
                ("m.pkl.z", 30, true),
                ("m.csv.gz", 30, false),
                ("m.bin", 30, false),
            ] {
                let lack = lack_in(name, Cursor::new(&whole[..length]), length as u64).unwrap();
                assert_eq!(lack.is_some(), expected, "{name} {length}: {lack:?}");
            }
        }
    }

    #[test]
    fn cut_off_files_and_web_pages_are_found() {
        let page = b"\xef\xbb\xbf\n <!DOCTYPE HTML>\n<html>sign in".as_slice();
        let torch = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02 and raw tensors".as_slice();
        for (name, content, expected) in [
            ("m.pkl", b"\x80\x04\x95abc.".as_slice(), None),
            ("m.pkl", b"\x80\x04\x95abc", Some("its pickle has no end")),
            ("m.PICKLE", b"\x80\x02abc", Some("its pickle has no end")),
            ("m.joblib", b"\x80\x05abc", Some("its pickle has no end")),
            ("m.pkl", b"(dp0\nabc", None),
            ("m.bin", b"\x80\x04\x95abc", None),
            ("m.pkl", torch, None),
            ("a.parquet", b"PAR1 rows and footer PAR1", None),
            ("a.parquet", b"PARE rows and footer PARE", None),
            ("a.parquet", b"PAR1 rows", Some("its footer is missing")),
            ("a.parquet", b"a placeholder", None),
            ("a.arrow", b"ARROW1\0\0 batches ARROW1", None),
            ("a.arrow", b"ARROW1\0\0 batches", Some("its footer is missing")),
            ("a.npz", b"PK\x03\x04 half", Some("the directory at the end of its zip archive is missing")),
            ("a.npy", b"\x93NUMPY\x01\0\x76\0", Some("its array is shorter than its header says")),
            ("m.pt", page, Some("a web page")),
            ("m.safetensors", page, Some("a web page")),
            ("a.csv", b"<html>", Some("a web page")),
            ("card.html", page, None),
            ("m.bin", b"<htm", None),
        ] {
            let lack = lack_in(name, Cursor::new(content), content.len() as u64).unwrap();
            let shown = lack.as_ref().map(ToString::to_string);
            assert_eq!(lack.is_some(), expected.is_some(), "{name}: {shown:?}");
            assert!(expected.is_none_or(|words| shown.as_ref().unwrap().contains(words)), "{name}: {shown:?}");
            assert!(lack.is_none_or(|lack| lack.is_refused()), "{name}");
        }
    }
}
