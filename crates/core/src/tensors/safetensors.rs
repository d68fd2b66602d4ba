//! safetensors: a length of eight bytes, a JSON object, and the tensors one after the other (huggingface/safetensors,
//! README "Format").

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::error::Error;
use super::header::{Format, Header, Tensor, Value, elements};
use crate::limits;

pub(super) fn read(mut source: impl Read, file_size: Option<u64>) -> Result<Header, Error> {
    let mut length = [0; 8];
    source.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > limits::TENSOR_HEADER_BYTES {
        // The header would end after the file.
        let is_cut = file_size.is_some_and(|size| length > size);
        return Err(if is_cut { Error::Truncated } else { Error::TooLarge });
    }
    // The buffer grows with the received bytes, not to the announced length.
    let mut text = Vec::new();
    source.take(length).read_to_end(&mut text)?;
    if (text.len() as u64) < length {
        return Err(Error::Truncated);
    }
    let document: Document = serde_json::from_slice(&text).map_err(Error::Json)?;
    let data_start = 8 + length;
    let tensors = document.tensors.into_iter().map(|(name, entry)| tensor(name, entry, data_start));
    let header =
        Header::checked(Format::Safetensors, tensors.collect::<Result<_, _>>()?, document.metadata, file_size)?;
    check_there_are_no_gaps(&header, data_start, file_size)?;
    Ok(header)
}

/// Refuses files with bytes that do not belong to a tensor, as the reference implementation does.
fn check_there_are_no_gaps(header: &Header, data_start: u64, file_size: Option<u64>) -> Result<(), Error> {
    let mut end = data_start;
    for tensor in &header.tensors {
        if tensor.offset != end {
            return Err(Error::tensor(&tensor.name, "follows a gap"));
        }
        end += tensor.size;
    }
    match file_size.filter(|size| *size != end) {
        Some(file_size) => Err(Error::WrongEnd { end, file_size }),
        None => Ok(()),
    }
}

fn tensor(name: String, entry: Entry, data_start: u64) -> Result<Tensor, Error> {
    let (begin, end) = entry.data_offsets;
    let Some((element_type, bits)) = TYPES.into_iter().find(|(known, _)| *known == entry.dtype) else {
        return Err(Error::UnknownType { name, found: entry.dtype });
    };
    let Some(bits) = elements(&entry.shape).and_then(|elements| elements.checked_mul(bits)) else {
        return Err(Error::tensor(&name, "is too large"));
    };
    let size = end.checked_sub(begin).filter(|size| bits % 8 == 0 && *size == bits / 8);
    let size = size.ok_or_else(|| Error::tensor(&name, "has a size that does not match its shape"))?;
    let offset = data_start.checked_add(begin).ok_or_else(|| Error::tensor(&name, "is too large"))?;
    Ok(Tensor { name, element_type, shape: entry.shape, offset, size })
}

/// The names of types and their size in bits (`Dtype` and `bitsize` in safetensors' `tensor.rs`, 0.7).
const TYPES: [(&str, u64); 22] = [
    ("BOOL", 8),
    ("F4", 4),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("U8", 8),
    ("I8", 8),
    ("F8_E5M2", 8),
    ("F8_E4M3", 8),
    ("F8_E8M0", 8),
    ("F8_E4M3FNUZ", 8),
    ("F8_E5M2FNUZ", 8),
    ("I16", 16),
    ("U16", 16),
    ("F16", 16),
    ("BF16", 16),
    ("I32", 32),
    ("U32", 32),
    ("F32", 32),
    ("C64", 64),
    ("F64", 64),
    ("I64", 64),
    ("U64", 64),
];

/// The only key that is not the name of a tensor.
const METADATA: &str = "__metadata__";

struct Document {
    tensors: Vec<(String, Entry)>,
    metadata: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    /// The begin and end of the bytes, relative to the end of the header.
    data_offsets: (u64, u64),
}

/// Implemented by hand, because a serde map would keep only the last of several tensors with the same name.
impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut document = Document { tensors: Vec::new(), metadata: BTreeMap::new() };
        let mut has_metadata = false;
        while let Some(name) = map.next_key::<String>()? {
            if name != METADATA {
                document.tensors.push((name, map.next_value()?));
            } else if std::mem::replace(&mut has_metadata, true) {
                return Err(A::Error::custom("`__metadata__` occurs twice"));
            } else {
                let texts: BTreeMap<String, String> = map.next_value()?;
                document.metadata = texts.into_iter().map(|(key, text)| (key, Value::Text(text))).collect();
            }
        }
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_testkit::samples;

    fn parse(header: &str, data_bytes: usize) -> Result<Header, Error> {
        let file = samples::safetensors(header, data_bytes);
        read(&file[..], Some(file.len() as u64))
    }

    #[test]
    fn tensors_come_in_the_order_of_their_bytes() {
        let header = r#"{"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},
            "__metadata__":{"format":"pt"},
            "a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#;
        let read = parse(header, 12 + 4).unwrap();
        let start = 8 + header.len() as u64;
        let a = Tensor { name: "a".to_owned(), element_type: "F32", shape: vec![], offset: start, size: 4 };
        let b = Tensor { name: "b".to_owned(), element_type: "BF16", shape: vec![2, 3], offset: start + 4, size: 12 };
        assert_eq!(read.tensors, [a, b]);
        assert_eq!(read.metadata["format"].text(), Some("pt"));
        assert_eq!(read.weight_bytes(), 16);
    }

    #[test]
    fn types_of_less_than_a_byte_are_packed() {
        for (dtype, elements, bytes) in [("F4", 6, 3), ("F6_E2M3", 4, 3), ("F8_E4M3", 5, 5), ("F8_E5M2", 5, 5)] {
            let header = format!(r#"{{"t":{{"dtype":"{dtype}","shape":[{elements}],"data_offsets":[0,{bytes}]}}}}"#);
            assert_eq!(parse(&header, bytes).unwrap().tensors[0].size, bytes as u64, "{dtype}");
        }
    }

    #[test]
    fn impossible_values_are_refused() {
        let one = |dtype: &str, shape: &str, offsets: &str| {
            format!(r#"{{"t":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
        };
        let two = |name: &str, first: &str, second: &str| {
            let tensor = |offsets: &str| format!(r#"{{"dtype":"U8","shape":[4],"data_offsets":{offsets}}}"#);
            format!(r#"{{"t":{},"{name}":{}}}"#, tensor(first), tensor(second))
        };
        let shape = "[4294967296,4294967296]";
        for (header, expected) in [
            (one("F32", "[1]", "[0,8]"), "its tensor `t` has a size that does not match its shape"),
            (one("F4", "[3]", "[0,1]"), "its tensor `t` has a size that does not match its shape"),
            (one("F32", "[2]", "[8,0]"), "its tensor `t` has a size that does not match its shape"),
            (one("F32", shape, "[0,8]"), "its tensor `t` is too large"),
            (one("U8", "[8]", "[18446744073709551607,18446744073709551615]"), "its tensor `t` is too large"),
            (one("U8", "[9]", "[0,9]"), "its tensor `t` extends beyond the end of the file"),
            (one("U8", "[4]", "[4,8]"), "its tensor `t` follows a gap"),
            (one("Q9", "[8]", "[0,8]"), "its tensor `t` has the unknown type `Q9`"),
            (two("u", "[0,4]", "[2,6]"), "its tensor `u` overlaps with another tensor"),
            (two("t", "[0,4]", "[4,8]"), "its tensor `t` occurs twice"),
            (one("U8", "[-8]", "[0,8]"), "its header is not a list of tensors"),
            (one("U8", "[8.0]", "[0,8]"), "its header is not a list of tensors"),
            ("[".repeat(100_000), "its header is not a list of tensors"),
            (format!(r#"{{"__metadata__":{}1"#, r#"{"a":"#.repeat(100_000)), "its header is not a list of tensors"),
            (r#"{"__metadata__":{},"__metadata__":{}}"#.to_owned(), "its header is not a list of tensors"),
        ] {
            assert_eq!(parse(&header, 8).unwrap_err().to_string(), expected, "{header:.200}");
        }
        let short = parse(&one("U8", "[4]", "[0,4]"), 8).unwrap_err();
        assert!(matches!(short, Error::WrongEnd { end, file_size } if end + 4 == file_size), "{short}");
    }

    #[test]
    fn a_false_length_allocates_nothing() {
        let check = |length: u64, expected: &str| {
            let file = [&length.to_le_bytes()[..], b"{}"].concat();
            assert_eq!(read(&file[..], None).unwrap_err().to_string(), expected);
        };
        check(3, "it ends inside its header");
        check(limits::TENSOR_HEADER_BYTES, "it ends inside its header");
        check(limits::TENSOR_HEADER_BYTES + 1, "its header is longer than 100000000 bytes");
        check(u64::MAX, "its header is longer than 100000000 bytes");
        assert!(matches!(read(&[0; 7][..], None), Err(Error::Truncated)));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, length in 0..64_u64) {
            drop(read(&bytes[..], None));
            drop(read(&[&length.to_le_bytes()[..], &bytes].concat()[..], Some(length)));
        }

        #[test]
        fn changed_headers_never_panic(place in 0..400_usize, byte: u8, size in 0..500_u64) {
            let mut file = samples::small_safetensors();
            let place = place % file.len();
            file[place] = byte;
            if let Ok(header) = read(&file[..], Some(size)) {
                proptest::prop_assert!(header.tensors.iter().all(|tensor| tensor.end().unwrap() <= size));
            }
        }
    }
}
