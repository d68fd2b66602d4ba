//! Texts: secrets.

use std::io::{self, Read};

use super::finding::{Level, Place};
use super::findings::Findings;
use super::member::Member;
use super::scanner::{Outcome, Scan};
use super::secrets::encoding::{Encoding, Text};
use super::secrets::{
    Hit, WEB_TOKEN, has_secret_setting, is_certificate, is_environment, is_secret_name, is_sure_name, search,
};
use crate::limits;
use crate::tensors::Header;

/// The rule of all secrets.
const SECRET: &str = "secret";

/// Scans the content of texts, and the names of all files.
pub(super) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    let before = scan.findings.mark();
    let encoding = Encoding::of(member.head()?);
    let searched = if encoding.is_some() && member.size > limits::SEARCHED_TEXT_BYTES {
        scan.findings.skip_rest("a text that is too large to be searched for secrets");
        Ok(())
    } else if let Some(encoding) = encoding {
        member.reader.rewind()?;
        let text = Text::new(Read::take(&mut *member.reader, member.size), encoding);
        search(text).map(|hits| add_hits(&hits, &mut scan.findings, |hit| Some(Place::Line(hit.line() as u64))))
    } else {
        Ok(())
    };
    let text = member.whole(limits::SCANNED_TEXT_BYTES)?.filter(|_| encoding.is_some());
    if scan.findings.since(before).is_empty() && has_name_of_secret(member.file_name(), text.as_deref()) {
        scan.findings.add(Level::Low, SECRET, "a file with this name usually holds secrets", None);
    }
    searched.map(|()| Outcome::Open)
}

/// Returns true if files with this name usually hold secrets, and the content does not say that this one holds none.
fn has_name_of_secret(name: &str, text: Option<&[u8]>) -> bool {
    match text {
        Some(text) if is_environment(name) => has_secret_setting(&String::from_utf8_lossy(text)),
        Some(_) if is_certificate(name) => false,
        _ => is_sure_name(name) || is_secret_name(name),
    }
}

/// Adds the secrets in the metadata of weights.
pub(super) fn add_secrets_of_header(header: &Header, findings: &mut Findings) {
    for (key, value) in &header.metadata {
        // Some tokens are known by the name of the setting.
        let setting = format!("{key}={}", value.text().unwrap_or_default());
        for (level, kind) in search(setting.as_bytes()).unwrap_or_default().iter().filter_map(kind_of) {
            findings.add_at(level, SECRET, &format!("{kind} in {key}"), None);
        }
    }
}

/// Adds the secrets in a text, each at the place that `place` returns. The secrets themselves are not shown.
pub(super) fn add_secrets(text: &[u8], findings: &mut Findings, place: impl Fn(&Hit) -> Option<Place>) {
    add_hits(&search(text).unwrap_or_default(), findings, place);
}

fn add_hits(hits: &[Hit], findings: &mut Findings, place: impl Fn(&Hit) -> Option<Place>) {
    for hit in hits {
        if let Some((level, kind)) = kind_of(hit) {
            findings.add_at(level, SECRET, kind, place(hit));
        }
    }
}

/// Returns the level and the kind of a secret; nothing for a literal that may be one.
fn kind_of(hit: &Hit) -> Option<(Level, &'static str)> {
    match hit {
        Hit::Token(_, kind) => Some((Level::High, *kind)),
        Hit::WebToken(_) => Some((Level::Medium, WEB_TOKEN)),
        Hit::Password(_) => Some((Level::Medium, "a password in an address")),
        Hit::Literal(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::scan::{Report, Rules, scan_file};

    fn scan(name: &str, text: &[u8]) -> Report {
        scan_file(&mut Cursor::new(text), text.len() as u64, name, &Rules::default()).unwrap()
    }

    #[test]
    fn secrets_are_found_in_texts_of_any_size_and_encoding() {
        let token = format!("ghp{}{}", '_', "aB".repeat(18));
        let text = format!("first line\n\u{e4} {token}\n");
        let wide = |swap: bool| {
            let units = text.encode_utf16().flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() });
            units.collect::<Vec<u8>>()
        };
        for (case, text) in [
            ("plain", text.clone().into_bytes()),
            ("one zero", format!("a\0\n{token}").into_bytes()),
            ("large", format!("{}\n{token}", "word ".repeat(400_000)).into_bytes()),
            ("large with a zero", format!("{}\0\n{token}", "word ".repeat(400_000)).into_bytes()),
            ("UTF-16LE", [&b"\xff\xfe"[..], &wide(false)].concat()),
            ("UTF-16BE", [&b"\xfe\xff"[..], &wide(true)].concat()),
            ("UTF-16LE without a mark", wide(false)),
            ("UTF-16BE without a mark", wide(true)),
            ("UTF-32LE", text.chars().flat_map(|it| u32::from(it).to_le_bytes()).collect()),
            ("UTF-32BE", text.chars().flat_map(|it| u32::from(it).to_be_bytes()).collect()),
        ] {
            let found = scan("notes.txt", &text).findings;
            let found: Vec<_> = found.iter().map(|found| (found.detail.as_str(), found.place)).collect();
            assert_eq!(found, [("a GitHub token", Some(crate::scan::Place::Line(2)))], "{case}");
        }
        let binary: Vec<u8> = (0..=255).cycle().take(5000).chain(token.bytes()).collect();
        assert_eq!(scan("notes", &binary), Report::default());
    }

    #[test]
    fn secrets_in_the_metadata_of_weights_are_found() {
        let token = format!("ghp{}{}", '_', "aB".repeat(18));
        let safetensors = |tensors: &str| {
            let header = format!(r#"{{"__metadata__":{{"format":"pt","note":"first\nsecond {token}"}}{tensors}}}"#);
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), b"x"].concat()
        };
        let valid = safetensors(r#","a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#);
        let gguf = kit_testkit::samples::small_gguf(3, false).text_entry("general.description", &token).bytes();
        for (name, file, expected) in [
            ("a.safetensors", &valid, vec!["a GitHub token in note"]),
            ("a.gguf", &gguf, vec!["a GitHub token in general.description"]),
            ("a.safetensors", &safetensors(""), vec!["a GitHub token"]),
        ] {
            let found = scan(name, file).findings;
            let secrets: Vec<_> = found.iter().filter(|it| it.rule == "secret").map(|it| &*it.detail).collect();
            assert_eq!(secrets, expected, "{name}: {found:?}");
        }
    }

    #[test]
    fn a_text_that_is_too_large_is_skipped() {
        struct Spaces(u64);
        impl std::io::Read for Spaces {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                buffer.fill(b' ');
                Ok(buffer.len())
            }
        }
        impl std::io::Seek for Spaces {
            fn seek(&mut self, target: std::io::SeekFrom) -> std::io::Result<u64> {
                if let std::io::SeekFrom::Start(position) = target {
                    self.0 = position;
                }
                Ok(self.0)
            }
        }
        let report = scan_file(&mut Spaces(0), 1 << 30, "notes.txt", &Rules::default()).unwrap();
        assert!(report.findings.is_empty());
        assert_eq!(report.skipped.len(), 1);
        assert!(report.skipped[0].members.is_empty());
    }
}
