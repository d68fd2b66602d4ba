//! Reading a table of contents.

use std::io::{self, BufRead, BufReader, Read};

use super::entry::{Entry, Line};
use crate::limits;

/// The reason why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidContents {
    /// It cannot be read or decompressed.
    #[error("the table of contents cannot be read")]
    Read(#[from] io::Error),
    /// It has more than can be held in memory.
    #[error("the table of contents has more than {limit} {what}")]
    TooLarge {
        /// The things that are counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A line is not valid.
    #[error("line {line} of the table of contents is not valid")]
    Line {
        /// The line number, from 1.
        line: usize,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Reads the entries of a compressed table in order, up to the first invalid one. Memory use does not depend on their
/// number.
pub fn read<'a>(
    table: impl Read + 'a,
) -> Result<impl Iterator<Item = Result<Entry, InvalidContents>> + 'a, InvalidContents> {
    let mut decoder = zstd::Decoder::new(table)?;
    decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
    let mut lines = BufReader::new(decoder);
    let (mut number, mut is_over) = (0, false);
    Ok(std::iter::from_fn(move || {
        number += 1;
        let entry = if is_over { None } else { read_entry(&mut lines, number).transpose() };
        // The lines after an invalid one are not read.
        is_over = !matches!(entry, Some(Ok(_)));
        entry
    }))
}

/// Returns true if a compressed table is longer than `limit` when it is decompressed. Nothing is held in memory.
pub fn is_longer_than(limit: u64, table: impl Read) -> io::Result<bool> {
    let mut decoder = zstd::Decoder::new(table)?;
    decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
    Ok(io::copy(&mut decoder.take(limit + 1), &mut io::sink())? > limit)
}

/// Reads all entries of a compressed table. Fails if they take more memory than a table of `kit` may.
pub fn read_all(table: impl Read) -> Result<Vec<Entry>, InvalidContents> {
    let mut decoder = zstd::Decoder::new(table)?;
    decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
    let mut lines = BufReader::new(decoder.take(limits::TABLE_TEXT_BYTES + 1));
    let mut entries = Vec::new();
    loop {
        let entry = read_entry(&mut lines, entries.len() + 1);
        if lines.get_ref().limit() == 0 {
            return Err(InvalidContents::TooLarge { what: "bytes", limit: limits::TABLE_TEXT_BYTES });
        }
        let Some(entry) = entry? else { return Ok(entries) };
        if entries.len() == limits::TABLE_ENTRIES {
            return Err(InvalidContents::TooLarge { what: "entries", limit: limits::TABLE_ENTRIES as u64 });
        }
        entries.push(entry);
    }
}

fn read_entry(lines: &mut impl BufRead, line: usize) -> Result<Option<Entry>, InvalidContents> {
    let mut bytes = Vec::new();
    lines.take(limits::TABLE_LINE_BYTES).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() as u64 == limits::TABLE_LINE_BYTES && bytes.last() != Some(&b'\n') {
        return Err(InvalidContents::TooLarge { what: "bytes in a line", limit: limits::TABLE_LINE_BYTES });
    }
    let invalid = |source| InvalidContents::Line { line, source };
    let entry: Line = serde_json::from_slice(&bytes).map_err(|error| invalid(error.into()))?;
    entry.into_entry().map(Some).map_err(|error| invalid(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::entry::Kind;
    use crate::contents::writer::Writer;
    use crate::digest::{Digest, Hasher};
    use crate::relative_path::RelativePath;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    #[test]
    fn a_written_table_is_read_back() {
        let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 7).to_le_bytes()[0]).collect();
        let mut hasher = Hasher::default();
        let mut writer = Writer::new(hasher.parts()).unwrap();
        writer.folder(path("data"), 0o755);
        for (name, mode, content) in
            [("data/a", 0o600, &b"hello"[..]), ("data/b", 0o644, &large), ("data/c", 0o644, b"")]
        {
            writer.begin(path(name), mode, content.len() as u64, 512);
            hasher.bound();
            for bytes in content.chunks(70_000) {
                hasher.update(bytes);
                writer.take(bytes);
            }
            hasher.bound();
            writer.end();
        }
        hasher.settle();
        let table = writer.finish().unwrap().unwrap();
        let entries: Vec<_> = read(&table[..]).unwrap().collect::<Result<_, _>>().unwrap();
        let seen: Vec<_> = entries
            .iter()
            .map(|Entry { path, mode, kind }| match kind {
                Kind::Folder => format!("{path} {mode:o}"),
                Kind::File { size, offset, digest, pieces } => {
                    let pieces: u64 = pieces.iter().map(|piece| piece.size).sum();
                    format!("{path} {mode:o} {size} {offset} {} {pieces}", &digest.hex()[..8])
                }
            })
            .collect();
        let large = format!("data/b 644 3000000 512 {} 3000000", &Digest::of(&large).hex()[..8]);
        assert_eq!(seen, ["data 755", "data/a 600 5 512 2cf24dba 0", &large, "data/c 644 0 512 e3b0c442 0"]);
    }

    fn check_refused(lines: &str, expected: &str) {
        let table = zstd::encode_all(lines.as_bytes(), 1).unwrap();
        let error = read(&table[..]).unwrap().find_map(Result::err).unwrap();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert_eq!(format!("{error}: {source}"), expected, "{lines}");
    }

    #[test]
    fn a_table_that_cannot_be_is_refused() {
        let file = |path: &str, size: u64, offset: u64, pieces: &str| {
            let digest = Digest::of(b"");
            let content = format!(r#""size":{size},"offset":{offset},"digest":"{digest}","pieces":[{pieces}]"#);
            format!(r#"{{"path":"{path}","mode":420,{content}}}"#)
        };
        let piece = r#"{"size":5,"blake3":"00000000000000000000000000000000"}"#;
        let here = "line 1 of the table of contents is not valid";
        check_refused("{", &format!("{here}: EOF while parsing an object at line 1 column 1"));
        check_refused(&file("../a", 0, 0, ""), &format!("{here}: the path `../a` leads outside its folder"));
        check_refused(&file("a", 1, u64::MAX, ""), &format!("{here}: the size of `a` is not possible"));
        check_refused(&file("a", 6, 0, piece), &format!("{here}: the size of `a` is not possible"));
        assert!(read(&b"no zstd"[..]).unwrap().next().unwrap().is_err());
    }

    #[test]
    fn a_table_that_takes_too_much_memory_is_read_only_entry_by_entry() {
        let folder = |path: &str| format!("{{\"path\":\"{path}\",\"mode\":493}}\n");
        let long = folder(&"a".repeat(100_000));
        for (line, count, expected) in [
            (folder("a"), limits::TABLE_ENTRIES, None),
            (folder("a"), limits::TABLE_ENTRIES + 1, Some("the table of contents has more than 250000 entries")),
            (long, 600, Some("the table of contents has more than 50331648 bytes")),
        ] {
            let table = zstd::encode_all(line.repeat(count).as_bytes(), 1).unwrap();
            assert_eq!(read_all(&table[..]).err().map(|error| error.to_string()).as_deref(), expected);
            assert_eq!(read(&table[..]).unwrap().flatten().count(), count);
        }
        let line = folder(&"a".repeat(17 << 20));
        let table = zstd::encode_all(line.as_bytes(), 1).unwrap();
        let expected = "the table of contents has more than 16777216 bytes in a line";
        assert_eq!(read_all(&table[..]).unwrap_err().to_string(), expected);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(lines: Vec<u8>) {
            drop(read(&lines[..]).map(Iterator::count));
            let table = zstd::encode_all(&lines[..], 1).unwrap();
            drop(read(&table[..]).map(Iterator::count));
        }
    }
}
