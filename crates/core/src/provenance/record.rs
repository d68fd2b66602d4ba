//! The content of a provenance record.

use jiff::Timestamp;

use super::source_url::SourceUrl;
use crate::digest::Digest;

/// The record of how one ModelKit was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The manifest of the ModelKit.
    pub subject: Digest,
    /// The names that it was packed with; may be empty.
    pub names: Vec<String>,
    /// The commit that the folder was checked out from, if it is known.
    pub commit: Option<Commit>,
    /// The materials that the ModelKit was packed from.
    pub materials: Vec<Material>,
    /// The ModelKit that its first name referred to before.
    pub previous: Option<Digest>,
    /// The system that packed it.
    pub builder: Builder,
    /// The time when it was packed.
    pub time: Option<Timestamp>,
}

/// A commit of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The commit ID in hexadecimal digits.
    pub id: String,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// The URL of the remote repository.
    pub remote: Option<SourceUrl>,
    /// True if files differed from the commit; `None` if that could not be determined.
    pub is_dirty: Option<bool>,
}

/// An item that a ModelKit was packed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The role of the material for the ModelKit.
    pub role: Role,
    /// The name of the material in the Kitfile.
    pub name: String,
    /// The location, if the material is not part of the ModelKit.
    pub uri: Option<String>,
    /// The digest of its manifest, its layer or its content, if it is known.
    pub digest: Option<Digest>,
}

/// The role of a material for the ModelKit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The ModelKit whose model is used, or one that this one is based on.
    Parent,
    /// A dataset.
    Dataset,
    /// The run of an experiment that produced the files.
    Run,
    /// The artifact of another tool that the files were imported from.
    Artifact,
    /// The signature of the publisher, which the files were verified with.
    Publisher,
}

/// The system that packed a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Builder {
    /// The workflow or machine, as a URI; `None` on a developer's machine.
    pub id: Option<String>,
    /// The run of the workflow, as a URL.
    pub run: Option<String>,
    /// The version of `kit`.
    pub version: String,
}

impl Record {
    /// The record without the fields that change when the same content is packed again on the same system.
    #[must_use]
    pub fn without_history(&self) -> Self {
        let builder = Builder { run: None, ..self.builder.clone() };
        Self { previous: None, time: None, builder, ..self.clone() }
    }
}
