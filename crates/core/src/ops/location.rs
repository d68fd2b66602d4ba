//! The place of an artifact, as a user names it.

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::digest::Digest;
use crate::oci::{InvalidReference, Reference, Tag};
use crate::trust::policy::Name;

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
                Name::Layout([Some(path.clone()), resolved(path)].into_iter().flatten().collect())
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

/// The path without symbolic links and `..`. The folder itself, and folders above it, need not exist yet.
fn resolved(path: &Path) -> Option<PathBuf> {
    let existing = path.ancestors().find_map(|above| fs_err::canonicalize(above).ok().map(|real| (above, real)));
    let (above, mut real) = existing?;
    for component in path.strip_prefix(above).ok()?.components() {
        match component {
            Component::ParentDir => drop(real.pop()),
            Component::CurDir => {}
            other => real.push(other),
        }
    }
    Some(real)
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

    #[test]
    fn a_policy_knows_a_new_layout_by_its_real_path() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs_err::canonicalize(folder.path()).unwrap();
        let location = Location::Layout { path: real.join("no/../guarded/./new"), selector: None };
        let Name::Layout(names) = location.policy_name() else { panic!("not a layout") };
        assert_eq!(names[1], real.join("guarded/new"));
    }
}
