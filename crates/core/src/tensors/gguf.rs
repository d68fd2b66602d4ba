//! GGUF: metadata, a list of tensors, and the tensors, each at a multiple of the alignment (ggml, `docs/gguf.md`).

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use super::error::Error;
use super::ggml::BlockType;
use super::header::{Format, Header, Tensor, Value, elements};
use crate::limits;

/// The maximum length of arrays of integers that are kept: some models have a different number of heads in each layer.
const KEPT_ELEMENTS: u64 = 512;

/// The first bytes of every file.
pub(super) const MAGIC: &[u8; 4] = b"GGUF";

pub(super) fn read(source: impl Read, file_size: Option<u64>) -> Result<Header, Error> {
    let source = BufReader::new(source).take(limits::TENSOR_HEADER_BYTES);
    let mut reader = Reader { source, position: 0, version: 0, is_big_endian: false, kept_numbers: 0 };
    let (tensor_count, entry_count) = reader.beginning()?;
    check_count(tensor_count, "tensors", limits::TENSORS)?;
    check_count(entry_count, "entries of metadata", limits::TENSOR_METADATA)?;
    let mut metadata = BTreeMap::new();
    for _ in 0..entry_count {
        let key = reader.text()?;
        let kind = reader.u32()?;
        let value = reader.value(&key, kind)?;
        if metadata.contains_key(&key) {
            return Err(Error::Metadata { key, problem: "occurs twice" });
        }
        metadata.insert(key, value);
    }
    let mut entries = Vec::new();
    for _ in 0..tensor_count {
        entries.push(reader.entry()?);
    }
    let alignment = alignment(&metadata)?;
    let data_start = reader.position.next_multiple_of(alignment);
    let tensors = entries.into_iter().map(|entry| entry.tensor(data_start, alignment));
    Header::checked(Format::Gguf, tensors.collect::<Result<_, _>>()?, metadata, file_size)
}

fn check_count(count: u64, what: &'static str, limit: usize) -> Result<(), Error> {
    if count <= limit as u64 { Ok(()) } else { Err(Error::TooMany { what, limit: limit as u64 }) }
}

fn alignment(metadata: &BTreeMap<String, Value>) -> Result<u64, Error> {
    const KEY: &str = "general.alignment";
    match metadata.get(KEY).map(Value::integer) {
        None => Ok(32),
        // The rule of ggml. The specification requires a 32-bit number.
        Some(Some(alignment)) if alignment.is_power_of_two() && alignment <= 1 << 31 => Ok(alignment),
        Some(_) => Err(Error::Metadata { key: KEY.to_owned(), problem: "is not a power of two" }),
    }
}

/// The description of a tensor in the list.
struct Entry {
    name: Box<str>,
    shape: Box<[u64]>,
    kind: u32,
    /// The offset relative to the beginning of the tensors.
    offset: u64,
}

impl Entry {
    fn tensor(self, data_start: u64, alignment: u64) -> Result<Tensor, Error> {
        let Self { name, shape, kind, offset } = self;
        let Some(block) = BlockType::of(kind) else {
            return Err(Error::UnknownType { name: name.into(), found: kind.to_string() });
        };
        if !shape.first().unwrap_or(&1).is_multiple_of(block.elements) {
            return Err(Error::tensor(&name, "has rows that do not consist of whole blocks"));
        }
        if !offset.is_multiple_of(alignment) {
            return Err(Error::tensor(&name, "is not aligned"));
        }
        let size = elements(&shape).and_then(|elements| (elements / block.elements).checked_mul(block.bytes));
        let (Some(size), Some(offset)) = (size, data_start.checked_add(offset)) else {
            return Err(Error::tensor(&name, "is too large"));
        };
        Ok(Tensor { name, element_type: block.name, shape: shape.into(), offset, size })
    }
}

/// Reads numbers and strings, and keeps track of the position.
struct Reader<R> {
    source: io::Take<R>,
    position: u64,
    version: u32,
    is_big_endian: bool,
    /// The length of all arrays that were kept.
    kept_numbers: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the magic, the version, and the numbers of tensors and of metadata entries.
    fn beginning(&mut self) -> Result<(u64, u64), Error> {
        if self.bytes()? != *MAGIC {
            return Err(Error::NotGguf);
        }
        let version = self.u32()?;
        // The byte order is not stored, but so far no version needs the upper half of its number (llama.cpp,
        // `gguf_reader.py`).
        self.is_big_endian = version.trailing_zeros() >= 16;
        self.version = if self.is_big_endian { version.swap_bytes() } else { version };
        if !(1..=3).contains(&self.version) {
            return Err(Error::Version(self.version));
        }
        Ok((self.length()?, self.length()?))
    }

    fn entry(&mut self) -> Result<Entry, Error> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        if dimensions as usize > limits::TENSOR_DIMENSIONS {
            return Err(Error::tensor(&name, "has too many dimensions"));
        }
        let shape = (0..dimensions).map(|_| self.length()).collect::<Result<_, _>>()?;
        Ok(Entry { name: name.into(), shape, kind: self.u32()?, offset: u64::from_le_bytes(self.number()?) })
    }

    /// Reads the value of `key`, of the type with the number `kind` (`gguf_metadata_value_type`).
    fn value(&mut self, key: &str, kind: u32) -> Result<Value, Error> {
        Ok(match kind {
            0 => u64::from(u8::from_le_bytes(self.number()?)).into(),
            1 => i64::from(i8::from_le_bytes(self.number()?)).into(),
            2 => u64::from(u16::from_le_bytes(self.number()?)).into(),
            3 => i64::from(i16::from_le_bytes(self.number()?)).into(),
            4 => u64::from(u32::from_le_bytes(self.number()?)).into(),
            5 => i64::from(i32::from_le_bytes(self.number()?)).into(),
            6 => Value::Float(f32::from_le_bytes(self.number()?).into()),
            7 => Value::Boolean(self.bytes()? != [0]),
            8 => Value::Text(self.text()?),
            9 => self.array(key, 0)?,
            10 => u64::from_le_bytes(self.number()?).into(),
            11 => i64::from_le_bytes(self.number()?).into(),
            12 => Value::Float(f64::from_le_bytes(self.number()?)),
            _ => return Err(Error::Metadata { key: key.to_owned(), problem: "is of an unknown type" }),
        })
    }

    /// Skips an array, or keeps it if it is short and contains integers.
    fn array(&mut self, key: &str, depth: usize) -> Result<Value, Error> {
        let (kind, count) = (self.u32()?, self.length()?);
        match (kind, width(kind)) {
            (8, _) => {
                for _ in 0..count {
                    let length = self.length()?;
                    self.skip(length)?;
                }
            }
            (9, _) if depth < limits::GGUF_DEPTH => {
                for _ in 0..count {
                    self.array(key, depth + 1)?;
                }
            }
            (_, Some(_)) if count <= KEPT_ELEMENTS && self.may_keep(count) => {
                let values = (0..count).map(|_| Ok(self.value(key, kind)?.integer()));
                let integers = values.collect::<Result<Option<Vec<u64>>, Error>>()?;
                return Ok(integers.map_or(Value::Array { elements: count }, Value::Integers));
            }
            (_, Some(width)) => self.skip(count.checked_mul(width).ok_or(Error::TooLarge)?)?,
            (9, None) => return Err(Error::Metadata { key: key.to_owned(), problem: "is nested too deeply" }),
            _ => return Err(Error::Metadata { key: key.to_owned(), problem: "is of an unknown type" }),
        }
        Ok(Value::Array { elements: count })
    }

    /// Returns true if an array of `count` numbers may be kept in addition to the others.
    fn may_keep(&mut self, count: u64) -> bool {
        self.kept_numbers += count;
        self.kept_numbers <= limits::TENSOR_METADATA_NUMBERS as u64
    }

    /// Reads a length or count: 32 bits in version 1, 64 bits since version 2.
    fn length(&mut self) -> Result<u64, Error> {
        if self.version == 1 { self.u32().map(u64::from) } else { self.number().map(u64::from_le_bytes) }
    }

    /// Reads a string. Invalid UTF-8 is replaced.
    fn text(&mut self) -> Result<String, Error> {
        let length = self.length()?;
        let mut bytes = Vec::new();
        // The buffer grows with the received bytes, not to the announced length.
        let read = self.source.by_ref().take(length).read_to_end(&mut bytes)?;
        self.passed(read as u64, length)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip(&mut self, count: u64) -> Result<(), Error> {
        let skipped = io::copy(&mut self.source.by_ref().take(count), &mut io::sink())?;
        self.passed(skipped, count)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.number().map(u32::from_le_bytes)
    }

    /// The bytes of a number in little-endian order.
    fn number<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = self.bytes()?;
        if self.is_big_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        match self.source.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.early_end()),
            result => {
                result?;
                self.position += N as u64;
                Ok(bytes)
            }
        }
    }

    fn passed(&mut self, read: u64, wanted: u64) -> Result<(), Error> {
        self.position += read;
        if read < wanted { Err(self.early_end()) } else { Ok(()) }
    }

    fn early_end(&self) -> Error {
        if self.source.limit() == 0 { Error::TooLarge } else { Error::Truncated }
    }
}

/// The size of a value in bytes, if it is the same for all values of the type.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_testkit::samples::{Gguf, small_gguf};

    fn parse(file: &[u8]) -> Result<Header, Error> {
        read(file, Some(file.len() as u64))
    }

    fn fails(file: &Gguf, expected: &str) {
        assert_eq!(parse(&file.bytes()).unwrap_err().to_string(), expected);
    }

    #[test]
    fn all_versions_and_byte_orders_say_the_same() {
        for (version, is_big_endian) in [(1, false), (2, false), (3, false), (3, true)] {
            let file = small_gguf(version, is_big_endian).bytes();
            let header = parse(&file).unwrap();
            let start = file.len() as u64 - 2 * 160;
            let norm = Tensor {
                name: "blk.0.attn_norm.weight".into(),
                element_type: "F32",
                shape: [32].into(),
                offset: start,
                size: 128,
            };
            let embedding = Tensor {
                name: "token_embd.weight".into(),
                element_type: "Q4_0",
                shape: [32, 10].into(),
                offset: start + 128,
                size: 180,
            };
            assert_eq!(header.tensors, [norm, embedding], "version {version}");
            assert_eq!(header.metadata["general.architecture"].text(), Some("llama"));
            assert_eq!(header.metadata["llama.block_count"].integer(), Some(2));
            assert_eq!(header.metadata["llama.attention.head_count_kv"], Value::Integers(vec![1, 2]));
            assert_eq!(header.metadata["tokenizer.ggml.tokens"], Value::Array { elements: 3 });
        }
    }

    #[test]
    fn every_type_of_value_is_read() {
        let file = Gguf::new(3, false)
            .entry("u8", 0, &[200])
            .entry("i8", 1, &[200])
            .entry("u16", 2, &500_u16.to_le_bytes())
            .entry("i16", 3, &(-2_i16).to_le_bytes())
            .entry("f32", 6, &0.5_f32.to_le_bytes())
            .entry("yes", 7, &[1])
            .entry("u64", 10, &u64::MAX.to_le_bytes())
            .entry("i64", 11, &7_i64.to_le_bytes())
            .entry("f64", 12, &0.25_f64.to_le_bytes())
            .entry("floats", 9, &[&6_u32.to_le_bytes()[..], &1_u64.to_le_bytes(), &[0; 4]].concat())
            .entry("many", 9, &[&0_u32.to_le_bytes()[..], &600_u64.to_le_bytes(), &[9; 600]].concat());
        let metadata = parse(&file.bytes()).unwrap().metadata;
        for (key, expected) in [
            ("u8", Value::Unsigned(200)),
            ("i8", Value::Negative(-56)),
            ("u16", Value::Unsigned(500)),
            ("i16", Value::Negative(-2)),
            ("f32", Value::Float(0.5)),
            ("yes", Value::Boolean(true)),
            ("u64", Value::Unsigned(u64::MAX)),
            ("i64", Value::Unsigned(7)),
            ("f64", Value::Float(0.25)),
            ("floats", Value::Array { elements: 1 }),
            ("many", Value::Array { elements: 600 }),
        ] {
            assert_eq!(metadata[key], expected, "{key}");
        }
    }

    #[test]
    fn impossible_values_are_refused() {
        let array = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
        let file = || Gguf::new(3, false);
        fails(&file().entry("a", 4, &[0; 4]).entry("a", 4, &[0; 4]), "its metadata `a` occurs twice");
        fails(&file().entry("a", 13, &[]), "its metadata `a` is of an unknown type");
        fails(&file().entry("a", 9, &array(13, 1)), "its metadata `a` is of an unknown type");
        fails(&file().entry("a", 9, &array(9, 1).repeat(100_000)), "its metadata `a` is nested too deeply");
        fails(&file().entry("a", 9, &array(10, u64::MAX)), "its header is longer than 33554432 bytes");
        fails(&file().entry("a", 9, &array(0, u64::MAX)), "it ends inside its header");
        fails(&file().entry("a", 9, &array(8, u64::MAX)), "it ends inside its header");
        fails(&file().entry("a", 8, &u64::MAX.to_le_bytes()), "it ends inside its header");
        let wrong = "its metadata `general.alignment` is not a power of two";
        fails(&file().entry("general.alignment", 4, &[0; 4]), wrong);
        fails(&file().entry("general.alignment", 4, &48_u32.to_le_bytes()), wrong);
        fails(&file().entry("general.alignment", 8, &0_u64.to_le_bytes()), wrong);
        fails(&file().tensor("t", &[1; 9], 0, 0), "its tensor `t` has too many dimensions");
        fails(&file().tensor("t", &[31], 2, 0), "its tensor `t` has rows that do not consist of whole blocks");
        fails(&file().tensor("t", &[1], 0, 8), "its tensor `t` is not aligned");
        fails(&file().tensor("t", &[1 << 32, 1 << 32], 0, 0), "its tensor `t` is too large");
        fails(&file().tensor("t", &[1 << 62], 0, 0), "its tensor `t` is too large");
        fails(&file().tensor("t", &[1], 0, u64::MAX - 31), "its tensor `t` is too large");
        fails(&file().tensor("t", &[1], 4, 0), "its tensor `t` has the unknown type `4`");
        fails(&file().tensor("t", &[8], 0, 0), "its tensor `t` extends beyond the end of the file");
        fails(&file().tensor("t", &[1], 0, 0).tensor("t", &[1], 0, 32).data(64), "its tensor `t` occurs twice");
        let overlap = file().tensor("t", &[16], 0, 0).tensor("u", &[1], 0, 32).data(64);
        fails(&overlap, "its tensor `u` overlaps with another tensor");
        assert!(matches!(read(&b"GGML"[..], None), Err(Error::NotGguf)));
        fails(&Gguf::new(4, false), "GGUF version 4 is not supported");
        fails(&Gguf::new(4, true), "GGUF version 4 is not supported");
        let many = [&b"GGUF\x03\0\0\0"[..], &u64::MAX.to_le_bytes(), &u64::MAX.to_le_bytes()].concat();
        assert_eq!(parse(&many).unwrap_err().to_string(), "it has more than 100000 tensors");
        let many = [&b"GGUF\x03\0\0\0"[..], &1_u64.to_le_bytes(), &u64::MAX.to_le_bytes()].concat();
        assert_eq!(parse(&many).unwrap_err().to_string(), "it has more than 100000 entries of metadata");
    }

    #[test]
    fn an_endless_header_is_read_up_to_the_limit() {
        let endless = Gguf::new(3, false).entry("a", 8, &u64::MAX.to_le_bytes()).bytes();
        let source = endless.chain(io::repeat(0));
        assert!(matches!(read(source, None), Err(Error::TooLarge)));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, version in 0..5_u32) {
            drop(parse(&bytes));
            drop(parse(&[&b"GGUF"[..], &version.to_le_bytes(), &bytes].concat()));
        }

        #[test]
        fn changed_headers_never_panic(places: [proptest::sample::Index; 2], bytes: [u8; 2], version in 1..4_u32) {
            let mut file = small_gguf(version, false).bytes();
            for (place, byte) in places.iter().zip(bytes) {
                let place = place.index(file.len());
                file[place] = byte;
            }
            if let Ok(header) = parse(&file) {
                let size = file.len() as u64;
                proptest::prop_assert!(header.tensors.iter().all(|tensor| tensor.end().unwrap() <= size));
            }
        }
    }
}
