//! safetensors: a length of eight bytes, a JSON object, and the tensors one after the other (huggingface/safetensors,
//! README "Format").

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufReader, Read, Take};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use super::error::Error;
use super::header::{Format, Header, Tensor, Value, elements};
use super::safetensors_entry::{DType, Shape};
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
    let document = read_document(source.take(length))?;
    let data_start = 8 + length;
    let tensors = document.tensors.into_iter().map(|(name, entry)| tensor(name, entry, data_start));
    let header =
        Header::checked(Format::Safetensors, tensors.collect::<Result<_, _>>()?, document.metadata, file_size)?;
    check_there_are_no_gaps(&header, data_start, file_size)?;
    Ok(header)
}

/// Returns true if `bytes` are the length of a header, and its first character. Four of the eight bytes of a length are
/// always zero, so no text begins like this.
pub(super) fn begins_with(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    length.is_some_and(|length| length <= limits::TENSOR_HEADER_BYTES) && bytes.get(8) == Some(&b'{')
}

/// Parses the JSON of the header while it is read, so that its text is not in memory.
fn read_document(source: Take<impl Read>) -> Result<Document, Error> {
    let mut source = BufReader::new(source);
    let mut document = Document::default();
    let mut json = serde_json::Deserializer::from_reader(&mut source);
    let parsed = Reading(&mut document).deserialize(&mut json).and_then(|()| json.end());
    if let Some(what) = document.excess {
        return Err(Error::TooMany { what: what.0, limit: what.1 as u64 });
    }
    if let Err(error) = parsed {
        if error.is_io() {
            return Err(io::Error::from(error).into());
        }
        io::copy(&mut source, &mut io::sink())?;
        // If the end of the header is missing, that is the reason.
        return Err(if source.get_ref().limit() > 0 { Error::Truncated } else { Error::Json(error) });
    }
    if source.get_ref().limit() > 0 { Err(Error::Truncated) } else { Ok(document) }
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

fn tensor(name: Box<str>, entry: Entry, data_start: u64) -> Result<Tensor, Error> {
    let (begin, end) = entry.data_offsets;
    let (element_type, bits) = match entry.dtype {
        DType::Known(element_type, bits) => (element_type, bits),
        DType::Unknown(found) => return Err(Error::UnknownType { name: name.into(), found: found.into() }),
    };
    if entry.shape.0.len() > limits::TENSOR_DIMENSIONS {
        return Err(Error::tensor(&name, "has too many dimensions"));
    }
    let Some(bits) = elements(&entry.shape.0).and_then(|elements| elements.checked_mul(bits)) else {
        return Err(Error::tensor(&name, "is too large"));
    };
    let size = end.checked_sub(begin).filter(|size| bits % 8 == 0 && *size == bits / 8);
    let size = size.ok_or_else(|| Error::tensor(&name, "has a size that does not match its shape"))?;
    let offset = data_start.checked_add(begin).ok_or_else(|| Error::tensor(&name, "is too large"))?;
    Ok(Tensor { name, element_type, shape: entry.shape.0.into(), offset, size })
}

/// The only key that is not the name of a tensor.
const METADATA: &str = "__metadata__";

#[derive(Default)]
struct Document {
    tensors: Vec<(Box<str>, Entry)>,
    metadata: BTreeMap<String, Value>,
    has_metadata: bool,
    /// The things of which there are more than the limit.
    excess: Option<(&'static str, usize)>,
}

#[derive(Deserialize)]
struct Entry {
    dtype: DType,
    shape: Shape,
    /// The begin and end of the bytes, relative to the end of the header.
    data_offsets: (u64, u64),
}

/// Reads a document. It implements the interfaces of serde by hand, because a map would keep only the last of several
/// tensors with the same name, and would have no limit.
struct Reading<'a>(&'a mut Document);

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Box<str>>()? {
            if &*name == METADATA {
                map.next_value_seed(ReadingMetadata(self.0))?;
            } else if self.0.tensors.len() == limits::TENSORS {
                self.0.excess = Some(("tensors", limits::TENSORS));
                return Err(A::Error::custom("there are too many tensors"));
            } else {
                self.0.tensors.push((name, map.next_value()?));
            }
        }
        Ok(())
    }
}

/// Reads the metadata of a document.
struct ReadingMetadata<'a>(&'a mut Document);

impl<'de> DeserializeSeed<'de> for ReadingMetadata<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ReadingMetadata<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if std::mem::replace(&mut self.0.has_metadata, true) {
            return Err(A::Error::custom("`__metadata__` occurs twice"));
        }
        while let Some((key, text)) = map.next_entry()? {
            if self.0.metadata.len() == limits::TENSOR_METADATA {
                self.0.excess = Some(("entries of metadata", limits::TENSOR_METADATA));
                return Err(A::Error::custom("there is too much metadata"));
            }
            self.0.metadata.insert(key, Value::Text(text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
        let a = Tensor { name: "a".into(), element_type: "F32", shape: [].into(), offset: start, size: 4 };
        let b = Tensor { name: "b".into(), element_type: "BF16", shape: [2, 3].into(), offset: start + 4, size: 12 };
        assert_eq!(read.tensors, [a, b]);
        assert_eq!(read.metadata["format"].text(), Some("pt"));
        assert_eq!(read.weight_bytes(), 16);
    }

    #[test]
    fn equal_shapes_are_in_memory_once() {
        let header = r#"{"a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},
            "b":{"dtype":"U8","shape":[2,2],"data_offsets":[4,8]},"c":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}"#;
        let tensors = parse(header, 12).unwrap().tensors;
        assert!(Arc::ptr_eq(&tensors[0].shape, &tensors[1].shape));
        assert_eq!((&*tensors[1].shape, &*tensors[2].shape), (&[2, 2][..], &[4][..]));
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
            (one("U8", "[8,1,1,1,1,1,1,1,1]", "[0,8]"), "its tensor `t` has too many dimensions"),
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
        check(limits::TENSOR_HEADER_BYTES + 1, "its header is longer than 33554432 bytes");
        check(u64::MAX, "its header is longer than 33554432 bytes");
        assert!(matches!(read(&[0; 7][..], None), Err(Error::Truncated)));
    }

    #[test]
    fn the_number_of_tensors_and_of_metadata_is_limited() {
        let list = |key: &str, value: &str, count: usize| {
            let entries: Vec<_> = (0..count).map(|number| format!(r#""{key}{number}":{value}"#)).collect();
            format!("{{{}}}", entries.join(","))
        };
        let tensors = |count| list("t", r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#, count);
        let metadata = |count| format!(r#"{{"__metadata__":{}}}"#, list("k", r#""""#, count));
        assert_eq!(parse(&tensors(limits::TENSORS), 0).unwrap().tensors.len(), limits::TENSORS);
        let too_many = |header: &str| parse(header, 0).unwrap_err().to_string();
        assert_eq!(too_many(&tensors(limits::TENSORS + 1)), "it has more than 100000 tensors");
        assert_eq!(parse(&metadata(limits::TENSOR_METADATA), 0).unwrap().metadata.len(), limits::TENSOR_METADATA);
        assert_eq!(too_many(&metadata(limits::TENSOR_METADATA + 1)), "it has more than 100000 entries of metadata");
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
