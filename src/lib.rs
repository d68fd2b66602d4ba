//! `kit` packs an AI project into an OCI artifact, a *ModelKit*, and moves it through any registry.

pub mod compression;
pub mod digest;
pub mod oci;
pub mod progress;
pub mod relative_path;
pub mod store;
