//! Where the tensors of a file of weights begin and end.

use super::entry::TensorLabel;
use crate::tensors::{Error, Format, Header};

/// How much of a file is kept in memory to find its header in. Longer ones, of GGUF files with large vocabularies, go unnoticed.
const COLLECTED: usize = 8 * 1024 * 1024;
/// How much there must be before it is looked at for the first time.
const FIRST_LOOK: usize = 4 * 1024;

/// The beginning of a file of weights, until its header is whole.
#[derive(Debug)]
pub(super) struct Beginning {
    format: Format,
    file_size: u64,
    bytes: Vec<u8>,
    /// How many bytes there must be before the next look.
    next_look: usize,
}

/// What the next bytes of a file mean.
pub(super) enum Look {
    /// It is too early to tell.
    TooEarly,
    /// The file has tensors.
    Tensors(TensorPoints),
    /// It has none that we can read.
    Other,
}

impl Beginning {
    /// None for a file that is not called like one of weights.
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

    /// All bytes that were taken.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Finds the beginnings and ends of tensors.
#[derive(Debug)]
pub(super) struct TensorPoints {
    position: u64,
    /// The pieces to come, last first: where each ends, and which tensor it is.
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
            let (name, element_type, shape) = (tensor.name, tensor.element_type.to_owned(), tensor.shape);
            pieces.push((reached, Some(TensorLabel { name, element_type, shape })));
        }
        pieces.reverse();
        Self { position: 0, pieces }
    }

    /// How many of the next `bytes` end the piece that has begun, and what that is; none if all of them belong to it.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<(usize, Option<TensorLabel>)> {
        let (end, _) = self.pieces.last()?;
        let left = usize::try_from(end - self.position).ok().filter(|left| *left <= bytes.len());
        self.position += left.unwrap_or(bytes.len()) as u64;
        left.and_then(|left| Some((left, self.pieces.pop()?.1)))
    }
}
