//! What files of weights tell of themselves: the headers of safetensors and GGUF, and what a model needs that is made of them.
//!
//! Opens nothing: a header is read from any `Read`, a `config.json` is text. Nothing in a header is trusted: what is kept of one
//! is at most as large as the bytes that were read, and those are at most [`HEADER_LIMIT`].

mod error;
mod ggml;
mod gguf;
mod header;
mod hyperparameters;
mod memory;
mod safetensors;

mod summary;

pub use error::Error;
pub use header::{Format, HEADER_LIMIT, Header, Tensor, Value};
pub use hyperparameters::{Hyperparameters, Quantization};
pub use memory::Memory;
pub use summary::{Summary, TypeCount};
