//! The references in the documents of a version, and those that name the sought content.

use std::collections::HashSet;

use super::found::{Reason, ReasonKind};
use super::sought::Sought;
use super::versions::{Place, Version};
use crate::digest::Digest;
use crate::modelkit::{Layer, label};
use crate::oci::Reference;
use crate::ops::artifact::{model_reference, oci_uri};
use crate::provenance::{Record, Role, without_secrets};

/// A statement of a version that it is built from something else.
pub(super) struct Link {
    kind: ReasonKind,
    /// The name for users.
    name: String,
    reference: Option<Reference>,
    digest: Option<Digest>,
}

/// Returns the links of a version: those in its Kitfile, and those in its attestations.
pub(super) fn links(version: &Version, records: &[Record]) -> Vec<Link> {
    let modelkit = &version.inspected.modelkit;
    let mut links: Vec<_> =
        model_reference(modelkit).map(|model| of_reference(ReasonKind::BaseModel, model)).into_iter().collect();
    for dataset in modelkit.config.kitfile.remote_datasets() {
        links.push(match dataset.reference() {
            Some(reference) => of_reference(ReasonKind::Dataset, reference),
            None => Link {
                kind: ReasonKind::Dataset,
                name: without_secrets(&dataset.remote_path),
                reference: None,
                digest: dataset.remote_digest(),
            },
        });
    }
    for material in records.iter().flat_map(|record| &record.materials) {
        let kind = match material.role {
            Role::Parent => ReasonKind::BaseModel,
            Role::Dataset => ReasonKind::Dataset,
            Role::Run | Role::Artifact | Role::Publisher => ReasonKind::Material,
        };
        let reference = material.uri.as_ref().and_then(|uri| uri.strip_prefix("oci://")?.parse().ok());
        let name =
            if material.name.is_empty() { material.uri.clone().unwrap_or_default() } else { material.name.clone() };
        links.push(Link { kind, name, reference, digest: material.digest });
    }
    links
}

fn of_reference(kind: ReasonKind, reference: Reference) -> Link {
    Link { kind, name: reference.to_string(), digest: reference.digest, reference: Some(reference) }
}

/// Returns true if attestations may say more about the version than its Kitfile: the digests of references.
pub(super) fn has_unpinned_links(version: &Version) -> bool {
    links(version, &[]).iter().any(|link| link.digest.is_none())
}

impl Link {
    /// Returns true if the link names the ModelKit `name`. A digest on both sides decides.
    fn names(&self, name: &Reference) -> bool {
        self.reference.as_ref().is_some_and(|reference| {
            let is_same_tag = reference.tag.is_some() && reference.tag == name.tag;
            reference.full_repository() == name.full_repository() && is_same_tag
        })
    }

    fn reason(&self, kind: ReasonKind) -> Reason {
        Reason { kind, place: self.name.clone(), files: 0, bytes: 0 }
    }
}

/// Returns the links that name the sought content, each once.
pub(super) fn matching_links(sought: &Sought, links: &[Link]) -> Vec<Reason> {
    let mut seen = HashSet::new();
    let is_sought = |link: &&Link| match link.digest {
        Some(digest) => sought.digests.contains(&digest),
        None => sought.names.iter().any(|name| link.names(name)),
    };
    let found = links.iter().filter(is_sought).map(|link| link.reason(link.kind));
    found.filter(|reason| seen.insert((reason.kind, reason.place.clone()))).collect()
}

/// Returns the layer as a reason, if it is the content itself: by its digest, or that of its uncompressed bytes.
pub(super) fn matching_layer(sought: &Sought, layer: &Layer) -> Option<Reason> {
    let digests = [Some(layer.descriptor.digest), layer.diff_id];
    let is_same = digests.into_iter().flatten().any(|digest| sought.digests.contains(&digest));
    let place = label(&layer.descriptor);
    is_same.then_some(Reason { kind: ReasonKind::Layer, place, files: 0, bytes: layer.descriptor.size })
}

/// The versions that hold the content, by digest and by name.
#[derive(Default)]
pub(super) struct Holders {
    digests: HashSet<Digest>,
    names: HashSet<String>,
}

impl Holders {
    pub(super) fn add(&mut self, version: &Version, place: &Place) {
        self.digests.insert(version.inspected.descriptor.digest);
        if let Some(repository) = &place.repository {
            let name = |tag: &String| oci_uri_of(repository, tag);
            self.names.extend(version.tags.iter().map(name));
        }
    }

    /// Returns the first link to a version that holds the content.
    pub(super) fn find(&self, links: &[Link]) -> Option<Reason> {
        let is_holder = |link: &&Link| match (link.digest, &link.reference) {
            (Some(digest), _) => self.digests.contains(&digest),
            (None, Some(reference)) => self.names.contains(&oci_uri(&reference.without_digest())),
            (None, None) => false,
        };
        links.iter().find(is_holder).map(|link| link.reason(ReasonKind::Through))
    }
}

fn oci_uri_of(repository: &Reference, tag: &str) -> String {
    format!("{}:{tag}", oci_uri(repository))
}
