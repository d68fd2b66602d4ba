//! The selected parts of a ModelKit: the filters of `kit unpack`.

use std::fmt;
use std::str::FromStr;

use super::artifact::{Layer, UnreadableEntry};
use crate::kitfile::{Dataset, Entry, Kitfile, Section};
use crate::modelkit::lock::{LockedLayer, LockedRemote};
use crate::problem::closest;
use crate::relative_path::RelativePath;

/// The sections that filters select, by the names that users write. Model parts belong to `model`, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Kitfile,
    Model,
    ModelParts,
    Datasets,
    Code,
    Docs,
    Prompts,
    McpServers,
}

impl Part {
    /// Every part with its name.
    pub const ALL: [(&'static str, Self); 8] = [
        ("kitfile", Self::Kitfile),
        ("model", Self::Model),
        ("model.parts", Self::ModelParts),
        ("datasets", Self::Datasets),
        ("code", Self::Code),
        ("prompts", Self::Prompts),
        ("docs", Self::Docs),
        ("mcpservers", Self::McpServers),
    ];

    /// The end of an error about the unknown name `text`.
    fn meant(text: &str) -> String {
        let known = Self::ALL.map(|(name, _)| name);
        closest(text.trim(), &known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
    }

    /// Returns true if entries of `section` belong to the part.
    fn contains(self, section: Section) -> bool {
        match section {
            Section::Model => self == Self::Model,
            Section::ModelPart => self.is_of_model(),
            Section::Code => self == Self::Code,
            Section::Dataset => self == Self::Datasets,
            Section::Docs => self == Self::Docs,
            Section::Prompt => self == Self::Prompts,
            Section::McpServer => self == Self::McpServers,
        }
    }

    fn is_of_model(self) -> bool {
        matches!(self, Self::Model | Self::ModelParts)
    }
}

/// One filter, `TYPES[:NAMES]`: the parts, and the names or paths of the entries in them (all entries if there are
/// none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    parts: Vec<Part>,
    names: Option<Vec<String>>,
}

impl Filter {
    /// Selects all entries of `parts`.
    pub fn of(parts: Vec<Part>) -> Self {
        Self { parts, names: None }
    }

    /// Returns true if the filter selects entries of the part called `name`.
    pub fn names_part(&self, name: &str) -> bool {
        self.parts.iter().any(|part| Part::ALL.contains(&(name, *part)))
    }

    /// Returns true if the filter selects entries by their names.
    pub fn has_names(&self) -> bool {
        self.names.is_some()
    }

    /// A name may belong to any of the parts; without names, each part should select something.
    fn unmatched(&self, entries: &[NamedEntry<'_>]) -> Vec<Self> {
        let selects = |filter: &Self| entries.iter().any(|(section, names, path)| filter.takes(*section, *names, path));
        let alone: Vec<Self> = match &self.names {
            Some(names) => names.iter().map(|name| Self { names: Some(vec![name.clone()]), ..self.clone() }).collect(),
            None => self.parts.iter().map(|part| Self::of(vec![*part])).collect(),
        };
        let missed = |filter: &Self| !filter.parts.contains(&Part::Kitfile) && !selects(filter);
        alone.into_iter().filter(missed).collect()
    }

    /// Returns true if the filter selects an entry of `section` with the names `own`.
    fn takes(&self, section: Section, own: [&str; 2], path: &RelativePath) -> bool {
        let has_name = |names: &Vec<String>| names.iter().any(|name| is_meant(name, own, path));
        self.parts.iter().any(|part| part.contains(section)) && self.names.as_ref().is_none_or(has_name)
    }
}

/// Returns true if `name` is a name of the entry or its path in any spelling: `data` selects a dataset with the path
/// `data/`.
fn is_meant(name: &str, own: [&str; 2], path: &RelativePath) -> bool {
    own.contains(&name) || (!name.is_empty() && name.parse().as_ref() == Ok(path))
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |part: &Part| Part::ALL.iter().find(|(_, known)| known == part).map_or("", |(word, _)| *word);
        f.write_str(&self.parts.iter().map(word).collect::<Vec<_>>().join(","))?;
        self.names.as_ref().map_or(Ok(()), |names| write!(f, ":{}", names.join(",")))
    }
}

/// An entry that filters may select: its section, its names, and its normalized path.
pub type NamedEntry<'a> = (Section, [&'a str; 2], RelativePath);

/// A text that is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    /// An unknown type.
    #[error(
        "invalid filter type {0} (must be one of kitfile, model, datasets, code, prompts, docs, mcpservers, \
         model.parts){meant}", meant = Part::meant(.0)
    )]
    Type(String),
    /// More than one colon.
    #[error("invalid filter: `{0}` should be in format <type1>,<type2>[:<name1>,<name2>]")]
    Form(String),
}

impl FromStr for Filter {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, InvalidFilter> {
        let (types, names) = text.split_once(':').map_or((text, None), |(types, names)| (types, Some(names)));
        if names.is_some_and(|names| names.contains(':')) {
            return Err(InvalidFilter::Form(text.to_owned()));
        }
        let part = |name: &str| {
            // The Kitfile writes `mcpServers`.
            let found = Part::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
            found.map(|(_, part)| *part).ok_or_else(|| InvalidFilter::Type(name.to_owned()))
        };
        Ok(Self {
            parts: types.split(',').map(part).collect::<Result<_, _>>()?,
            names: names.map(|names| names.split(',').map(|name| name.trim().to_owned()).collect()),
        })
    }
}

/// The whole ModelKit, or everything that one of several filters selects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    filters: Vec<Filter>,
}

impl Selection {
    /// Selects what `filters` select; without filters, everything.
    pub fn new(filters: Vec<Filter>) -> Self {
        Self { filters }
    }

    /// The filters.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// Returns true if everything is selected.
    pub fn is_everything(&self) -> bool {
        self.filters.is_empty()
    }

    /// Returns true if `layer` is selected.
    pub fn takes(&self, layer: &Layer) -> bool {
        self.takes_entry(layer.section, [&layer.name, &layer.path_as_written], &layer.path)
    }

    /// Returns true if an entry without a readable layer is selected.
    pub fn takes_unreadable(&self, entry: &UnreadableEntry) -> bool {
        self.takes_entry(entry.section, [&entry.name, &entry.path_as_written], &entry.path)
    }

    /// Returns true if a layer in a lock is selected.
    pub fn takes_locked(&self, layer: &LockedLayer) -> bool {
        self.takes_entry(layer.section, [&layer.name, layer.path.as_str()], &layer.path)
    }

    /// Returns true if a remote dataset in a lock is selected. Locks contain only the paths of remote datasets.
    pub fn takes_locked_remote(&self, remote: &LockedRemote) -> bool {
        self.takes_entry(Section::Dataset, [remote.path.as_str(); 2], &remote.path)
    }

    /// Returns true if a dataset without a layer is selected, with the normalized path `path`.
    pub fn takes_dataset(&self, dataset: &Dataset, path: &RelativePath) -> bool {
        self.takes_entry(Section::Dataset, [&dataset.name, &dataset.path], path)
    }

    /// Returns true if anything in `kitfile` is selected.
    pub fn takes_any_of(&self, kitfile: &Kitfile) -> bool {
        let takes = |entry: &Entry<'_>| {
            entry.relative_path().is_ok_and(|path| self.takes_entry(entry.section, [entry.name, entry.path], &path))
        };
        let takes_remote =
            |dataset: &Dataset| dataset.path.parse().is_ok_and(|path| self.takes_dataset(dataset, &path));
        self.takes_kitfile()
            || kitfile.entries_with_model_file().iter().any(takes)
            || kitfile.remote_datasets().any(takes_remote)
    }

    /// Returns true if an entry with these names and this path is selected.
    pub(crate) fn takes_entry(&self, section: Section, names: [&str; 2], path: &RelativePath) -> bool {
        self.is_everything() || self.filters.iter().any(|filter| filter.takes(section, names, path))
    }

    /// Returns the parts and names that select none of `entries`, each as a filter.
    pub fn unmatched(&self, entries: &[NamedEntry<'_>]) -> Vec<Filter> {
        self.filters.iter().flat_map(|filter| filter.unmatched(entries)).collect()
    }

    /// Returns true if the Kitfile is selected.
    pub fn takes_kitfile(&self) -> bool {
        self.is_everything() || self.filters.iter().any(|filter| filter.parts.contains(&Part::Kitfile))
    }

    /// The selection for a ModelKit that the model of this one refers to: the same part of its model. `None` if nothing
    /// is selected.
    pub fn of_parent(&self) -> Option<Self> {
        if self.is_everything() {
            return Some(Self::new(vec![Filter::of(vec![Part::Model])]));
        }
        let of_model = self.filters.iter().map(|filter| {
            let parts = filter.parts.iter().copied().filter(|part| part.is_of_model()).collect();
            Filter { parts, ..filter.clone() }
        });
        let filters: Vec<_> = of_model.filter(|filter| !filter.parts.is_empty()).collect();
        (!filters.is_empty()).then(|| Self::new(filters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compression::Compression;
    use crate::layer_format::Format;
    use crate::oci::{Descriptor, MediaType};

    fn layer(section: Section, name: &str, path: &str) -> Layer {
        Layer {
            section,
            index: 0,
            name: name.to_owned(),
            path_as_written: path.to_owned(),
            path: path.parse().unwrap(),
            base: RelativePath::root(),
            descriptor: Descriptor::of(MediaType::of("t"), b""),
            format: Format::Tar,
            compression: Compression::None,
            file_mode: None,
            diff_id: None,
        }
    }

    fn check(filters: &[&str], layer: &Layer, expected: bool) {
        let selection = Selection::new(filters.iter().map(|filter| filter.parse().unwrap()).collect());
        assert_eq!(selection.takes(layer), expected, "{filters:?}");
    }

    #[test]
    fn filters_choose_by_part_and_name() {
        let dataset = layer(Section::Dataset, "train", "data/");
        check(&[], &dataset, true);
        check(&["datasets"], &dataset, true);
        check(&["model,datasets"], &dataset, true);
        check(&["model", "datasets"], &dataset, true);
        check(&["model"], &dataset, false);
        check(&["datasets:train"], &dataset, true);
        check(&["datasets:data/"], &dataset, true);
        check(&["datasets:data"], &dataset, true);
        check(&["datasets:val,train"], &dataset, true);
        check(&["datasets:val"], &dataset, false);
        for filter in ["model", "model.parts", "model.parts:lora", "code,model.parts"] {
            check(&[filter], &layer(Section::ModelPart, "lora", "lora"), true);
        }
        check(&["model.parts"], &layer(Section::Model, "net", "net"), false);
        check(&["mcpServers"], &layer(Section::McpServer, "files", "files"), true);
        check(&["code:"], &layer(Section::Code, "", "src"), true);
        check(&["datasets:"], &dataset, false);
    }

    #[test]
    fn what_matches_nothing_is_found() {
        let entries = [(Section::Model, ["net", "m"], "m".parse().unwrap())];
        for (filter, expected) in [
            ("model", &[][..]),
            ("model,docs,kitfile", &["docs"]),
            ("model:net,nte", &["model:nte"]),
            ("datasets,model:net,x", &["datasets,model:x"]),
            ("kitfile", &[]),
        ] {
            let selection = Selection::new(vec![filter.parse().unwrap()]);
            let unmatched: Vec<_> = selection.unmatched(&entries).iter().map(ToString::to_string).collect();
            assert_eq!(unmatched, expected, "{filter}");
        }
    }

    #[test]
    fn bad_filters_are_named() {
        let parse = |text: &str| text.parse::<Filter>().unwrap_err().to_string();
        assert!(parse("dataset").starts_with("invalid filter type dataset (must be one of"));
        assert!(parse("models").ends_with("model.parts); did you mean `model`?"));
        assert!(parse("dataset:a").ends_with("did you mean `datasets`?"));
        assert!(parse("x").ends_with("model.parts)"));
        assert!(parse("").starts_with("invalid filter type  (must be"));
        assert!(parse("model:a:b").contains("should be in format"));
    }

    #[test]
    fn only_the_model_of_a_parent_is_unpacked() {
        let parent =
            |filters: &[&str]| Selection::new(filters.iter().map(|f| f.parse().unwrap()).collect()).of_parent();
        assert_eq!(parent(&["docs"]), None);
        assert_eq!(parent(&["docs,model:x"]), Some(Selection::new(vec!["model:x".parse().unwrap()])));
        assert_eq!(parent(&["docs,model.parts:x"]), Some(Selection::new(vec!["model.parts:x".parse().unwrap()])));
        assert_eq!(parent(&[]), Some(Selection::new(vec!["model".parse().unwrap()])));
    }

    #[test]
    fn the_kitfile_is_wanted_with_everything_or_by_name() {
        assert!(Selection::default().takes_kitfile());
        assert!(Selection::new(vec!["model,kitfile".parse().unwrap()]).takes_kitfile());
        assert!(!Selection::new(vec!["model".parse().unwrap()]).takes_kitfile());
    }
}
