//! Cutting a file of weights at the beginnings and ends of its tensors.

use super::entry::TensorLabel;
use crate::limits;
use crate::tensors::{Error, Format, Header};

/// The maximum number of bytes kept in memory to find the header in. Longer headers, of GGUF files with large
/// vocabularies, are not found.
const COLLECTED: usize = 8 * 1024 * 1024;
/// The number of bytes required before the first attempt to read the header.
const FIRST_LOOK: usize = 4 * 1024;

/// The beginning of a file of weights, until its header is complete.
#[derive(Debug)]
pub(super) struct Beginning {
    format: Format,
    file_size: u64,
    bytes: Vec<u8>,
    /// The number of bytes required before the next attempt.
    next_look: usize,
}

/// The result of an attempt to read the header.
pub(super) enum Look {
    /// More bytes are needed.
    TooEarly,
    /// The file has tensors.
    Tensors(TensorPoints),
    /// The file has no tensors that can be read.
    Other,
}

impl Beginning {
    /// Returns `None` for a file whose name is not that of a file of weights.
    pub(super) fn of(file_name: &str, file_size: u64) -> Option<Self> {
        let format = Format::of(file_name)?;
        Some(Self { format, file_size, bytes: Vec::new(), next_look: FIRST_LOOK })
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Look {
        self.bytes.extend_from_slice(bytes);
        let is_whole = self.bytes.len() as u64 >= self.file_size;
        if self.bytes.len() < self.next_look && !is_whole {
            return Look::TooEarly;
        }
        self.next_look = 2 * self.bytes.len();
        match Header::read(self.format, &self.bytes[..], Some(self.file_size)) {
            Ok(header) => Look::Tensors(TensorPoints::new(header)),
            Err(Error::Truncated) if !is_whole && self.bytes.len() < COLLECTED => Look::TooEarly,
            Err(_) => Look::Other,
        }
    }

    /// All bytes that were received.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Finds the beginnings and ends of tensors.
#[derive(Debug)]
pub(super) struct TensorPoints {
    position: u64,
    /// The remaining chunks, last first: the offset of the end of each, and its tensor.
    pieces: Vec<(u64, Option<TensorLabel>)>,
}

impl TensorPoints {
    fn new(header: Header) -> Self {
        let (mut pieces, mut reached) = (Vec::new(), 0);
        for tensor in header.tensors {
            if tensor.offset > reached {
                pieces.push((tensor.offset, None));
            }
            reached = tensor.offset + tensor.size;
            let (name, element_type, shape) =
                (tensor.name.into(), tensor.element_type.to_owned(), tensor.shape.to_vec());
            let is_named = shape.len() <= limits::TABLE_DIMENSIONS;
            pieces.push((reached, is_named.then_some(TensorLabel { name, element_type, shape })));
        }
        pieces.reverse();
        Self { position: 0, pieces }
    }

    /// The number of the next `bytes` that complete the current chunk, with its tensor; `None` if all of them belong to
    /// the current chunk.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<(usize, Option<TensorLabel>)> {
        let (end, _) = self.pieces.last()?;
        let left = usize::try_from(end - self.position).ok().filter(|left| *left <= bytes.len());
        self.position += left.unwrap_or(bytes.len()) as u64;
        left.and_then(|left| Some((left, self.pieces.pop()?.1)))
    }
}
