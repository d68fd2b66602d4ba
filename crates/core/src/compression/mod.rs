//! Compresses the bytes of a layer in blocks, with several threads, and always to the same bytes.
//!
//! Does not know tar, nor media types beyond the suffix that names a compression.
//!
//! Blocks have a fixed size, and the bytes of a block depend only on its content (and, in gzip, on the 32 KiB before
//! it). The output therefore depends neither on the number of threads nor on the pieces in which the input came.

mod block;
mod choice;
mod encoder;
mod gain;
mod gzip;
mod seek_table;
mod seekable;
mod threads;

pub use choice::{Compression, UnknownCompression};
pub use encoder::Encoder;
pub use seek_table::{Frame, SeekTable};
