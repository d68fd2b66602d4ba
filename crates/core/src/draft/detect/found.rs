//! A listing of a folder, and the information about the folder that a listing does not contain.

/// An item in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub kind: FoundKind,
}

/// The kind of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundKind {
    File {
        size: u64,
    },
    Folder(Vec<Found>),
    /// A link to a folder, a link to nothing, a socket or a device; skipped.
    Other,
}

/// The information about a folder that its listing does not contain.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// The identifier of the licence found in the folder.
    pub license: Option<&'a str>,
    /// The number of levels of folders whose files get entries of their own. Deeper folders are entries as a whole.
    pub depth: usize,
    /// Folders that belong to the model, whatever their names are.
    pub model_folders: &'a [String],
    /// Files that are models, whatever their names are.
    pub models: &'a [String],
    /// Files that belong to the model, whatever their names are.
    pub model_files: &'a [String],
}

impl Found {
    /// The content of a folder.
    pub(super) fn content(&self) -> Option<&[Found]> {
        match &self.kind {
            FoundKind::Folder(content) => Some(content),
            FoundKind::File { .. } | FoundKind::Other => None,
        }
    }

    pub(super) fn is_file(&self) -> bool {
        matches!(self.kind, FoundKind::File { .. })
    }
}

/// The name of the SKILL.md directly in a folder with these items, in upper or lower case.
pub fn skill_file(listing: &[Found]) -> Option<&str> {
    let is_skill = |found: &&Found| found.is_file() && found.name.eq_ignore_ascii_case("skill.md");
    listing.iter().filter(is_skill).map(|found| found.name.as_str()).min()
}
