//! The length of `.npy` files, which their headers give (NEP 1, "A Simple File Format for `NumPy` Arrays").

use std::io::Read;
use std::sync::LazyLock;

use regex::Regex;

/// The first bytes of each file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The length of a header up to which it is read. `NumPy` itself refuses longer ones unless they are trusted.
const HEADER_BYTES: u64 = 10_000;

/// Returns true if `file`, with `size` bytes, is shorter than its header says. Headers of another form, and arrays of
/// objects, whose size the header does not give, are not checked.
pub(super) fn is_cut_off(mut file: impl Read, size: u64) -> bool {
    let mut start = [0; 10];
    if file.read_exact(&mut start).is_err() {
        return true;
    }
    let (before, length) = match start[6] {
        1 => (10, u64::from(u16::from_le_bytes([start[8], start[9]]))),
        2 | 3 => {
            let mut rest = [0; 2];
            if file.read_exact(&mut rest).is_err() {
                return true;
            }
            (12, u64::from(u32::from_le_bytes([start[8], start[9], rest[0], rest[1]])))
        }
        _ => return false,
    };
    if length > HEADER_BYTES {
        return false;
    }
    let mut header = Vec::new();
    if file.take(length).read_to_end(&mut header).is_err() {
        return false;
    }
    let whole = std::str::from_utf8(&header).ok().and_then(data_bytes);
    (header.len() as u64) < length || whole.is_some_and(|data| size < data.saturating_add(before + length))
}

/// Returns the number of bytes of the array that `header`, a literal of Python, describes.
fn data_bytes(header: &str) -> Option<u64> {
    static TYPE: LazyLock<Regex> = LazyLock::new(|| regex(r"'descr': *'[<>|=]?([a-zA-Z])(\d{1,9})(?:\[[^\]']*\])?'"));
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| regex(r"'shape': *\(([\d, ]*)\)"));
    let found = TYPE.captures(header)?;
    // A character of a text has four bytes.
    let scale = match &found[1] {
        "O" => return None,
        "U" => 4,
        _ => 1,
    };
    let item: u64 = found[2].parse().ok()?;
    let shape = SHAPE.captures(header)?;
    let sizes = shape[1].split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(str::parse::<u64>).try_fold(item * scale, |bytes, size| bytes.checked_mul(size.ok()?))
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, shape: &str, data: usize) -> Vec<u8> {
        let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), &vec![0; data]].concat()
    }

    #[test]
    fn arrays_that_are_shorter_than_their_headers_say_are_found() {
        for (descr, shape, data, expected) in [
            ("'<f8'", "(3, 4)", 96, false),
            ("'<f8'", "(3, 4)", 95, true),
            ("'|u1'", "(5,)", 5, false),
            ("'|u1'", "(5,)", 4, true),
            ("'<f4'", "()", 4, false),
            ("'<f4'", "()", 3, true),
            ("'<U2'", "(2,)", 16, false),
            ("'<U2'", "(2,)", 15, true),
            ("'<M8[ns]'", "(2,)", 16, false),
            ("'<M8[ns]'", "(2,)", 15, true),
            ("'|O'", "(2,)", 0, false),
            ("[('a', '<f8')]", "(2,)", 0, false),
            ("'<f8'", "(99999999999, 99999999999)", 0, false),
        ] {
            let file = file(descr, shape, data);
            assert_eq!(is_cut_off(&*file, file.len() as u64), expected, "{descr} {shape} {data}");
        }
        let whole = file("'|u1'", "(1,)", 1);
        for end in 0..whole.len() {
            assert!(is_cut_off(&whole[..end], end as u64), "{end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            is_cut_off(&*bytes, bytes.len() as u64);
            is_cut_off(&*[MAGIC, &bytes].concat(), bytes.len() as u64);
        }
    }
}
