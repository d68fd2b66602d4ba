//! The structure of safetensors files.

use std::io::{self, SeekFrom};

use super::finding::Level;
use super::member::Member;
use super::scanner::{Outcome, Scan};
use super::secrets::encoding::Encoding;
use super::text::{add_secrets, add_secrets_of_header};
use crate::limits;
use crate::tensors::{Error, Format, Header};

/// The bytes with the length of the header.
const LENGTH_BYTES: u64 = 8;

/// The longest header that the reader of safetensors accepts.
const MOST_HEADER: u64 = 100 * 1024 * 1024;

/// Checks a file that is named or begins like safetensors. One that is not valid may have other formats.
pub(super) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    let size = member.size;
    let head = member.head()?;
    let length = head.first_chunk().map(|length| u64::from_le_bytes(*length));
    let is_plausible = length.is_some_and(|length| (2..=size.saturating_sub(8)).contains(&length));
    let begins_like_safetensors = is_plausible && head.get(8) == Some(&b'{');
    if !begins_like_safetensors && !member.has_extension(&["safetensors"]) {
        return Ok(Outcome::Open);
    }
    member.reader.seek(SeekFrom::Start(0))?;
    match Header::read(Format::Safetensors, &mut *member.reader, Some(size)) {
        Ok(header) => {
            add_secrets_of_header(&header, &mut scan.findings);
            return Ok(Outcome::Whole);
        }
        Err(Error::Read(error)) => return Err(error),
        Err(Error::TooLarge) if length.is_some_and(|length| length <= MOST_HEADER.min(size)) => {
            scan.findings.limit("bytes in the header");
        }
        Err(Error::TooMany { what, .. }) => scan.findings.limit(what),
        Err(error) => scan.findings.add(Level::Medium, "safetensors-broken", &error.to_string(), None),
    }
    // The metadata of a header that is not valid. A file that looks like a text is searched as a whole.
    if Encoding::of(member.head()?).is_none() {
        let text = member.bytes(LENGTH_BYTES, length.unwrap_or_default().min(limits::SCANNED_TEXT_BYTES))?;
        add_secrets(&text, &mut scan.findings, |_| None);
    }
    Ok(Outcome::Open)
}
