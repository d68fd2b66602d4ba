//! The structure of safetensors files.

use std::io::{self, SeekFrom};

use super::finding::Level;
use super::member::Member;
use super::scanner::{Outcome, Scan};
use crate::tensors::{Error, Format, Header};

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
        Ok(_) => return Ok(Outcome::Whole),
        Err(Error::Read(error)) => return Err(error),
        Err(Error::TooLarge) if length.is_some_and(|length| length <= MOST_HEADER.min(size)) => {
            scan.findings.limit("bytes in the header");
        }
        Err(Error::TooMany { what, .. }) => scan.findings.limit(what),
        Err(error) => scan.findings.add(Level::Medium, "safetensors-broken", &error.to_string(), None),
    }
    Ok(Outcome::Open)
}
