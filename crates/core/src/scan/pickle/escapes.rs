//! The escapes in the texts of protocol 0.

/// Returns the text of a `STRING` line: quoted, with the escapes of Python 2. Each character is a byte.
pub(super) fn quoted(line: &[u8]) -> Option<String> {
    let line = line.trim_ascii();
    let quote = *line.first().filter(|first| matches!(first, b'\'' | b'"'))?;
    let inside = line.get(1..line.len().checked_sub(1)?)?;
    if line.last() != Some(&quote) {
        return None;
    }
    let mut text = String::new();
    let mut rest = inside;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'\\' { unescape(&mut text, &mut rest)? } else { text.push(char::from(byte)) }
    }
    Some(text)
}

/// Appends the character of the escape at the beginning of `rest`, behind its backslash.
fn unescape(text: &mut String, rest: &mut &[u8]) -> Option<()> {
    let (&kind, after) = rest.split_first()?;
    *rest = after;
    let character = match kind {
        b'\n' => return Some(()),
        b'\\' | b'\'' | b'"' => kind,
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b'x' => u8::try_from(number(rest, 2, 2, 16)?).ok()?,
        b'0'..=b'7' => {
            let high = u32::from(kind - b'0');
            let digits = rest.iter().take(2).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
            let low = number(rest, digits, digits, 8)?;
            // Python keeps the lowest byte of a number above 0o377.
            (high << (3 * digits) | low).to_le_bytes()[0]
        }
        _ => {
            text.push('\\');
            kind
        }
    };
    text.push(char::from(character));
    Some(())
}

/// Returns the text of a `UNICODE` line, which has the encoding `raw-unicode-escape`.
pub(super) fn raw_unicode(line: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = match (byte, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            (b'\\', Some(&next)) => {
                text.extend(['\\', char::from(next)]);
                rest = &rest[1..];
                continue;
            }
            _ => {
                text.push(char::from(byte));
                continue;
            }
        };
        rest = &rest[1..];
        let code = number(&mut rest, digits, digits, 16).filter(|code| *code <= 0x0010_ffff)?;
        // Names do not contain half of a surrogate pair.
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Some(text)
}

/// Reads a number of `least` to `most` digits from the beginning of `rest`.
fn number(rest: &mut &[u8], least: usize, most: usize, radix: u32) -> Option<u32> {
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    let count = rest.iter().take(most).take_while(|byte| digit(byte).is_some()).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    (count >= least).then(|| digits.iter().filter_map(digit).fold(0, |number, digit| number * radix + digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_quoted_texts_are_those_of_python_2() {
        let texts = [
            (r"'os'", Some("os")),
            (r#""os" "#, Some("os")),
            (r"'\x6f\163'", Some("os")),
            (r"'o\'s\n\q'", Some("o's\n\\q")),
            (r"'\0\777'", Some("\0\u{ff}")),
            (r"'os", None),
            ("'", None),
            (r"'\x6'", None),
            (r"'\'", None),
        ];
        for (line, expected) in texts {
            assert_eq!(quoted(line.as_bytes()).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn only_u_is_an_escape_in_raw_unicode() {
        let texts = [
            (r"o\u0073", Some("os")),
            (r"\U0000006fs", Some("os")),
            (r"\n\\u0073", Some(r"\n\\u0073")),
            (r"\u00", None),
            (r"\U00110000", None),
            ("\\", Some("\\")),
        ];
        for (line, expected) in texts {
            assert_eq!(raw_unicode(line.as_bytes()).as_deref(), expected, "{line}");
        }
    }
}
