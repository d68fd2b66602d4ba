//! How the bytes of a layer are compressed: in blocks, by several threads, and always to the same bytes.
//!
//! Knows nothing of tar or of media types beyond the suffix that names a compression.
//!
//! Blocks have a fixed size, and a block's bytes depend on nothing but its content (and, in gzip, the 32 KiB in front of it). So
//! neither the number of threads nor the pieces in which the input came can be seen in the output.

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
