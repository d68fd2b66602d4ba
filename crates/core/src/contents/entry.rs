//! An entry of the table of contents: one line of its JSON.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
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
pub struct Piece {
    /// The size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    #[serde(rename = "blake3")]
    pub digest: PieceDigest,
    /// The tensor in this chunk, if the chunk is a tensor.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub tensor: Option<Box<TensorLabel>>,
}

/// The description of a tensor in the header of a file of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    file: Option<FileLine>,
}

#[derive(Serialize, Deserialize)]
struct FileLine {
    size: u64,
    offset: u64,
    digest: Digest,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pieces: Vec<Piece>,
}

impl From<Entry> for Line {
    fn from(Entry { path, mode, kind }: Entry) -> Self {
        let file = match kind {
            Kind::Folder => None,
            Kind::File { size, offset, digest, pieces } => Some(FileLine { size, offset, digest, pieces }),
        };
        Self { path: path.to_string(), mode, file }
    }
}

impl Line {
    /// The entry, or an error if the values of the line are not possible.
    pub(super) fn into_entry(self) -> Result<Entry, String> {
        let path: RelativePath = self.path.parse().map_err(|error| format!("{error}"))?;
        let kind = match self.file {
            None => Kind::Folder,
            Some(FileLine { size, offset, digest, pieces }) => {
                let total = pieces.iter().try_fold(0_u64, |total, piece| total.checked_add(piece.size));
                if offset.checked_add(size).is_none() || !(pieces.is_empty() || total == Some(size)) {
                    return Err(format!("the size of `{path}` is not possible"));
                }
                Kind::File { size, offset, digest, pieces }
            }
        };
        Ok(Entry { path, mode: self.mode, kind })
    }
}
