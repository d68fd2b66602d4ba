//! The locations of ModelKits: the local store, registries, and image layouts in other folders, all opened the same
//! way.

use tracing::debug;

use crate::oci::{ContentError, Descriptor, Reference, Source, Tag, Target};
use crate::ops::examined::Examined;
use crate::ops::known_names;
pub use crate::ops::location::Location;
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
    /// The names that the rules of policies match; none for what this command makes itself.
    pub policy_names: Vec<Name>,
    /// True if the bytes come from a registry.
    pub is_remote: bool,
    /// The layers that were fetched and scanned to judge it. `source` returns these instead of fetching them again.
    pub examined: Examined,
    /// The repository in a registry that is asked for similar tags if `name` is a tag that does not exist.
    pub repository: Option<Repository>,
}

/// The number of similar tags that are suggested for a tag that does not exist.
const SIMILAR_TAGS: usize = 5;

impl Located {
    fn new(source: impl Source + 'static, name: String, location: &Location, is_remote: bool) -> Self {
        let examined = Examined::default();
        let source = ReadOnce::new(source);
        // Layers on this machine are read where they are: a file of the store can be cloned.
        let source = if is_remote { source.with_examined(examined.clone()) } else { source };
        let found = Self::of(Box::new(source), name, location.to_string(), is_remote);
        Self { policy_names: vec![location.policy_name()], examined, ..found }
    }

    /// An artifact that `source` resolves itself.
    pub(crate) fn of(source: Box<dyn Source>, name: String, title: String, is_remote: bool) -> Self {
        let (policy_names, examined) = (Vec::new(), Examined::default());
        Self { source, name, title, policy_names, is_remote, examined, repository: None }
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

impl Session<'_> {
    /// Opens the source that holds `location`.
    pub fn find(&self, location: &Location, place: Lookup) -> Result<Located, Error> {
        match location {
            Location::Artifact(reference) => self.find_reference(reference, place),
            Location::Layout { path, selector } => {
                let name = selector.clone().unwrap_or_else(|| Tag::latest().to_string());
                let layout = self.store.open_layout(path)?;
                layout.expect_layout()?;
                let others = known_names::in_layout(&self.store, &layout, &name)?;
                let mut found = Located::new(layout.reader(Names::Tags)?, name, location, false);
                found.policy_names.extend(others);
                Ok(found)
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
                Ok((Box::new(self.store.open_layout(path)?.writer(Names::Tags)?), name))
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
    let mut found = Located::new(store.reader(names)?, name, &Location::Artifact(reference.clone()), false);
    if let Some(digest) = reference.digest.filter(|_| reference.is_unnamed()) {
        let known = known_names::of(store, &digest)?;
        if !known.is_empty() {
            found.policy_names = known;
        }
    }
    Ok(found)
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
