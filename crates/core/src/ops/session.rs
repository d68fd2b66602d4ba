//! Where ModelKits are: the local store, registries, and layouts in other folders. One way to open any of them.

use std::path::PathBuf;
use std::str::FromStr;

use crate::oci::{InvalidReference, Reference, Source, Tag, Target};
use crate::ops::Error;
use crate::ops::read_once::ReadOnce;
use crate::registry::Client;
use crate::store::{Names, Store};

/// Everything that can be reached.
pub struct Session<'a> {
    /// The local store.
    pub store: &'a Store,
    /// The registries.
    pub client: &'a Client,
}

/// A ModelKit's name as the user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the local store or in a registry.
    Artifact(Reference),
    /// In an image layout in a folder, as skopeo writes it: `oci:PATH[:NAME]`, or `oci:PATH@DIGEST`. PATH ends at its first colon.
    Layout {
        /// The folder.
        path: PathBuf,
        /// The digest or the name, if one is given. A name is what the index of the layout says: a tag, or a whole reference
        /// in a layout of many repositories, such as the local store.
        selector: Option<String>,
    },
}

/// Where to look for a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// In the local store, then in the registry.
    Anywhere,
    /// In the local store.
    Local,
    /// In the registry.
    Remote,
}

/// A place that holds what was looked for, and the name to ask it for.
pub struct Located {
    /// The place.
    pub source: Box<dyn Source>,
    /// The tag or digest.
    pub name: String,
    /// Whether its bytes come from a registry.
    pub is_remote: bool,
}

impl Located {
    fn new(source: impl Source + 'static, name: String, is_remote: bool) -> Self {
        Self { source: Box::new(ReadOnce::new(source)), name, is_remote }
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

/// The path and the name. The name may hold colons, so the first one ends the path, as in skopeo; but for that of a Windows drive.
fn split_layout(text: &str) -> (&str, Option<&str>) {
    let drive = if matches!(text.as_bytes(), [b'A'..=b'Z' | b'a'..=b'z', b':', b'/' | b'\\', ..]) { 2 } else { 0 };
    match text[drive..].split_once(':') {
        Some((path, name)) => (&text[..drive + path.len()], Some(name)),
        None => (text, None),
    }
}

impl Location {
    /// Where PATH ends in `oci:PATH:NAME` or `oci:PATH@DIGEST`, if a name or a digest follows.
    pub(super) fn path_end(text: &str) -> Option<usize> {
        let path = text.strip_prefix("oci:")?;
        let end = split_layout(path).0.len();
        let start = text.len() - path.len();
        (end < path.len()).then_some(start + end)
    }

    /// Whether there is a registry to ask for it.
    pub(super) fn has_registry(&self) -> bool {
        matches!(self, Self::Artifact(reference) if !reference.is_local())
    }

    /// Takes `latest` for a missing tag, and tells whether it was missing.
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
    /// Opens the place that holds `location`.
    pub fn find(&self, location: &Location, place: Lookup) -> Result<Located, Error> {
        match location {
            Location::Artifact(reference) => self.find_reference(reference, place),
            Location::Layout { path, selector } => {
                let name = selector.clone().unwrap_or_else(|| Tag::latest().to_string());
                let layout = Store::open(path)?;
                layout.expect_layout()?;
                Ok(Located::new(layout.reader(Names::Tags)?, name, false))
            }
        }
    }

    /// Opens the place that holds `reference`.
    pub fn find_reference(&self, reference: &Reference, place: Lookup) -> Result<Located, Error> {
        if place == Lookup::Remote && reference.is_local() {
            return Err(Error::NoRegistry(reference.clone()));
        }
        if place != Lookup::Remote {
            match find_here(self.store, reference) {
                Err(Error::NotHere(_)) if place == Lookup::Anywhere && !reference.is_local() => {}
                found => return found,
            }
        }
        let name = reference.selector().unwrap_or_else(|| Tag::latest().to_string());
        Ok(Located::new(self.client.repository(reference), name, true))
    }

    /// How many blobs may travel at once to or from `locations`: each has at least one connection.
    pub fn jobs(&self, locations: &[&Location]) -> usize {
        let registry = |location: &&&Location| match location {
            Location::Artifact(reference) => reference.registry.clone(),
            Location::Layout { .. } => Reference::LOCAL.to_owned(),
        };
        let limits = locations.iter().map(|location| self.client.concurrency(&registry(&location)));
        limits.min().unwrap_or(1)
    }

    /// Opens the place that `location` names to write to, and the tag to give what is written.
    pub fn target(&self, location: &Location) -> Result<(Box<dyn Target>, Option<String>), Error> {
        match location {
            Location::Artifact(reference) if reference.is_local() => Err(Error::NoRegistry(reference.clone())),
            Location::Artifact(reference) => {
                let tag = reference.tag.as_ref().filter(|_| reference.digest.is_none());
                Ok((Box::new(self.client.repository(reference)), tag.map(ToString::to_string)))
            }
            Location::Layout { path, selector } => {
                let name = selector.clone().filter(|selector| !selector.starts_with("sha256:"));
                Ok((Box::new(Store::open(path)?.writer(Names::Tags)?), name))
            }
        }
    }
}

/// Opens the local store, if it holds `reference`.
pub fn find_here(store: &Store, reference: &Reference) -> Result<Located, Error> {
    let name = reference.selector().unwrap_or_else(|| Tag::latest().to_string());
    let names = Names::Of(reference.clone());
    if store.find(&names, &name)?.is_none() {
        return Err(Error::NotHere(reference.clone()));
    }
    Ok(Located::new(store.reader(names)?, name, false))
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
