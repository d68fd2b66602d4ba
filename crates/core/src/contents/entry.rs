//! An entry of the table of contents: one line of its JSON.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::parts::Parts;
use crate::digest::Digest;
use crate::limits;
use crate::relative_path::RelativePath;

/// A file or a folder in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path that it is unpacked to.
    pub path: RelativePath,
    /// The permission bits.
    pub mode: u32,
    /// The type of the entry with its content.
    pub kind: Kind,
}

/// The type of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// The size of its content in bytes.
        size: u64,
        /// The offset of its content in the uncompressed layer.
        offset: u64,
        /// The SHA-256 digest of its content.
        digest: Digest,
        /// The chunks of the content in order. Empty for a file smaller than 1 MiB.
        pieces: Vec<Piece>,
    },
}

/// A chunk: a part of a file that is likely to occur in another version of the file as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PieceFields")]
pub struct Piece {
    /// The size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    #[serde(rename = "blake3")]
    pub digest: PieceDigest,
    /// The tensor in this chunk, if the chunk is a tensor.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub tensor: Option<Box<TensorLabel>>,
    /// The parts of this chunk, if the file is large and has no tensors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Box<Parts>>,
}

/// The members of a [`Piece`]. To read a flattened struct, serde would hold all members in memory first, at 32 bytes
/// for each element of a list.
#[derive(Deserialize)]
struct PieceFields {
    size: u64,
    blake3: PieceDigest,
    tensor: Option<String>,
    #[serde(rename = "type")]
    element_type: Option<String>,
    #[serde(default, deserialize_with = "shape")]
    shape: Option<Vec<u64>>,
    parts: Option<Box<Parts>>,
}

impl From<PieceFields> for Piece {
    fn from(PieceFields { size, blake3: digest, tensor, element_type, shape, parts }: PieceFields) -> Self {
        let tensor = match (tensor, element_type, shape) {
            (Some(name), Some(element_type), Some(shape)) => Some(Box::new(TensorLabel { name, element_type, shape })),
            _ => None,
        };
        Self { size, digest, tensor, parts }
    }
}

/// Reads a shape with at most as many dimensions as a tensor can have in a table.
fn shape<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u64>>, D::Error> {
    struct Shape;

    impl<'de> Visitor<'de> for Shape {
        type Value = Vec<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {} dimensions", limits::TABLE_DIMENSIONS)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u64>, A::Error> {
            let mut shape = Vec::new();
            while let Some(length) = list.next_element()? {
                if shape.len() == limits::TABLE_DIMENSIONS {
                    return Err(serde::de::Error::invalid_length(shape.len() + 1, &self));
                }
                shape.push(length);
            }
            Ok(shape)
        }
    }

    from.deserialize_seq(Shape).map(Some)
}

/// The description of a tensor in the header of a file of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorLabel {
    /// The name of the tensor in the model.
    #[serde(rename = "tensor")]
    pub name: String,
    /// The type of its elements, as in [`Tensor`](crate::tensors::Tensor).
    #[serde(rename = "type")]
    pub element_type: String,
    /// The dimensions, as in [`Tensor`](crate::tensors::Tensor).
    pub shape: Vec<u64>,
}

/// The first 16 bytes of the BLAKE3 digest: 128 bits are enough to distinguish chunks, and half the bytes make the
/// table half as large.
///
/// SHA-256 would take three times as long, and the files of a layer and the layer itself have a SHA-256 digest already.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PieceDigest([u8; 16]);

impl PieceDigest {
    /// Computes the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_hash(&blake3::hash(bytes))
    }

    pub(super) fn of_hash(hash: &blake3::Hash) -> Self {
        let (first, _) = hash.as_bytes().split_at(16);
        Self(std::array::from_fn(|byte| first[byte]))
    }
}

impl fmt::Display for PieceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PieceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PieceDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PieceDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = (text.len() == 32).then(|| u128::from_str_radix(&text, 16).ok()).flatten();
        bytes
            .map(|bytes| Self(bytes.to_be_bytes()))
            .ok_or_else(|| serde::de::Error::custom("not the digest of a chunk"))
    }
}

/// An entry in the form of a line.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    path: String,
    mode: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pieces: Vec<Piece>,
}

impl From<Entry> for Line {
    fn from(Entry { path, mode, kind }: Entry) -> Self {
        let path = path.to_string();
        match kind {
            Kind::Folder => Self { path, mode, size: None, offset: None, digest: None, pieces: Vec::new() },
            Kind::File { size, offset, digest, pieces } => {
                Self { path, mode, size: Some(size), offset: Some(offset), digest: Some(digest), pieces }
            }
        }
    }
}

impl Line {
    /// The entry, or an error if the values of the line are not possible.
    pub(super) fn into_entry(self) -> Result<Entry, String> {
        let path: RelativePath = self.path.parse().map_err(|error| format!("{error}"))?;
        let pieces = self.pieces;
        let kind = match (self.size, self.offset, self.digest) {
            (None, None, None) => Kind::Folder,
            (Some(size), Some(offset), Some(digest)) => {
                let total = pieces.iter().try_fold(0_u64, |total, piece| total.checked_add(piece.size));
                if offset.checked_add(size).is_none() || !(pieces.is_empty() || total == Some(size)) {
                    return Err(format!("the size of `{path}` is not possible"));
                }
                Kind::File { size, offset, digest, pieces }
            }
            _ => return Err(format!("`{path}` needs a size, an offset and a digest")),
        };
        Ok(Entry { path, mode: self.mode, kind })
    }
}
