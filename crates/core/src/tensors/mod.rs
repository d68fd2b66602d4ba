//! The headers of files of weights, safetensors and GGUF, and the requirements of a model derived from them.
//!
//! The files of external data that an ONNX model names are read as well, but not its tensors.
//!
//! This module does not open files: a header is read from any `Read`, and a `config.json` is passed as text. Headers
//! are not trusted: the result is at most as large as the bytes that were read, and those are at most
//! [`TENSOR_HEADER_BYTES`](crate::limits::TENSOR_HEADER_BYTES).

mod error;
mod ggml;
mod gguf;
mod header;
mod hyperparameters;
mod memory;
mod onnx;
mod safetensors;
mod safetensors_entry;
mod summary;

pub use error::Error;
pub use header::{Format, Header, Tensor, Value};
pub use hyperparameters::{Hyperparameters, Quantization};
pub use memory::Memory;
pub use onnx::onnx_external_files;
pub use summary::{Summary, TypeCount};
