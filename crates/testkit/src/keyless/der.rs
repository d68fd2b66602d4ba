//! Writing DER, as far as certificates and timestamps need it.

/// A value with this tag.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = vec![tag];
    let bytes = length.to_be_bytes();
    let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1)..];
    if length > 0x7f {
        der.push(0x80 | u8::try_from(bytes.len()).expect("at most eight bytes"));
    }
    der.extend_from_slice(bytes);
    der.extend_from_slice(content);
    der
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

pub(super) fn set(parts: &[&[u8]]) -> Vec<u8> {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    value(0x31, &parts.concat())
}

pub(super) fn integer(number: u8) -> Vec<u8> {
    value(2, &[number])
}

pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    value(4, content)
}

pub(super) fn bits(content: &[u8]) -> Vec<u8> {
    value(3, &[&[0], content].concat())
}

pub(super) fn text(content: &str) -> Vec<u8> {
    value(0x0c, content.as_bytes())
}

/// The identifier with these numbers, such as `2.5.29.15`.
pub(super) fn oid(numbers: &str) -> Vec<u8> {
    let numbers: Vec<u32> = numbers.split('.').map(|number| number.parse().expect("a number")).collect();
    let mut content = vec![u8::try_from(numbers[0] * 40 + numbers[1]).expect("the first byte")];
    for number in &numbers[2..] {
        let mut bytes = vec![u8::try_from(number & 0x7f).expect("seven bits")];
        let mut rest = number >> 7;
        while rest > 0 {
            bytes.insert(0, u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
            rest >>= 7;
        }
        content.extend(bytes);
    }
    value(6, &content)
}

/// The algorithm of all signatures: ECDSA with SHA-256.
pub(super) fn ecdsa() -> Vec<u8> {
    sequence(&[&oid("1.2.840.10045.4.3.2")])
}

pub(super) fn sha256() -> Vec<u8> {
    sequence(&[&oid("2.16.840.1.101.3.4.2.1")])
}
