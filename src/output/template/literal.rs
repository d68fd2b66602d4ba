//! Numbers, characters and strings as Go writes them.

use serde_json::{Number, Value};

/// Parses a number: decimal, hexadecimal, octal, binary or with a fraction.
pub(super) fn number(text: &str) -> Option<Value> {
    let digits = text.replace('_', "");
    let (sign, magnitude) = match digits.strip_prefix('-') {
        Some(magnitude) => ("-", magnitude),
        None => ("", digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let prefix = magnitude.get(..2).unwrap_or_default().to_ascii_lowercase();
    let (radix, magnitude) = match prefix.as_str() {
        "0x" => (16, &magnitude[2..]),
        "0o" => (8, &magnitude[2..]),
        "0b" => (2, &magnitude[2..]),
        _ if magnitude.len() > 1 && magnitude.starts_with('0') && !magnitude.contains(['.', 'e', 'E']) => {
            (8, magnitude)
        }
        _ => (10, magnitude),
    };
    if !magnitude.starts_with(|letter: char| letter.is_ascii_hexdigit() || letter == '.') {
        return None;
    }
    if radix == 10 && magnitude.contains(['.', 'e', 'E']) {
        let float = format!("{sign}{magnitude}").parse().ok()?;
        return Number::from_f64(float).map(Value::Number);
    }
    i64::from_str_radix(&format!("{sign}{magnitude}"), radix).ok().map(Value::from)
}

/// Parses a string, a raw string, or a character, which is a number in Go.
pub(super) fn quoted(text: &str) -> Option<Value> {
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    match text.chars().next()? {
        '`' => Some(Value::from(inner.replace('\r', ""))),
        '"' => unescape(inner, '"').map(Value::from),
        _ => {
            let text = unescape(inner, '\'')?;
            let mut letters = text.chars();
            let code = u32::from(letters.next()?);
            letters.next().is_none().then(|| Value::from(code))
        }
    }
}

fn unescape(text: &str, quote: char) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let letter = after.chars().next()?;
        rest = &after[letter.len_utf8()..];
        let simple = match letter {
            'a' => 7,
            'b' => 8,
            't' => b'\t',
            'n' => b'\n',
            'v' => 11,
            'f' => 12,
            'r' => b'\r',
            '\\' => b'\\',
            _ if letter == quote => u8::try_from(letter).ok()?,
            _ => {
                rest = code(letter, after, &mut bytes)?;
                continue;
            }
        };
        bytes.push(simple);
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// Decodes `\ooo`, `\xhh`, `\uhhhh` or `\Uhhhhhhhh`, and returns the text after it. The part after the backslash begins
/// `text`.
fn code<'a>(letter: char, text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let (start, length, radix) = match letter {
        'x' => (1, 2, 16),
        'u' => (1, 4, 16),
        'U' => (1, 8, 16),
        '0'..='7' => (0, 3, 8),
        _ => return None,
    };
    let digits = text.get(start..start + length)?;
    let code =
        digits.chars().try_fold(0u32, |code, digit| code.checked_mul(radix)?.checked_add(digit.to_digit(radix)?))?;
    match letter {
        'u' | 'U' => bytes.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes()),
        _ => bytes.push(u8::try_from(code).ok()?),
    }
    Some(&text[start + length..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        for (text, expected) in [
            ("42", Some("42")),
            ("-1_000", Some("-1000")),
            ("+7", Some("7")),
            ("0x1F", Some("31")),
            ("-0b101", Some("-5")),
            ("0o17", Some("15")),
            ("017", Some("15")),
            ("1.5", Some("1.5")),
            (".5", Some("0.5")),
            ("1e3", Some("1000.0")),
            ("089", None),
            ("0x", None),
            ("1.2.3", None),
            ("12ab", None),
            ("0x-1", None),
            ("1e999", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(number(text).map(|number| number.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn strings_are_those_of_go() {
        for (text, expected) in [
            (r#""a\tb\"\\""#, Some("a\tb\"\\")),
            (r#""\101\x42\u0043\U00000044""#, Some("ABCD")),
            (r#""\xc3\xa9""#, Some("é")),
            ("`a\\n\r`", Some("a\\n")),
            (r#""\xff""#, None),
            (r#""\q""#, None),
            (r#""\u12""#, None),
            (r#""\ud800""#, None),
            (r#""\400""#, None),
            (r#""\'""#, None),
        ] {
            assert_eq!(quoted(text), expected.map(Value::from), "{text}");
        }
        assert_eq!(quoted("'a'"), Some(Value::from(97)));
        assert_eq!(quoted(r"'\''"), Some(Value::from(39)));
        assert_eq!(quoted("'ab'"), None);
        assert_eq!(quoted("''"), None);
    }
}
