//! What a record says.

use jiff::Timestamp;

use super::source_url::SourceUrl;
use crate::digest::Digest;

/// The making of one ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The manifest of the ModelKit.
    pub subject: Digest,
    /// What it was called then; perhaps nothing.
    pub names: Vec<String>,
    /// What the folder was checked out from, if that is known.
    pub commit: Option<Commit>,
    /// What it was made of.
    pub materials: Vec<Material>,
    /// What its first name stood for before.
    pub previous: Option<Digest>,
    /// Who made it.
    pub builder: Builder,
    /// When it was made.
    pub time: Option<Timestamp>,
}

/// A state of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name in hexadecimal digits.
    pub id: String,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// Where the repository comes from.
    pub remote: Option<SourceUrl>,
    /// Whether files differed from the commit; nothing if that could not be told.
    pub is_dirty: Option<bool>,
}

/// What a ModelKit was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// What it was to the ModelKit.
    pub role: Role,
    /// How the Kitfile names it.
    pub name: String,
    /// Where it is, if it is not in the ModelKit.
    pub uri: Option<String>,
    /// Its manifest, its layer or its content, if that is known.
    pub digest: Option<Digest>,
}

/// What a material was to the ModelKit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The ModelKit whose model is taken, or one that this one is built on.
    Parent,
    /// A dataset.
    Dataset,
    /// The run of an experiment that left the files behind.
    Run,
}

/// Who made a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Builder {
    /// The workflow or machine, as a URI; a person's own machine has none.
    pub id: Option<String>,
    /// The run, as a URL.
    pub run: Option<String>,
    /// The version of `kit`.
    pub version: String,
}

impl Record {
    /// What does not change when the same things are packed again at the same place.
    #[must_use]
    pub fn without_history(&self) -> Self {
        let builder = Builder { run: None, ..self.builder.clone() };
        Self { previous: None, time: None, builder, ..self.clone() }
    }
}
