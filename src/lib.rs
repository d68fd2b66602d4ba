//! `kit` packs an AI project into an OCI artifact, a *ModelKit*, and moves it through any registry.
//!
//! This page is the map of the house. The library exists for the binary and for its tests; it promises no stable interface.
//!
//! # Floors and rooms
//!
//! ```text
//! 4  cli ───────────────────────────────────── terminal, environment, exit code
//! 3  ops ───────────────────────────────────── what kit can do; threads
//! 2  archive   store   hub, lfs → registry   git ── places: local, remote, and where models come from
//! 1  modelkit → kitfile → oci   contents → tensors   provenance ── documents; no IO
//! 0  digest  compression  layer_format  recipe  blocks  relative_path  progress  problem ── leaves; know nothing
//! ```
//!
//! A room names rooms on lower floors, and on floor 1 as the arrows go. Nothing on floor 2 names another room of floor 2, but for
//! `hub` and `lfs`, whose HTTP is that of `registry`.
//! `tests/architecture.rs` holds the whole table and fails on the first wrong arrow.
//!
//! | room | what it is for |
//! |---|---|
//! | [`cli`] | arguments in, words and an exit code out; the only room that reads the environment or writes to a terminal |
//! | [`ops`] | one file per thing that `kit` can do: [`pack`](ops::pack), [`copy`](ops::copy), [`unpack`](ops::unpack) … |
//! | [`archive`] | a folder to the bytes of a layer and back: walking, `.kitignore`, tar, putting files in place safely |
//! | [`store`] | the local OCI layout, which any number of processes share |
//! | [`registry`] | a remote repository, and files on servers that are none; asynchronous code ends at its door |
//! | [`hub`] | a repository of the Hugging Face hub at a commit: its files, their digests, their bytes |
//! | [`git`] | what git knows of a folder, and a commit of another repository |
//! | [`lfs`] | what git has instead of large files, and the server that has the files |
//! | [`modelkit`] | how a Kitfile becomes config, layers and manifest, of a ModelKit, a ModelPack or an image, and is read back; filters; the lock |
//! | [`kitfile`] | what the user writes: parsing with all problems named, validation, YAML output, first drafts |
//! | [`oci`] | the OCI documents, and [`Source`](oci::Source) and [`Target`](oci::Target): the contract of a place |
//! | [`contents`] | the table of contents of a layer, and the pieces that large files are made of |
//! | [`tensors`] | the headers of safetensors and GGUF, and what a model needs that is made of them |
//! | [`provenance`] | where a ModelKit came from, as a statement that is attached to it |
//! | [`recipe`] | a layer that is put together from files when it is read, instead of being stored |
//! | [`digest`], [`compression`], [`layer_format`], [`blocks`], [`relative_path`], [`progress`], [`problem`] | one idea each |
//!
//! # One walk
//!
//! `kit pack`: the Kitfile's [`entries`](kitfile::Kitfile::entries) become layers, one worker each. A layer streams from
//! files through [`write_layer`](archive::write_layer) into a [`BlobWriter`](store::BlobWriter), which hashes, syncs and renames; then
//! [`assemble`](modelkit::Ingredients::assemble) makes config and manifest, and publishing the manifest makes the ModelKit appear.
//!
//! While the bytes of a layer pass, each file gets a digest of its own, and the files and their digests become a table of
//! [`contents`].
//!
//! A layer whose files are as they were when it was packed the last time, by their [`Fingerprint`](archive::Fingerprint), is
//! not written again: the store remembers which blob it became.
//!
//! `kit pack --push` keeps no blobs: each layer leaves its digest and a [`Recipe`](recipe::Recipe), by which it is read once more
//! from the files when [`copy`](ops::copy) sends it.
//!
//! `kit pack --link` keeps uncompressed layers as recipes, too ([`LinkWriter`](store::LinkWriter)): of clones of the files where
//! the file system makes them, else of the files themselves. Whoever reads such a layer sees a blob.
//!
//! `kit import` packs what lies elsewhere. The files of a [`hub`], or of [`git`] and [`lfs`], are fetched into a folder that the next run
//! goes on with, and packed from there; `kit import --push` lists them as raw layers, since the ids of large files are digests, and
//! [`copy`](ops::copy) fetches what the target lacks. A folder of MLflow is packed from where it lies, with a Kitfile of what the run
//! measured.
//!
//! `kit push`, `kit pull` and `kit copy` are the same [`copy`](ops::copy) between other places: blobs first, each once, manifest last. What
//! the target has in another repository is mounted from there ([`Origins`](ops::Origins)). [`plan`](ops::plan) only tells what would move.
//!
//! `kit save` streams what ModelKits need into one tar or folder, an image layout; for `kit load` that is a
//! [`Source`](oci::Source) like any other, and blobs travel before the first manifest appears.
//!
//! Of a layer of which an older version is in the store, `kit pull` fetches only what is new, and `kit unpack` does where one was
//! unpacked. The tables of contents tell what that is, and the layer is put together while it is read.
//!
//! `kit index` lists variants of a model in a [`ModelKitIndex`](modelkit::ModelKitIndex). [`copy`](ops::copy) moves it with everything that
//! it leads to, and the store keeps that as long as the index; `-l` of `kit pull` and `kit unpack` chooses a ModelKit by its labels.
//!
//! What is about a ModelKit, such as the [`Record`](provenance::Record) of its making or a signature, is a manifest that refers
//! to it: attached by `pack`, brought along by [`copy`](ops::copy) and [`tag`](ops::tag), gone from the store with the ModelKit.
//!
//! `kit convert` and `kit push --also` read what is there and [assemble](modelkit::Ingredients::assemble) it once more, in another
//! [`Form`](modelkit::Form): the layers are the same blobs. `kit pack --use-model-pack` does so before anything is published.
//!
//! `kit unpack` reads the documents with [`ModelKit::read`](modelkit::ModelKit::read), chooses with a [`Selection`](modelkit::Selection), and extracts
//! the layers, several at once, each through a [`VerifyingReader`](digest::VerifyingReader) into a [`Destination`](archive::Destination), whose
//! commit gives files their names. Large layers of the store are unpacked by the pieces that their tables of contents tell of, on
//! all cores, each verified by its own digest.
//!
//! Datasets that stay elsewhere, on the web or in another ModelKit, have no layer. `kit unpack --include-remote` brings them to the same
//! [`Destination`](archive::Destination), and believes the digest in the Kitfile or in a lock.
//!
//! `kit pack --lock` writes a [`Lock`](modelkit::Lock) of all files beside the Kitfile; `--locked` compares the two instead, before
//! anything is published. `kit verify` compares a folder with a lock, or with the tables of contents of a ModelKit.
//! `kit update` changes nothing of a Kitfile but the digests in the references of its text, which [`pin`](kitfile::pin) finds again.
//!
//! `kit ls`, `kit cat`, `kit cp` and `kit inspect --tensors` open layers at offsets, which a table of contents tells. Without one,
//! as in the ModelKits of other tools, a [`Listing`](archive::Listing) hops from file
//! to file, and of weights only the [`Header`](tensors::Header) is read.
//!
//! `kit diff` opens only the layers that two ModelKits do not share, the same way. A folder is compared as the ModelKit that it
//! would become: its layers are named, and read from the files. Of a `Kitfile.lock` the list of files is compared.
//!
//! # What always holds
//!
//! - A blob under `blobs/` is whole; a name in an index leads to what is whole; a file under its final name is whole.
//! - Bytes are verified by whoever brings them into the store or onto the disk, once, while they pass.
//! - Memory does not grow with the size of content. Documents are read up to a limit.
//! - Retrying belongs to `registry`, resuming to who knows how much it has; both open content at an offset.
//! - Work is spread over threads in `ops::workers` and in `registry`, nowhere else. [`Hasher`](digest::Hasher) and
//!   [`BlockWriter`](blocks::BlockWriter) have one thread each for their own step, [`Encoder`](compression::Encoder) one for
//!   each core, for which compressed layers are packed one after the other.
//! - The same files give the same manifest digest, whoever packs them, wherever and whenever.

pub mod archive;
pub mod cli;
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
pub mod yaml;
