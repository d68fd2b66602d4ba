//! The common representation of the headers of both formats, and the checks that apply to both.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::error::Error;
use super::{gguf, safetensors};

/// A format of files of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A length, a JSON document, and the tensors.
    Safetensors,
    /// Metadata and tensors for llama.cpp and related programs (ggml, `docs/gguf.md`), versions 1 to 3.
    Gguf,
}

/// The header of a file of weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The format of the file.
    pub format: Format,
    /// The tensors in the order of their offsets. They do not overlap, and their names are unique.
    pub tensors: Vec<Tensor>,
    /// The other information in the header, by key.
    pub metadata: BTreeMap<String, Value>,
}

/// One tensor of a file. It has no spare capacity, because a file may have a hundred thousand of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tensor {
    /// The name of the tensor in the model.
    pub name: Box<str>,
    /// The type of its elements by the name of the format, for example `BF16` or `Q4_K`.
    #[serde(rename = "type")]
    pub element_type: &'static str,
    /// The dimensions in the order of the format: the first varies slowest in safetensors and fastest in GGUF. Tensors
    /// with equal shapes share it.
    #[serde(serialize_with = "serialize_shape")]
    pub shape: Arc<[u64]>,
    /// The offset of its bytes in the file.
    pub offset: u64,
    /// The size in bytes.
    pub size: u64,
}

/// A value of metadata.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A non-negative integer.
    Unsigned(u64),
    /// A negative integer.
    Negative(i64),
    /// A floating-point number.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A string.
    Text(String),
    /// A short array of integers, such as one number for each layer.
    Integers(Vec<u64>),
    /// An array that was skipped, such as a vocabulary.
    Array {
        /// The number of elements.
        elements: u64,
    },
}

impl Format {
    /// The format of a file by its name.
    pub fn of(file_name: &str) -> Option<Self> {
        match file_name.rsplit_once('.')?.1 {
            "safetensors" => Some(Self::Safetensors),
            "gguf" => Some(Self::Gguf),
            _ => None,
        }
    }

    /// Returns true if a file of this format can begin with `bytes`, of which the first nine are decisive.
    pub fn begins_with(self, bytes: &[u8]) -> bool {
        match self {
            Self::Safetensors => safetensors::begins_with(bytes),
            Self::Gguf => bytes.starts_with(gguf::MAGIC),
        }
    }

    /// The usual name of the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Gguf => "GGUF",
        }
    }
}

impl Header {
    /// Reads the header at the beginning of `source`, and little of what follows. `file_size` is the size of the whole
    /// file in bytes; without it, tensors beyond the end of the file are not detected.
    pub fn read(format: Format, source: impl Read, file_size: Option<u64>) -> Result<Self, Error> {
        match format {
            Format::Safetensors => safetensors::read(source, file_size),
            Format::Gguf => gguf::read(source, file_size),
        }
    }

    /// Sorts `tensors`, whose order is arbitrary in both formats, and refuses impossible ones.
    pub(super) fn checked(
        format: Format,
        mut tensors: Vec<Tensor>,
        metadata: BTreeMap<String, Value>,
        file_size: Option<u64>,
    ) -> Result<Self, Error> {
        // An empty tensor may have the same offset as another one.
        tensors.sort_by_key(|tensor| (tensor.offset, tensor.size));
        share_shapes(&mut tensors);
        let mut names = HashSet::new();
        let mut reached = 0;
        for tensor in &tensors {
            if !names.insert(&*tensor.name) {
                return Err(Error::tensor(&tensor.name, "occurs twice"));
            }
            if tensor.offset < reached {
                return Err(Error::tensor(&tensor.name, "overlaps with another tensor"));
            }
            reached = tensor.end().ok_or_else(|| Error::tensor(&tensor.name, "is too large"))?;
            if file_size.is_some_and(|size| reached > size) {
                return Err(Error::tensor(&tensor.name, Error::BEYOND_END));
            }
        }
        Ok(Self { format, tensors, metadata })
    }

    /// The total size of the tensors in bytes.
    pub fn weight_bytes(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.size).fold(0, u64::saturating_add)
    }
}

/// The number of different shapes that are shared. Most files have less than ten.
const SHARED_SHAPES: usize = 1024;

/// Makes tensors with equal shapes share one copy.
fn share_shapes(tensors: &mut [Tensor]) {
    let mut shapes: HashSet<Arc<[u64]>> = HashSet::new();
    for tensor in tensors {
        match shapes.get(&tensor.shape) {
            Some(shape) => tensor.shape = Arc::clone(shape),
            None if shapes.len() < SHARED_SHAPES => drop(shapes.insert(Arc::clone(&tensor.shape))),
            None => {}
        }
    }
}

fn serialize_shape<S: Serializer>(shape: &Arc<[u64]>, serializer: S) -> Result<S::Ok, S::Error> {
    shape.as_ref().serialize(serializer)
}

impl Tensor {
    /// The number of elements; packed numbers count as the elements that they are packed in.
    pub fn elements(&self) -> u64 {
        elements(&self.shape).unwrap_or(u64::MAX)
    }

    pub(super) fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.size)
    }
}

/// The number of elements of a tensor, unless it does not fit into 64 bits.
pub(super) fn elements(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1_u64, |product, dimension| product.checked_mul(*dimension))
}

impl Value {
    /// The value as an integer, unless it has another type or is negative.
    pub fn integer(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    /// The value as a string, if it is one.
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
