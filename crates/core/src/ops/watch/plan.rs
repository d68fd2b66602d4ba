//! The tags and versions to watch, by repository.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::digest::Digest;
use crate::oci::Reference;

/// A tag, a version, or all tags of a repository in a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchTarget(Reference);

/// A name that cannot be watched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Not a reference.
    #[error(transparent)]
    Reference(#[from] crate::oci::InvalidReference),
    /// Not in a registry.
    #[error("`{0}` is not in a registry; write REGISTRY/REPOSITORY, and optionally a tag or a digest")]
    NoRegistry(String),
}

impl FromStr for WatchTarget {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let reference: Reference = text.strip_prefix("remote://").unwrap_or(text).parse()?;
        if reference.is_local() { Err(InvalidTarget::NoRegistry(text.to_owned())) } else { Ok(Self(reference)) }
    }
}

impl std::fmt::Display for WatchTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The tags and versions to watch in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The repository.
    pub(super) reference: Reference,
    /// Set if all tags are watched.
    pub(super) is_whole: bool,
    /// The tags that are watched in any case.
    pub(super) tags: BTreeSet<String>,
    /// The versions whose referrers are watched in any case.
    pub(super) versions: BTreeSet<Digest>,
}

/// Returns one plan for each repository, by registry, in the order of their names.
pub(super) fn plans(targets: &[WatchTarget]) -> BTreeMap<String, Vec<Plan>> {
    let mut plans = BTreeMap::<String, Plan>::new();
    for WatchTarget(reference) in targets {
        let repository = reference.without_selector();
        let plan = plans.entry(reference.full_repository()).or_insert_with(|| Plan {
            reference: repository,
            is_whole: false,
            tags: BTreeSet::new(),
            versions: BTreeSet::new(),
        });
        match (&reference.digest, &reference.tag) {
            (Some(digest), _) => drop(plan.versions.insert(*digest)),
            (None, Some(tag)) => drop(plan.tags.insert(tag.to_string())),
            (None, None) => plan.is_whole = true,
        }
    }
    let mut by_registry = BTreeMap::<String, Vec<Plan>>::new();
    for plan in plans.into_values() {
        by_registry.entry(plan.reference.registry.clone()).or_default().push(plan);
    }
    by_registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_grouped_by_repository() {
        let digest = Digest::of(b"version");
        let names = ["a.io/x:v1", "a.io/x", "a.io/x:v2", "b.io/y:v1", "a.io/z:v1", &format!("a.io/z:v9@{digest}")];
        let targets: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
        let plans = plans(&targets);
        assert_eq!(plans.keys().collect::<Vec<_>>(), ["a.io", "b.io"]);
        let [x, z] = &plans["a.io"][..] else { panic!("{plans:?}") };
        assert!(x.is_whole && x.tags.iter().eq(["v1", "v2"]) && x.versions.is_empty(), "{x:?}");
        assert!(!z.is_whole && z.tags.iter().eq(["v1"]) && z.versions.iter().eq([&digest]), "{z:?}");
    }

    #[test]
    fn only_registries_are_watched() {
        for text in ["demo:v1", "localhost/demo:v1", "oci:folder:v1", "a.io/x:"] {
            text.parse::<WatchTarget>().unwrap_err();
        }
    }
}
