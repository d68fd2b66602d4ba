//! The parts of a project as patterns name them: the entries of its Kitfile, and its fields.

use crate::kitfile::{Kitfile, Section};
use crate::relative_path::RelativePath;

/// The entries of a Kitfile, for finding the one that a file or a field belongs to.
#[derive(Debug, Clone, Default)]
pub struct Parts(Vec<Part>);

/// An entry.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) section: Section,
    /// The name; empty for code and docs.
    pub(super) name: String,
    pub(super) path: RelativePath,
    /// Its place in the Kitfile, as in `datasets[1]`.
    pub(super) place: String,
}

impl Parts {
    /// The entries of `kitfile`. One with an invalid path is left out, because it has no files.
    pub fn of(kitfile: &Kitfile) -> Self {
        let entries = kitfile.entries_with_model_file();
        let part = |entry: &crate::kitfile::Entry<'_>| {
            let (section, name) = (entry.section, entry.name.to_owned());
            Some(Part { section, name, path: entry.relative_path().ok()?, place: entry.place() })
        };
        Self(entries.iter().filter_map(part).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Part> {
        self.0.iter()
    }

    /// The entry that the file `path` belongs to: the innermost one.
    pub(super) fn of_file(&self, path: &RelativePath) -> Option<&Part> {
        let around = self.0.iter().filter(|part| path.starts_with(&part.path));
        around.max_by_key(|part| part.path.components().count())
    }

    /// The entry that a field names by its name, its path or its index.
    fn of_identity(&self, section: Section, identity: &str) -> Option<&Part> {
        let is_meant = |part: &&Part| {
            part.section == section
                && (part.name == identity
                    || part.path.as_str() == identity
                    || part.place.ends_with(&format!("[{identity}]")))
        };
        self.0.iter().find(is_meant)
    }
}

/// A field of a Kitfile, from a path such as `datasets[train].license`.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    /// The section, if its entries have layers.
    pub(super) section: Option<Section>,
    /// The name or the path of the entry, for a section that is a list.
    pub(super) identity: Option<&'a str>,
    /// The names of the path without the identity: `datasets`, `license`.
    pub(super) names: Vec<&'a str>,
    /// The entry, if the Kitfile has it.
    pub(super) part: Option<&'a Part>,
}

impl<'a> Field<'a> {
    pub(super) fn new(path: &'a str, parts: &'a Parts) -> Self {
        let lists = ["model.parts", "code", "datasets", "docs", "prompts", "mcpServers"];
        let list = lists.into_iter().find_map(|list| Some((list, path.strip_prefix(list)?.strip_prefix('[')?)));
        let Some((list, rest)) = list else {
            let section = path.split('.').next().and_then(Section::from_key);
            return Self { section, identity: None, names: path.split('.').collect(), part: None };
        };
        // Names may contain brackets; fields never do.
        let (identity, field) = rest.rsplit_once("].").unwrap_or((rest.strip_suffix(']').unwrap_or(rest), ""));
        let section = Section::from_key(list);
        let part = section.and_then(|section| parts.of_identity(section, identity));
        let names = list.split('.').chain(field.split('.')).filter(|name| !name.is_empty()).collect();
        Self { section, identity: Some(identity), names, part }
    }
}
