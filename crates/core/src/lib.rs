//! The library of `kit`: it packs an AI project into an OCI artifact, a *ModelKit*, and moves it through any registry.
//!
//! The library exists for the program `kit` and for its tests; it promises no stable interface yet. It knows no command line, no
//! terminal and no environment variables: those belong to the program.
//!
//! # Rooms
//!
//! ```text
//! 3  ops ────────────────────────────────────────── operations; threads
//! 2  archive   store   git   upstream → registry ── places
//! 1  modelkit → kitfile → oci   draft   contents → tensors   provenance ── documents; no IO
//! 0  yaml  digest  compression  recipe  layer_format  file_kind  relative_path  progress  problem  direct_writer  version
//! ```
//!
//! A room names rooms on lower floors, and on one floor as the arrows go. `tests/architecture.rs` holds the whole table, for the
//! rooms and for the sub-rooms of `ops`, and fails on the first wrong arrow.
//!
//! | room | purpose |
//! |---|---|
//! | [`ops`] | the operations: [`pack`](ops::pack), [`copy`](ops::copy), [`unpack`](ops::unpack), [`diff`](ops::diff) … |
//! | [`archive`] | a directory to the bytes of a layer and back: walking, `.kitignore`, tar, safe extraction |
//! | [`store`] | the local OCI image layout, shared by any number of processes |
//! | [`registry`] | remote repositories, and files on other servers; asynchronous code stays inside |
//! | [`upstream`] | a repository of model files at a revision: the Hugging Face hub, git with LFS |
//! | [`git`] | running git: facts about a working tree, fetching a commit |
//! | [`modelkit`] | config, layers and manifest of a ModelKit, a ModelPack or an image; filters; the lock |
//! | [`kitfile`] | the Kitfile: parsing with every problem reported, validation, output |
//! | [`draft`] | facts that project files state about themselves, for a first Kitfile |
//! | [`oci`] | the OCI documents, and [`Source`](oci::Source) and [`Target`](oci::Target), the contract of a place |
//! | [`contents`] | the table of contents (TOC) of a layer, and the chunks of large files |
//! | [`tensors`] | the headers of safetensors and GGUF files |
//! | [`provenance`] | the origin of a ModelKit, as an attestation that is attached to it |
//! | [`recipe`] | a layer that is assembled from files when it is read, instead of being stored |
//! | the others | one idea each; their names say it |
//!
//! # One walk: `kit pack`, then `kit push`
//!
//! The [`entries`](kitfile::Kitfile::entries) of the Kitfile become layers, one worker each. The bytes of a layer stream from the files
//! through [`write_layer`](archive::write_layer) into a [`BlobWriter`](store::BlobWriter), which hashes them, syncs the file and gives it its
//! final name; on the way every file gets a digest in the layer's table of contents. Then
//! [`assemble`](modelkit::Assembly::assemble) makes config and manifest, and publishing the manifest makes the ModelKit appear.
//!
//! Push is [`copy`](ops::copy) from the store to a repository: blobs first, each once, the manifest last. Pull, save, load and a remote
//! unpack are the same copy between other places.
//!
//! # Invariants
//!
//! - A blob under `blobs/` is whole; a tag in an index leads to a whole artifact; a file under its final name is whole.
//! - Bytes are verified once, while they pass, by the code that brings them into the store or onto the disk.
//! - Memory does not grow with the size of content. Documents are read up to a limit.
//! - `registry` retries; resuming belongs to the code that knows how much it has. Both open content at an offset.
//! - Work is spread over threads in `ops::workers` and in `registry` only. [`Hasher`](digest::Hasher) and
//!   [`BlockWriter`](direct_writer::BlockWriter) have one thread each for their own step, [`Encoder`](compression::Encoder) one per core.
//! - The same files give the same manifest digest on every machine, at any time.
//!
//! # Examples
//!
//! Each is a program in `crates/core/examples`, and runs with `cargo run -p kit-core --example NAME`.
//!
//! `pack_and_unpack`:
#![doc = concat!("```ignore\n", include_str!("../examples/pack_and_unpack.rs"), "```")]
//!
//! `copy`:
#![doc = concat!("```ignore\n", include_str!("../examples/copy.rs"), "```")]
//!
//! `read_remote_file`:
#![doc = concat!("```ignore\n", include_str!("../examples/read_remote_file.rs"), "```")]

pub mod archive;
pub mod compression;
pub mod contents;
pub mod digest;
pub mod direct_writer;
pub mod draft;
pub mod file_kind;
pub mod git;
pub mod kitfile;
pub mod layer_format;
pub mod modelkit;
pub mod oci;
pub mod ops;
pub mod problem;
pub mod progress;
pub mod provenance;
pub mod recipe;
pub mod registry;
pub mod relative_path;
pub mod store;
pub mod tensors;
pub mod upstream;
mod version;
pub mod yaml;

pub use version::VERSION;
