//! The search for imports in bytes that are not, or no longer, a pickle.

use std::io::{self, Read, SeekFrom};
use std::ops::Range;

use super::escapes;
use super::globals::Global;
use super::opcodes::{Index, Opcode, opcode};
use crate::scan::finding::{Level, Place};
use crate::scan::member::ReadSeek;
use crate::scan::scanner::Scan;

/// The number of bytes that are searched at once.
const BLOCK: usize = 256 * 1024;

/// The number of pairs of bytes that are looked at together.
const STEP: usize = 8;

/// The maximum length of an import with all of its opcodes.
const IMPORT_BYTES: usize = 2048;

/// The minimum length of the name in a module. Shorter ones occur by chance.
const LEAST_NAME: usize = 3;

/// The maximum length of a module or a name.
const MOST_NAME: usize = 64;

/// The opcodes that may begin an import, by their bit in [`FOLLOWING`].
const BEGINNINGS: [(&[u8], u8); 4] = [(b"ci", 1), (&[b'U', b'X', b'T', 0x8c, 0x8d], 2), (b"S", 4), (b"V", 8)];

/// For each byte, the bit of the opcode that it is.
static BEGINNING: [u8; 256] = beginning();

/// For each byte, the bits of the opcodes that it may follow.
static FOLLOWING: [u8; 256] = following();

/// Reports imports that would run code, from `start` to the end of the file.
pub(super) fn carve(file: &mut dyn ReadSeek, start: u64, scan: &mut Scan<'_>) -> io::Result<()> {
    let mut block = Vec::with_capacity(BLOCK + IMPORT_BYTES);
    let mut offset = start;
    file.seek(SeekFrom::Start(start))?;
    loop {
        let is_last = Read::take(&mut *file, BLOCK as u64).read_to_end(&mut block)? == 0;
        // An import that begins near the end of a block may be incomplete.
        let end = if is_last { block.len() } else { block.len().saturating_sub(IMPORT_BYTES) };
        search(&block, end, |at, global| {
            scan.findings.add(Level::High, "pickle-carved", &global, Place::Offset(offset + at as u64));
        });
        if is_last {
            return Ok(());
        }
        block.drain(..end);
        offset += end as u64;
    }
}

/// Calls `report` with each import that begins before `end`.
fn search(block: &[u8], end: usize, mut report: impl FnMut(usize, String)) {
    let mut check = |places: Range<usize>| {
        for at in places.filter(|at| begins_import(block[*at], block[at + 1]) != 0) {
            if let Some(global) = import(&block[at..]) {
                report(at, global);
            }
        }
    };
    let Some((_, seconds)) = block.split_first() else { return };
    let firsts = &block[..end.min(seconds.len())];
    let (whole, seconds) = (firsts.as_chunks::<STEP>().0, seconds.as_chunks::<STEP>().0);
    for (number, (first, second)) in whole.iter().zip(seconds).enumerate() {
        if first.iter().zip(second).fold(0, |bits, (first, second)| bits | begins_import(*first, *second)) != 0 {
            check(number * STEP..(number + 1) * STEP);
        }
    }
    check(whole.len() * STEP..firsts.len());
}

/// Returns bits that are not zero if an import may begin with these two bytes.
fn begins_import(first: u8, second: u8) -> u8 {
    BEGINNING[usize::from(first)] & FOLLOWING[usize::from(second)]
}

/// Returns the import at the beginning of `bytes`, if it would run code.
fn import(bytes: &[u8]) -> Option<String> {
    let (module, name) = match opcode(bytes[0])? {
        Opcode::Global | Opcode::Instance => {
            let mut rest = &bytes[1..];
            (plain_line(&mut rest)?, plain_line(&mut rest)?)
        }
        _ => {
            let mut rest = bytes;
            let module = literal(&mut rest)?;
            skip_memo(&mut rest);
            (module, literal(&mut rest)?)
        }
    };
    let global = Global::new(&module, &name);
    (name.len() >= LEAST_NAME && global.is_high()).then(|| global.path())
}

/// Takes a text with its opcode.
fn literal(rest: &mut &[u8]) -> Option<String> {
    let (code, after) = rest.split_first()?;
    *rest = after;
    match opcode(*code)? {
        Opcode::Text(width) => {
            let (length, after) = rest.split_at_checked(usize::try_from(width).ok()?)?;
            let length = length
                .iter()
                .rev()
                .try_fold(0_usize, |number, byte| number.checked_mul(256).map(|number| number + usize::from(*byte)))?;
            let (text, after) = after.split_at_checked(length).filter(|_| length <= MOST_NAME)?;
            *rest = after;
            String::from_utf8(text.to_vec()).ok()
        }
        Opcode::QuotedText => escapes::quoted(printable_line(rest)?),
        Opcode::UnicodeText => escapes::raw_unicode(printable_line(rest)?),
        _ => None,
    }
}

/// Skips an opcode that stores a value in the memo, if there is one.
fn skip_memo(rest: &mut &[u8]) {
    let mut after = rest.get(1..).unwrap_or_default();
    let is_complete = match rest.first().and_then(|code| opcode(*code)) {
        Some(Opcode::Memoize) => true,
        Some(Opcode::Put(Index::Line)) => line(&mut after).is_some(),
        Some(Opcode::Put(Index::Bytes(width))) => {
            let skipped = usize::try_from(width).ok().and_then(|width| after.get(width..));
            after = skipped.unwrap_or_default();
            skipped.is_some()
        }
        _ => false,
    };
    if is_complete {
        *rest = after;
    }
}

/// Takes a line that consists of characters of names.
fn plain_line(rest: &mut &[u8]) -> Option<String> {
    let line = line(rest)?;
    let is_plain = line.len() <= MOST_NAME && line.iter().all(u8::is_ascii_graphic);
    is_plain.then(|| String::from_utf8(line.to_vec()).ok())?
}

/// Takes a line that may be a name with escapes. Most lines of tensors cannot be names, and are not decoded.
fn printable_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    line(rest).filter(|line| line.iter().all(|byte| matches!(byte, b'\t'..=b'~')))
}

/// Takes a line without its end. Lines longer than any escaped name are not lines.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(b'\n', &rest[..rest.len().min(10 * MOST_NAME)])?;
    let line = &rest[..end];
    *rest = &rest[end + 1..];
    Some(line)
}

const fn beginning() -> [u8; 256] {
    let mut table = [0; 256];
    let mut group = 0;
    while group < BEGINNINGS.len() {
        let (codes, bit) = BEGINNINGS[group];
        let mut code = 0;
        while code < codes.len() {
            table[codes[code] as usize] = bit;
            code += 1;
        }
        group += 1;
    }
    table
}

/// A name begins with a letter or an underscore; a length is that of a module, of which the shortest has two letters;
/// texts are quoted or may begin with an escape.
const fn following() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        let is_letter = byte.is_ascii_alphabetic() || byte == b'_';
        let is_length = byte >= 2 && byte as usize <= MOST_NAME;
        let is_quote = matches!(byte, b'"' | b'\'');
        let is_escape = byte == b'\\';
        table[byte as usize] = if is_letter { 1 | 8 } else { 0 } | if is_length { 2 } else { 0 };
        table[byte as usize] |= if is_quote { 4 } else { 0 } | if is_escape { 8 } else { 0 };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        search(bytes, bytes.len(), |at, global| found.push((at, global)));
        found
    }

    #[test]
    fn all_forms_of_imports_are_found() {
        let forms: &[&[u8]] = &[
            b"cos\nsystem\n",
            b"ios\nsystem\n",
            b"\x8c\x02os\x94\x8c\x06system",
            b"U\x02osq\x00U\x06system",
            b"X\x02\0\0\0osr\x01\0\0\0T\x06\0\0\0system",
            b"\x8d\x02\0\0\0\0\0\0\0osp12\n\x8c\x06system",
            b"Vo\\u0073\np0\nS'sys\\x74em'\n",
            b"V\\u006fs\n\x8c\x06system",
        ];
        for form in forms {
            let bytes = [b"\xff\xfe", *form].concat();
            assert_eq!(found(&bytes), [(2, "os.system".to_owned())], "{}", form.escape_ascii());
            assert_eq!(found(&bytes[..bytes.len() - 1]), [], "{}", form.escape_ascii());
        }
    }

    #[test]
    fn harmless_and_short_names_are_not_found() {
        for bytes in
            [&b"cos\nab\n"[..], b"ccollections\nOrderedDict\n", b"\x8c\x02os\xff\x8c\x06system", b"c\n\n", b"c"]
        {
            assert_eq!(found(bytes), [], "{}", bytes.escape_ascii());
        }
    }
}
