//! Cutting the content of a file into chunks and computing their digests.

use super::entry::{Piece, PieceDigest, TensorLabel};
use super::parts::PartCutter;
use super::points::ContentPoints;
use super::tensor_points::{Beginning, Look, TensorPoints};

/// Receives the content of a file and cuts it into chunks: at its tensors if it has any, otherwise at points that
/// depend on the content.
#[derive(Debug)]
pub struct Cutter {
    points: Points,
    otherwise: ContentPoints,
    /// Cuts the chunks into parts, unless they are tensors.
    parts: Option<PartCutter>,
    hasher: blake3::Hasher,
    /// The size of the current chunk so far, in bytes.
    size: u64,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Points {
    Unknown(Beginning),
    Tensors(TensorPoints),
    Content,
}

impl Cutter {
    /// A cutter for a file of `size` bytes.
    pub fn new(file_name: &str, size: u64) -> Self {
        Self::like(file_name, size, size)
    }

    /// A cutter for a file of `size` bytes that has to be cut like another version of it with `other_size` bytes.
    pub fn like(file_name: &str, size: u64, other_size: u64) -> Self {
        let points = Beginning::of(file_name, size).map_or(Points::Content, Points::Unknown);
        let otherwise = ContentPoints::for_size(other_size);
        Self { points, otherwise, parts: None, hasher: blake3::Hasher::new(), size: 0, pieces: Vec::new() }
    }

    /// Cuts the chunks into parts as well, like those of a file with `other_size` bytes.
    #[must_use]
    pub fn with_parts(self, other_size: u64) -> Self {
        Self { parts: PartCutter::for_size(other_size), ..self }
    }

    /// Returns true if files of both sizes are cut with the same average chunk size. Files that are cut at their
    /// tensors do not depend on it.
    pub fn cuts_alike(size: u64, other_size: u64) -> bool {
        ContentPoints::average(size) == ContentPoints::average(other_size)
    }

    /// Receives the next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        let Points::Unknown(beginning) = &mut self.points else { return self.cut(bytes) };
        let points = match beginning.take(bytes) {
            Look::TooEarly => return,
            Look::Tensors(points) => {
                self.parts = None;
                Points::Tensors(points)
            }
            Look::Other => Points::Content,
        };
        if let Points::Unknown(beginning) = std::mem::replace(&mut self.points, points) {
            self.cut(&beginning.into_bytes());
        }
    }

    /// The chunks of all received bytes.
    pub fn finish(mut self) -> Vec<Piece> {
        if let Points::Unknown(beginning) = std::mem::replace(&mut self.points, Points::Content) {
            // The file is shorter than announced.
            self.cut(&beginning.into_bytes());
        }
        if self.size > 0 {
            self.end_piece(None);
        }
        self.pieces
    }

    fn cut(&mut self, mut bytes: &[u8]) {
        while let Some((size, tensor)) = self.next_cut(bytes) {
            let (ending, rest) = bytes.split_at(size);
            self.grow(ending);
            self.end_piece(tensor);
            bytes = rest;
        }
        self.grow(bytes);
    }

    fn next_cut(&mut self, bytes: &[u8]) -> Option<(usize, Option<TensorLabel>)> {
        match &mut self.points {
            Points::Tensors(points) => points.next(bytes),
            _ if bytes.is_empty() => None,
            _ => self.otherwise.next(bytes).map(|size| (size, None)),
        }
    }

    fn grow(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if let Some(parts) = &mut self.parts {
            parts.take(bytes);
        }
        self.size += bytes.len() as u64;
    }

    fn end_piece(&mut self, tensor: Option<TensorLabel>) {
        let digest = PieceDigest::of_hash(&self.hasher.finalize());
        let parts = self.parts.as_mut().and_then(PartCutter::end_piece);
        self.pieces.push(Piece { size: self.size, digest, tensor: tensor.map(Box::new), parts });
        self.hasher.reset();
        self.size = 0;
    }
}
