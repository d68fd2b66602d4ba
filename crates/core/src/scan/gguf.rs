//! The structure of GGUF files, and the chat templates in them.

use std::io::{self, SeekFrom};

use super::finding::Level;
use super::member::Member;
use super::scanner::{Outcome, Scan};
use super::template;
use super::text::add_secrets_of_header;
use crate::limits;
use crate::tensors::{Error, Format, Header};

/// The key of the template, and the beginning of the keys of further ones.
const TEMPLATE: &str = "tokenizer.chat_template";

/// The number of the type of strings.
const STRING: u32 = 8;

/// Checks a GGUF file and scans its templates. One that is not valid may have other formats.
pub(super) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    if !member.head()?.starts_with(b"GGUF") {
        return Ok(Outcome::Open);
    }
    member.reader.seek(SeekFrom::Start(0))?;
    match Header::read(Format::Gguf, &mut *member.reader, Some(member.size)) {
        Ok(header) => {
            let is_template =
                |key: &str| key.strip_prefix(TEMPLATE).is_some_and(|rest| matches!(rest.get(..1), None | Some(".")));
            for (key, value) in header.metadata.iter().filter(|(key, _)| is_template(key)) {
                template::scan(key, value.text().unwrap_or_default(), &mut scan.findings);
            }
            add_secrets_of_header(&header, &mut scan.findings);
            return Ok(Outcome::Whole);
        }
        Err(Error::Read(error)) => return Err(error),
        Err(Error::TooMany { what, .. }) => scan.findings.limit(what),
        Err(Error::TooLarge) => scan.findings.limit("bytes in the header"),
        Err(error) => scan.findings.add(Level::Medium, "gguf-broken", &error.to_string(), None),
    }
    templates_of_unreadable(member, scan)?;
    Ok(Outcome::Open)
}

/// Scans the templates of a file whose structure is not known, such as one of a later version.
fn templates_of_unreadable(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<()> {
    let head = member.bytes(0, limits::TENSOR_HEADER_BYTES)?;
    for at in memchr::memmem::find_iter(&head, TEMPLATE) {
        // Further templates have a longer key.
        let rest = &head[at + TEMPLATE.len()..];
        let name = rest.iter().take_while(|byte| byte.is_ascii_graphic()).count();
        let Some((kind, rest)) = rest[name..].split_first_chunk() else { continue };
        let Some((length, text)) = rest.split_first_chunk().filter(|_| u32::from_le_bytes(*kind) == STRING) else {
            continue;
        };
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX).min(text.len());
        template::scan(TEMPLATE, &String::from_utf8_lossy(&text[..length]), &mut scan.findings);
    }
    Ok(())
}
