//! Files of models and datasets that are cut off, or that are not what their names say. Reads their first and their
//! last bytes, and the headers of weights.

use std::io::{self, Read, Seek, SeekFrom};

use memchr::memmem;

use super::secret_names::is_content_name;
use crate::file_kind::has_extension;
use crate::ops::refused::{End, Lack};
use crate::tensors::{self, Format, Header};

/// The bytes that identify the format of a file of weights.
const FORMAT_BYTES: u64 = 9;

/// The bytes at the beginning that show what a file is.
const BEGINNING_BYTES: u64 = 256;

/// The names of data whose content shows that it is not complete. Other data are not opened: a dataset may have a
/// million images.
pub(super) fn is_checkable_data(name: &str) -> bool {
    is_content_name(name) || has_extension(name, "pickle")
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
    let Some((end, longest)) = expected_end(name, &beginning) else { return Ok(None) };
    file.seek(SeekFrom::Start(size.saturating_sub(longest)))?;
    let mut last = Vec::new();
    file.take(longest).read_to_end(&mut last)?;
    Ok((!is_there(end, &last)).then_some(Lack::NoEnd(end)))
}

/// Returns the end that a file must have, and the greatest number of bytes that are part of it.
fn expected_end(name: &str, beginning: &[u8]) -> Option<(End, u64)> {
    let is_pickle = || ["pkl", "pickle", "joblib"].iter().any(|end| has_extension(name, end));
    match beginning {
        // APPNOTE 6.3.10, 4.3.16: the end record, of which a comment of at most 65,535 bytes is a part.
        [b'P', b'K', 3, 4, ..] => Some((End::Zip, 22 + 65_535)),
        // Apache Parquet, "File format": the magic number is at both ends; `PARE` if the footer is encrypted.
        [b'P', b'A', b'R', b'1' | b'E', ..] => Some((End::Parquet, 4)),
        // Arrow columnar format, "IPC file format": the magic number is at both ends.
        [b'A', b'R', b'R', b'O', b'W', b'1', 0, 0, ..] => Some((End::Arrow, 6)),
        // Python, pickletools: PROTO and a version of at least 2 come first, and STOP comes last. Compressed files of
        // joblib begin with something else.
        [0x80, 2..=5, ..] if is_pickle() && !is_old_torch(beginning) => Some((End::Pickle, 1)),
        _ => None,
    }
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
    use std::io::Cursor;

    use super::*;

    #[test]
    fn cut_off_files_and_web_pages_are_found() {
        let page = b"\xef\xbb\xbf\n <!DOCTYPE HTML>\n<html>sign in".as_slice();
        let torch = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02 and raw tensors".as_slice();
        for (name, content, expected) in [
            ("m.pkl", b"\x80\x04\x95abc.".as_slice(), None),
            ("m.pkl", b"\x80\x04\x95abc", Some("its pickle has no end")),
            ("m.PICKLE", b"\x80\x02abc", Some("its pickle has no end")),
            ("m.joblib", b"\x80\x05abc", Some("its pickle has no end")),
            ("m.joblib", b"\x78\x9cabc", None),
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
