//! Lower-case hexadecimal digits.

/// Reads digits into `bytes`. Returns `None` if there are more or fewer, or others than `0` to `9` and `a` to `f`.
pub(crate) fn read_hex(digits: &str, bytes: &mut [u8]) -> Option<()> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(())
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_lower_case_digits_are_read() {
        for (digits, expected) in [
            ("09af", Some([0x09, 0xaf])),
            ("", None),
            ("09a", None),
            ("09af0", None),
            ("09af00", None),
            ("09AF", None),
            ("09ag", None),
            ("0\u{e9}a", None),
        ] {
            let mut bytes = [0; 2];
            assert_eq!(read_hex(digits, &mut bytes).map(|()| bytes), expected, "{digits}");
        }
    }
}
