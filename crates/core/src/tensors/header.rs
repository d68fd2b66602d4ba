//! A header in the form that both formats are read into, and the checks that both have to pass.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use serde::Serialize;

use super::error::Error;
use super::{gguf, safetensors};

/// How long a header may be: the limit of safetensors' own reader (`MAX_HEADER_SIZE` in its `tensor.rs`, 0.7), taken for GGUF
/// too, where vocabularies of 256,000 words need some 10 MB.
pub const HEADER_LIMIT: u64 = 100_000_000;

/// A format of files of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A length, a JSON document, and the tensors.
    Safetensors,
    /// Metadata and tensors for llama.cpp and its kin (ggml, `docs/gguf.md`), versions 1 to 3.
    Gguf,
}

/// What a file of weights tells in front of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The format of the file.
    pub format: Format,
    /// In the order in which they stand in the file. No two overlap or have the same name.
    pub tensors: Vec<Tensor>,
    /// What else the header tells, by key.
    pub metadata: BTreeMap<String, Value>,
}

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tensor {
    /// What the model calls it.
    pub name: String,
    /// The type of its numbers as the format calls it, for example `BF16` or `Q4_K`.
    #[serde(rename = "type")]
    pub element_type: &'static str,
    /// The dimensions as the format lists them: the first varies slowest in safetensors and fastest in GGUF.
    pub shape: Vec<u64>,
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// How many bytes there are.
    pub size: u64,
}

/// A value of metadata.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// An integer that is not below zero.
    Unsigned(u64),
    /// An integer below zero.
    Negative(i64),
    /// A fraction.
    Float(f64),
    /// Yes or no.
    Boolean(bool),
    /// Text.
    Text(String),
    /// A short array of integers, such as a number for each layer.
    Integers(Vec<u64>),
    /// An array that was passed over, such as a vocabulary.
    Array {
        /// How many elements it has.
        elements: u64,
    },
}

impl Format {
    /// The format that a file is in by its name.
    pub fn of(file_name: &str) -> Option<Self> {
        match file_name.rsplit_once('.')?.1 {
            "safetensors" => Some(Self::Safetensors),
            "gguf" => Some(Self::Gguf),
            _ => None,
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Gguf => "GGUF",
        }
    }
}

impl Header {
    /// Reads the header at the beginning of `source`, and little of what follows. `file_size` is that of the whole file, in bytes;
    /// without it, tensors beyond the end of the file go unnoticed.
    pub fn read(format: Format, source: impl Read, file_size: Option<u64>) -> Result<Self, Error> {
        match format {
            Format::Safetensors => safetensors::read(source, file_size),
            Format::Gguf => gguf::read(source, file_size),
        }
    }

    /// Sorts `tensors`, which both formats keep in any order, and refuses those that cannot be.
    pub(super) fn checked(
        format: Format,
        mut tensors: Vec<Tensor>,
        metadata: BTreeMap<String, Value>,
        file_size: Option<u64>,
    ) -> Result<Self, Error> {
        // An empty tensor may begin where another one does.
        tensors.sort_by_key(|tensor| (tensor.offset, tensor.size));
        let mut names = HashSet::new();
        let mut reached = 0;
        for tensor in &tensors {
            if !names.insert(tensor.name.as_str()) {
                return Err(Error::tensor(&tensor.name, "occurs twice"));
            }
            if tensor.offset < reached {
                return Err(Error::tensor(&tensor.name, "overlaps with another one"));
            }
            reached = tensor.end().ok_or_else(|| Error::tensor(&tensor.name, "is too large"))?;
            if file_size.is_some_and(|size| reached > size) {
                return Err(Error::tensor(&tensor.name, "goes beyond the end of the file"));
            }
        }
        Ok(Self { format, tensors, metadata })
    }

    /// How many bytes the tensors have.
    pub fn weight_bytes(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.size).fold(0, u64::saturating_add)
    }
}

impl Tensor {
    /// How many numbers it holds, packed ones counted as what they are packed in.
    pub fn elements(&self) -> u64 {
        elements(&self.shape).unwrap_or(u64::MAX)
    }

    pub(super) fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.size)
    }
}

/// How many elements a tensor has, unless there are more than can be counted.
pub(super) fn elements(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1_u64, |product, dimension| product.checked_mul(*dimension))
}

impl Value {
    /// The integer that it is, unless it is something else or below zero.
    pub fn integer(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    /// The text that it is.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        u64::try_from(number).map_or(Self::Negative(number), Self::Unsigned)
    }
}
