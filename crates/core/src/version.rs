//! The version of `kit`. It is part of documents, messages and requests, and everything takes it from here.

/// The version of this library and of the program, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
