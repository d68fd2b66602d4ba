//! The library of `kit`: it packs an AI project into an OCI artifact, a *ModelKit*, and moves it between registries.
//!
//! The library exists for the program `kit` and for its tests; its interface is not stable. It does not use command
//! line arguments, environment variables or the terminal: those belong to the program.
//!
//! # Rooms
//!
//! ```text
//! 3  ops ────────────────────────────────────────── operations; threads
//! 2  archive   store   git   upstream → registry ── places
//! 1  sbom → modelkit → kitfile → oci   trust → contents → tensors ──────────────────────── documents; no I/O
//!    owners   verdict   draft   scan   provenance
//! 0  notebook  yaml  digest  compression  recipe  layer_format  file_kind  relative_path
//!    progress  problem  limits  blocks  sys
//! ```
//!
//! A *room* is a top-level module. It uses only rooms on lower floors and, on its own floor, rooms in the direction of
//! the arrows. `tests/architecture.rs` contains the whole table of allowed dependencies, for the rooms and for the
//! submodules of `ops`, and fails on any other dependency.
//!
//! | room | purpose |
//! |---|---|
//! | [`ops`] | operations: [`pack`](ops::pack), [`copy`](ops::copy), [`unpack`](ops::unpack), [`diff`](ops::diff)… |
//! | [`archive`] | a directory to the bytes of a layer and back: walking, `.kitignore`, tar, safe extraction |
//! | [`store`] | the local OCI image layout, shared by any number of processes |
//! | [`registry`] | remote repositories, and files on other servers; asynchronous code stays inside |
//! | [`upstream`] | a repository of model files at a revision: the Hugging Face hub, git with LFS |
//! | [`git`] | running git: facts about a working tree, fetching a commit |
//! | [`modelkit`] | config, layers and manifest of a ModelKit, a ModelPack or an image; filters; the lock |
//! | [`kitfile`] | the Kitfile: parsing with every problem reported, validation, output |
//! | [`verdict`] | what a new version means for the people who use a model: facts, reasons, levels |
//! | [`owners`] | the owners of the parts of a project: the file `KITOWNERS` |
//! | [`notebook`] | Jupyter notebooks: cells, code, outputs, modules |
//! | [`draft`] | facts that project files state about themselves, for a first Kitfile |
//! | [`trust`] | keys, signatures, attestations, policies: documents and decisions |
//! | [`scan`] | what a file would run, leak or misrepresent: rules and findings |
//! | [`sbom`] | bills of materials: CycloneDX and SPDX |
//! | [`oci`] | the OCI documents, and [`Source`](oci::Source) and [`Target`](oci::Target), the interface of a place |
//! | [`contents`] | the table of contents (TOC) of a layer, and the chunks of large files |
//! | [`tensors`] | the headers of safetensors and GGUF files |
//! | [`provenance`] | the origin of a ModelKit, as an attestation that is attached to it |
//! | [`limits`] | every limit on the size, number and depth of what is read |
//! | [`recipe`] | a layer that is assembled from files when it is read, instead of being stored |
//! | [`sys`] | the differences between platforms: files, permissions, locks, disks |
//! | the others | one purpose each, given by the name |
//!
//! # Example: `kit pack`, then `kit push`
//!
//! The [`entries`](kitfile::Kitfile::entries) of the Kitfile become layers, each packed by a worker thread.
//! [`write_layer`](archive::write_layer) streams the bytes of a layer from the files into a
//! [`BlobWriter`](store::BlobWriter), which hashes them, syncs the file and renames it to its final name. The digest of
//! every file goes into the table of contents of the layer. Then [`assemble`](modelkit::Assembly::assemble) creates the
//! config and the manifest; the ModelKit appears in the store when the manifest is published.
//!
//! Push is a [`copy`](ops::copy) from the store to a repository: first the blobs, each once, and the manifest last.
//! Pull, save, load and a remote unpack are the same copy between other places.
//!
//! # Invariants
//!
//! - A blob under `blobs/` is complete; a tag in an index points to a complete artifact; a file under its final name is
//!   complete.
//! - Bytes are verified once, while they are streamed, by the code that writes them to the store or to the disk.
//! - Memory use does not grow with the size of content. Documents are read up to a size limit.
//! - `registry` retries requests; the code that knows how many bytes it has resumes a transfer. Both open content at an
//!   offset.
//! - Only `ops::workers` and `registry` distribute work over threads. [`Hasher`](digest::Hasher) and
//!   [`BlockWriter`](sys::BlockWriter) use one thread each for their own step,
//!   [`Encoder`](compression::Encoder) one per core.
//! - The same files produce the same manifest digest on every machine, at any time.
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
pub mod blocks;
pub mod compression;
pub mod contents;
pub mod digest;
pub mod draft;
pub mod file_kind;
pub mod git;
pub mod kitfile;
pub mod layer_format;
pub mod limits;
pub mod modelkit;
pub mod notebook;
pub mod oci;
pub mod ops;
pub mod owners;
pub mod problem;
pub mod progress;
pub mod provenance;
pub mod recipe;
pub mod registry;
pub mod relative_path;
pub mod sbom;
pub mod scan;
pub mod store;
pub mod sys;
pub mod tensors;
pub mod trust;
pub mod upstream;
pub mod verdict;
mod version;
pub mod yaml;

pub use version::VERSION;
