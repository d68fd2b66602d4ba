//! Files that are compressed as a whole.

use std::io;

use flate2::{Decompress, FlushDecompress};

use super::decoded::{Decoded, Method};
use crate::scan::finding::Level;
use crate::scan::member::Member;
use crate::scan::pickle::is_named_like_a_pickle;
use crate::scan::scanner::Scan;
use crate::scan::window::{Budget, Window};

/// The rule of content that could not be examined.
pub(super) const NOT_READ: &str = "compressed-not-read";

/// The extensions that are not part of the name of the content.
const EXTENSIONS: [&str; 6] = [".gz", ".gzip", ".zst", ".zstd", ".zz", ".z"];

/// Scans the content of a compressed file. Returns false if it is not compressed.
pub(super) fn scan(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<bool> {
    let name = member.name;
    let is_pickle = is_named_like_a_pickle(name);
    match format(member.head()?, is_pickle) {
        None => return Ok(false),
        Some((format, None)) => scan.findings.add(Level::Medium, NOT_READ, format, None),
        Some((format, Some(method))) => {
            let part = Window::new(member.reader, 0, member.size, scan.budget.clone());
            let mut decoded = Decoded::new(part, method, scan.budget.clone())?;
            let size = decoded.size();
            scan.member(content_name(name), name, size, &mut decoded);
            match decoded.failure() {
                Some(error) if Budget::is_spent(error) => scan.findings.limit("bytes in members"),
                // The first bytes may have been zlib by chance.
                Some(_) if method == Method::Zlib && !is_pickle => return Ok(false),
                Some(_) => {
                    scan.findings.add(Level::Medium, NOT_READ, &format!("{format}, which is damaged"), None);
                }
                None => {}
            }
        }
    }
    Ok(true)
}

/// Returns the compressed format of a file by its first bytes, and how it is decoded, if it is.
fn format(head: &[u8], is_pickle: bool) -> Option<(&'static str, Option<Method>)> {
    Some(match head {
        [0x1f, 0x8b, ..] => ("gzip", Some(Method::Gzip)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => ("zstd", Some(Method::Zstd)),
        [0x78, second, ..] if u16::from_be_bytes([0x78, *second]).is_multiple_of(31) => {
            if !is_pickle && !begins_like_zlib(head) {
                return None;
            }
            ("zlib", Some(Method::Zlib))
        }
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..] => ("bzip2", None),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => ("xz", None),
        [0x5d, rest @ ..] if is_lzma(rest) => ("lzma", None),
        [0x04, 0x22, 0x4d, 0x18, ..] => ("lz4", None),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => ("7z", None),
        _ => return None,
    })
}

/// Returns true if the first bytes of a file can be decompressed. A loader of pickles does not ask for the name, but a
/// text may begin with the two bytes of the header.
fn begins_like_zlib(head: &[u8]) -> bool {
    let mut decoder = Decompress::new(true);
    let mut buffer = [0; 4096];
    let status = decoder.decompress(head, &mut buffer, FlushDecompress::None);
    status.is_ok() && decoder.total_out() > 0
}

/// Returns true for the rest of a header of the old format of LZMA: the size of the dictionary, which is a power of two
/// or one and a half of it, and the size of the content.
fn is_lzma(rest: &[u8]) -> bool {
    let Some((dictionary, rest)) = rest.split_first_chunk().map(|(size, rest)| (u32::from_le_bytes(*size), rest))
    else {
        return false;
    };
    let size = rest.first_chunk().map(|size| u64::from_le_bytes(*size));
    dictionary >= 4096
        && (dictionary.is_power_of_two() || (dictionary / 3 * 3 == dictionary && (dictionary / 3).is_power_of_two()))
        && size.is_some_and(|size| size == u64::MAX || size < 1 << 40)
}

/// Returns the name of the content of a compressed file.
fn content_name(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    EXTENSIONS.iter().find_map(|extension| name.strip_suffix(extension)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_by_their_first_bytes() {
        let lzma = [&[0x5d, 0, 0, 0x80, 0][..], &[0xff; 8]].concat();
        let cases: &[(&[u8], bool, Option<&str>)] = &[
            (&[0x1f, 0x8b, 8], false, Some("gzip")),
            (&[0x28, 0xb5, 0x2f, 0xfd], false, Some("zstd")),
            (&[0x78, 0x9c], true, Some("zlib")),
            (&[0x78, 0x9c], false, None),
            (b"\x78\x9c\x4b\x04\x00\x00\x62\x00\x62", false, Some("zlib")),
            (b"x^2 + y^2 = z^2, and so on", false, None),
            (&[0x78, 0x9d], true, None),
            (b"BZh91AY&SY", false, Some("bzip2")),
            (b"BZhello", false, None),
            (b"\xfd7zXZ\0", false, Some("xz")),
            (&lzma, false, Some("lzma")),
            (&[0x5d, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], false, None),
            (&[0x04, 0x22, 0x4d, 0x18], false, Some("lz4")),
            (b"7z\xbc\xaf\x27\x1c", false, Some("7z")),
            (b"", true, None),
        ];
        for (head, is_pickle, expected) in cases {
            assert_eq!(format(head, *is_pickle).map(|(name, _)| name), *expected, "{}", head.escape_ascii());
        }
    }
}
