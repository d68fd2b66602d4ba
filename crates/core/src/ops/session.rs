//! The locations of ModelKits: the local store, registries, and image layouts in other folders, all opened the same
//! way.

use std::path::PathBuf;
use std::str::FromStr;

use tracing::debug;

use crate::digest::Digest;
use crate::oci::{ContentError, Descriptor, InvalidReference, Reference, Source, Tag, Target};
use crate::ops::read_once::ReadOnce;
use crate::ops::workers::Jobs;
use crate::ops::{Error, IndexError, Policies, workers};
use crate::problem::most_similar;
use crate::progress::Progress;
use crate::registry::{Client, Repository};
use crate::store::{Entry, Names, Store};
use crate::trust::policy::Name;

/// Everything that an operation works with: the local store and the registries, which together hold every artifact that
/// can be reached, and the receiver of its progress.
pub struct Session<'a> {
    /// The local store.
    pub store: Store,
    /// The client for all registries.
    pub client: Client,
    /// The receiver of events and warnings.
    pub progress: &'a dyn Progress,
    /// The policies that must be satisfied before a ModelKit is used.
    pub policies: Policies,
}

/// The location of a ModelKit, as the user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A reference in the local store or in a registry.
    Artifact(Reference),
    /// An image layout in a folder, in the syntax of skopeo: `oci:PATH[:NAME]` or `oci:PATH@DIGEST`. PATH ends at its
    /// first colon.
    Layout {
        /// The folder.
        path: PathBuf,
        /// The digest or the name, if one is given. A name is an entry in the index of the layout: a tag, or a full
        /// reference in a layout of several repositories, such as the local store.
        selector: Option<String>,
    },
}

/// The places in which to look for a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// The local store, then the registry.
    Anywhere,
    /// The local store only.
    Local,
    /// The registry only.
    Remote,
}

/// The source of an artifact that was found, and the name under which to read it.
pub struct Located {
    /// The source.
    pub source: Box<dyn Source>,
    /// The tag or digest.
    pub name: String,
    /// The location as the user gave it, for messages.
    pub title: String,
    /// The name that the rules of policies match; `None` for what this command makes itself.
    pub policy_name: Option<Name>,
    /// True if the bytes come from a registry.
    pub is_remote: bool,
    /// The repository in a registry that is asked for similar tags if `name` is a tag that does not exist.
    pub repository: Option<Repository>,
}

/// The number of similar tags that are suggested for a tag that does not exist.
const SIMILAR_TAGS: usize = 5;

impl Located {
    fn new(source: impl Source + 'static, name: String, location: &Location, is_remote: bool) -> Self {
        let found = Self::of(Box::new(ReadOnce::new(source)), name, location.to_string(), is_remote);
        Self { policy_name: Some(location.policy_name()), ..found }
    }

    /// An artifact that `source` resolves itself.
    pub(crate) fn of(source: Box<dyn Source>, name: String, title: String, is_remote: bool) -> Self {
        Self { source, name, title, policy_name: None, is_remote, repository: None }
    }

    /// Finds the manifest. For a tag that a registry does not have, the error contains similar tags, if the registry
    /// lists them.
    pub(crate) fn resolve(&self) -> Result<Descriptor, Error> {
        self.source.resolve(&self.name).map_err(|error| match (error, &self.repository) {
            (source @ ContentError::NotFound(_), Some(repository)) if Tag::new(&self.name).is_some() => {
                Error::NoSuchTag {
                    repository: repository.to_string(),
                    similar: self.similar_tags(repository).into(),
                    source,
                }
            }
            (error, _) => Error::reading("the manifest", error),
        })
    }

    /// The tags of `repository` that are most similar to the name. They are only a help for the user, so a registry
    /// that does not list them is not a failure.
    fn similar_tags(&self, repository: &Repository) -> Vec<String> {
        let tags = repository.some_tags().inspect_err(|refusal| debug!(%refusal, "no list of tags"));
        most_similar(&self.name, tags.unwrap_or_default(), SIMILAR_TAGS)
    }
}

impl FromStr for Location {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        // As helm and flux write a registry. With a third slash it is the path of a layout.
        if let Some(reference) = text.strip_prefix("oci://").filter(|rest| !rest.starts_with('/')) {
            return Ok(Self::Artifact(reference.parse()?));
        }
        let Some(text) = text.strip_prefix("oci:") else { return Ok(Self::Artifact(text.parse()?)) };
        let (text, digest) = match text.rsplit_once('@') {
            Some((rest, digest)) if digest.starts_with("sha256:") => (rest, Some(digest.to_owned())),
            _ => (text, None),
        };
        let (path, name) = split_layout(text);
        if let Some(name) = name.filter(|name| Tag::new(name).is_none()) {
            name.parse::<Reference>()?;
        }
        Ok(Self::Layout { path: path.into(), selector: digest.or_else(|| name.map(str::to_owned)) })
    }
}

/// Splits a layout into its path and its name. A name may contain colons, so the path ends at the first one, as in
/// skopeo, except for the colon of a Windows drive.
fn split_layout(text: &str) -> (&str, Option<&str>) {
    let drive = if matches!(text.as_bytes(), [b'A'..=b'Z' | b'a'..=b'z', b':', b'/' | b'\\', ..]) { 2 } else { 0 };
    match text[drive..].split_once(':') {
        Some((path, name)) => (&text[..drive + path.len()], Some(name)),
        None => (text, None),
    }
}

impl Location {
    /// The full name of `tag` in the repository of this location. A tag in a layout has no repository.
    pub fn name_of(&self, tag: &str) -> String {
        match self {
            Self::Artifact(reference) => format!("{}:{tag}", reference.without_selector()),
            Self::Layout { .. } => tag.to_owned(),
        }
    }

    /// The end of PATH in `oci:PATH:NAME` or `oci:PATH@DIGEST`, if a name or a digest follows.
    pub(super) fn path_end(text: &str) -> Option<usize> {
        let path = text.strip_prefix("oci:")?;
        let end = split_layout(path).0.len();
        let start = text.len() - path.len();
        (end < path.len()).then_some(start + end)
    }

    /// The name that the rules of policies match.
    pub fn policy_name(&self) -> Name {
        match self {
            Self::Artifact(reference) => Name::of(reference),
            // A rule may name the folder itself, or a link to it.
            Self::Layout { path, .. } => {
                Name::Layout([Some(path.clone()), fs_err::canonicalize(path).ok()].into_iter().flatten().collect())
            }
        }
    }

    /// The artifact `digest` at the same place.
    pub(super) fn with_digest(&self, digest: Digest) -> Self {
        match self {
            Self::Artifact(reference) => Self::Artifact(reference.without_selector().with_digest(digest)),
            Self::Layout { path, .. } => Self::Layout { path: path.clone(), selector: Some(digest.to_string()) },
        }
    }

    /// Uses `latest` for a missing tag, and returns true if the tag was missing.
    pub fn or_latest(self) -> (Self, bool) {
        match self {
            Self::Artifact(reference) if reference.selector().is_none() => {
                (Self::Artifact(reference.with_tag(Tag::latest())), true)
            }
            Self::Layout { path, selector: None } => {
                (Self::Layout { path, selector: Some(Tag::latest().to_string()) }, true)
            }
            given => (given, false),
        }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Artifact(reference) => write!(f, "{reference}"),
            Self::Layout { path, selector } => {
                write!(f, "oci:{}", path.display())?;
                match selector {
                    Some(digest) if digest.starts_with("sha256:") => write!(f, "@{digest}"),
                    Some(tag) => write!(f, ":{tag}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Session<'_> {
    /// Opens the source that holds `location`.
    pub fn find(&self, location: &Location, place: Lookup) -> Result<Located, Error> {
        match location {
            Location::Artifact(reference) => self.find_reference(reference, place),
            Location::Layout { path, selector } => {
                let name = selector.clone().unwrap_or_else(|| Tag::latest().to_string());
                let layout = self.store.open_other(path)?;
                layout.expect_layout()?;
                Ok(Located::new(layout.reader(Names::Tags)?, name, location, false))
            }
        }
    }

    /// Opens the source that holds `reference`.
    pub fn find_reference(&self, reference: &Reference, place: Lookup) -> Result<Located, Error> {
        if place == Lookup::Remote && reference.is_local() {
            return Err(Error::NoRegistry(reference.clone()));
        }
        if place != Lookup::Remote {
            match find_here(&self.store, reference) {
                Err(Error::NotHere { .. }) if place == Lookup::Anywhere && !reference.is_local() => {}
                found => return found,
            }
        }
        let name = reference.selector().unwrap_or_else(|| Tag::latest().to_string());
        let repository = self.client.repository(reference);
        let found = Located::new(repository.clone(), name, &Location::Artifact(reference.clone()), true);
        Ok(Located { repository: reference.digest.is_none().then_some(repository), ..found })
    }

    /// Opens the source that holds the index of ModelKits at `location`. In the local store, a ModelKit may have the
    /// same name.
    pub fn find_index(&self, location: &Location, place: Lookup) -> Result<Located, Error> {
        match location {
            Location::Artifact(reference) if place != Lookup::Remote => match find_index_here(&self.store, reference) {
                Err(Error::Index(_)) if place == Lookup::Anywhere && !reference.is_local() => {
                    self.find(location, Lookup::Remote)
                }
                found => found,
            },
            _ => self.find(location, place),
        }
    }

    /// The number of layers of `location` to read at the same time.
    pub fn jobs_to_read(&self, location: &Location) -> Jobs {
        let large = workers::jobs();
        Jobs { large, small: self.jobs(&[location]).max(large) }
    }

    /// The number of blobs to transfer at the same time to or from `locations`: the lowest limit of their registries.
    pub fn jobs(&self, locations: &[&Location]) -> usize {
        let registry = |location: &&&Location| match location {
            Location::Artifact(reference) => reference.registry.clone(),
            Location::Layout { .. } => Reference::LOCAL.to_owned(),
        };
        let limits = locations.iter().map(|location| self.client.concurrency(&registry(&location)));
        limits.min().unwrap_or(1)
    }

    /// Opens the target of `location` for a copy of `found`, and returns the tag of the copy. A digest in `location`
    /// must be that of `found`.
    pub fn target_for(&self, found: &Located, location: &Location) -> Result<(Box<dyn Target>, Option<String>), Error> {
        let expected = match location {
            Location::Artifact(reference) => reference.digest,
            Location::Layout { selector, .. } => selector.as_ref().and_then(|selector| selector.parse().ok()),
        };
        if let Some(expected) = expected {
            let source = found.source.resolve(&found.name).map_err(|error| Error::reading(&found.title, error))?;
            if source.digest != expected {
                return Err(Error::OtherDigest { destination: location.to_string(), digest: source.digest });
            }
        }
        self.target(location)
    }

    /// Opens the target of `location` for writing, and returns the tag for what is written.
    pub fn target(&self, location: &Location) -> Result<(Box<dyn Target>, Option<String>), Error> {
        match location {
            Location::Artifact(reference) if reference.is_local() => Err(Error::NoRegistry(reference.clone())),
            Location::Artifact(reference) => {
                let tag = reference.tag.as_ref().map(ToString::to_string);
                Ok((Box::new(self.client.repository(reference)), tag))
            }
            Location::Layout { path, selector } => {
                let name = selector.clone().filter(|selector| !selector.starts_with("sha256:"));
                Ok((Box::new(self.store.open_other(path)?.writer(Names::Tags)?), name))
            }
        }
    }
}

/// Opens the local store if it holds `reference`.
pub fn find_here(store: &Store, reference: &Reference) -> Result<Located, Error> {
    let name = reference.selector().unwrap_or_else(|| Tag::latest().to_string());
    let names = Names::Of(reference.clone());
    if store.find(&names, &name)?.is_none() {
        return Err(not_here(store, reference));
    }
    Ok(Located::new(store.reader(names)?, name, &Location::Artifact(reference.clone()), false))
}

/// The error for a reference that is not in the local store, with similar tags.
pub fn not_here(store: &Store, reference: &Reference) -> Error {
    match similar_tags_here(store, reference) {
        Ok(similar) => Error::NotHere { reference: Box::new(reference.clone()), similar },
        Err(error) => error,
    }
}

/// The tags of the same repository in the store that are most similar to the tag of `reference`.
fn similar_tags_here(store: &Store, reference: &Reference) -> Result<Vec<String>, Error> {
    let Some(tag) = reference.tag.as_ref().filter(|_| reference.digest.is_none()) else { return Ok(Vec::new()) };
    let index = store.index()?;
    let found = index.entries().iter().filter_map(Entry::reference);
    let tags: Vec<_> = found
        .filter(|found| found.registry == reference.registry && found.repository == reference.repository)
        .filter_map(|found| found.tag.as_ref())
        .filter(|found| *found != tag)
        .map(ToString::to_string)
        .collect();
    Ok(most_similar(tag.as_str(), tags, SIMILAR_TAGS))
}

/// Opens the local store if it holds the index of ModelKits `reference`.
pub fn find_index_here(store: &Store, reference: &Reference) -> Result<Located, Error> {
    let name = reference.selector().unwrap_or_else(|| Tag::latest().to_string());
    let names = Names::Of(reference.clone());
    let Some(index) = store.find_index(&names, &name)? else {
        let is_modelkit = store.find(&names, &name)?.is_some();
        let title = reference.to_string();
        return Err(if is_modelkit {
            IndexError::NotAnIndex(title).into()
        } else {
            IndexError::NotHere(reference.clone()).into()
        });
    };
    // By digest, because a ModelKit may have the same name.
    let name = index.descriptor.digest.to_string();
    Ok(Located::new(store.reader(names)?, name, &Location::Artifact(reference.clone()), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, path: &str, selector: Option<&str>) {
        let expected = Location::Layout { path: path.into(), selector: selector.map(str::to_owned) };
        assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
        assert_eq!(expected.to_string(), text);
    }

    #[test]
    fn layouts_are_named_as_skopeo_names_them() {
        let digest = crate::digest::Digest::of(b"").to_string();
        check("oci:/srv/kits:v1", "/srv/kits", Some("v1"));
        check("oci:kits", "kits", None);
        check("oci:C:/kits", "C:/kits", None);
        check("oci:C:\\kits:v1", "C:\\kits", Some("v1"));
        check(&format!("oci:kits@{digest}"), "kits", Some(&digest));
        check("oci:/srv/store:sample:v1", "/srv/store", Some("sample:v1"));
        check("oci:store:localhost:5000/team/sample:v1", "store", Some("localhost:5000/team/sample:v1"));
        check("oci:store:team/sample", "store", Some("team/sample"));
        let both: Location = format!("oci:store:sample:v1@{digest}").parse().unwrap();
        assert_eq!(both, Location::Layout { path: "store".into(), selector: Some(digest) });
        for wrong in ["oci:store:no name", "oci:store:", "oci:store:Upper/case:v1"] {
            assert!(wrong.parse::<Location>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_url_with_the_scheme_oci_names_a_registry() {
        let expected = Location::Artifact("r.example/team/net:v1".parse().unwrap());
        assert_eq!("oci://r.example/team/net:v1".parse(), Ok(expected));
        let layout = Location::Layout { path: "///srv/kits".into(), selector: Some("v1".to_owned()) };
        assert_eq!("oci:///srv/kits:v1".parse(), Ok(layout));
    }

    #[test]
    fn a_missing_tag_is_latest() {
        let (location, was_missing) = "a/b".parse::<Location>().unwrap().or_latest();
        assert_eq!((location.to_string().as_str(), was_missing), ("a/b:latest", true));
        let (location, was_missing) = "oci:x:v1".parse::<Location>().unwrap().or_latest();
        assert_eq!((location.to_string().as_str(), was_missing), ("oci:x:v1", false));
    }
}
