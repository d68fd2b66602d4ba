//! Artifacts of other tools in a registry or an image layout, whose layers are files: of oras, of Docker Model Runner,
//! of Ollama.

mod files;
mod upstream;

pub use upstream::{ArtifactUpstream, open_artifact};
