//! The bytes of a Kitfile as text: UTF-8, or UTF-16 with a byte order mark, as Go's yaml.v3 reads them.

/// Returned for bytes in neither encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Kitfile is neither UTF-8 nor UTF-16 with a byte order mark")]
pub struct NotText;

/// Decodes the bytes of a Kitfile. `PowerShell` 5 writes UTF-16 with `>`.
pub fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|_| NotText),
    }
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, NotText> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(NotText);
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>().map_err(|_| NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_are_read() {
        let utf16 = |unit: fn(u16) -> [u8; 2]| "\u{feff}a: ñ🙂".encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        assert_eq!(decode(utf16(u16::to_le_bytes)).as_deref(), Ok("a: ñ🙂"));
        assert_eq!(decode(utf16(u16::to_be_bytes)).as_deref(), Ok("a: ñ🙂"));
        assert_eq!(decode("a: ñ".into()).as_deref(), Ok("a: ñ"));
        for bytes in [&b"\xff\xfea"[..], b"\xff\xfe\x00\xd8", b"\xe9"] {
            assert_eq!(decode(bytes.into()), Err(NotText), "{bytes:?}");
        }
    }
}
