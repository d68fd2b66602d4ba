//! The lineage of a ModelKit: its parents and datasets, and theirs in turn, as far as they can be found.

use std::collections::HashMap;

use crate::digest::Digest;
use crate::kitfile::Section;
use crate::limits;
use crate::oci::{ContentError, Reference};
use crate::ops::artifact::{Inspected, Original, inspect, model_reference, oci_uri, original, sources};
use crate::ops::error::{Error, reason};
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::progress::Warning;
use crate::provenance::{Material, Record, Role, Subset, without_secrets};

/// A graph of the ModelKits and datasets that a ModelKit is built from. The first node is the requested ModelKit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// ModelKits and datasets, without duplicates.
    pub nodes: Vec<Node>,
    /// The edges, each from a ModelKit to one of its sources.
    pub edges: Vec<Edge>,
}

/// A ModelKit or a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name in the place where it was found first.
    pub name: String,
    /// The digest of its manifest or its layer, if that is known.
    pub digest: Option<Digest>,
}

/// The fact that one node is built from another. Both are indexes into the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The node that is built.
    pub from: usize,
    /// The node that it is built from.
    pub to: usize,
    /// The kind of the source.
    pub kind: EdgeKind,
    /// The certainty of the edge.
    pub proof: Proof,
}

/// The role of a source in the ModelKit that is built from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeKind {
    /// A ModelKit whose model is used, and which itself uses the model of another ModelKit.
    Parent,
    /// A ModelKit whose model is used, and which does not use the model of another ModelKit.
    BaseModel,
    /// A dataset.
    Dataset,
    /// A ModelKit whose layers are used, by the record of a subset.
    Original,
}

/// The certainty of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A Kitfile or an attestation states it.
    Declared,
    /// A Kitfile or an attestation states it with a digest, and an artifact with that digest was found.
    Verified,
}

/// The length up to which a chain is followed. `KitOps` allows ten references in a chain of models.
const DEPTH: usize = 10;

/// Follows the references from `root`, which was found at `location`. A source that cannot be reached is still a node;
/// a failure to reach it is a warning.
pub fn lineage(session: &Session<'_>, location: &Location, root: &Located) -> Result<Lineage, Error> {
    let inspected = inspect(root)?;
    let mut walk = Walk { session, lineage: Lineage::default(), known: HashMap::new() };
    let node = walk.node(location.to_string(), Some(inspected.descriptor.digest));
    walk.follow(node, root, &inspected, 0);
    Ok(walk.lineage)
}

struct Walk<'a> {
    session: &'a Session<'a>,
    lineage: Lineage,
    /// The nodes by digest, or by name if the digest is not known.
    known: HashMap<String, usize>,
}

impl Walk<'_> {
    fn follow(&mut self, node: usize, found: &Located, inspected: &Inspected, depth: usize) {
        if depth == DEPTH {
            return;
        }
        let (records, subsets) = sources(&*found.source, &inspected.descriptor, self.session.progress);
        for subset in subsets {
            self.add_original(node, inspected, &subset, depth);
        }
        let kitfile = &inspected.modelkit.config.kitfile;
        if let Some(reference) = model_reference(&inspected.modelkit) {
            let pinned = pinned(&reference, Role::Parent, &records);
            self.add_modelkit(node, EdgeKind::BaseModel, &reference, pinned, depth);
        }
        for layer in inspected.modelkit.layers.iter().filter(|layer| layer.section == Section::Dataset) {
            let name = if layer.name.is_empty() { layer.path.to_string() } else { layer.name.clone() };
            // The manifest was found by its digest, and names the layer by digest.
            self.add(node, EdgeKind::Dataset, name, Some(layer.descriptor.digest), Proof::Verified);
        }
        for dataset in kitfile.remote_datasets() {
            if let Some(reference) = dataset.reference() {
                let pinned = pinned(&reference, Role::Dataset, &records);
                self.add_modelkit(node, EdgeKind::Dataset, &reference, pinned, depth);
            } else {
                let (name, hash) = (without_secrets(&dataset.remote_path), dataset.remote_digest());
                self.add(node, EdgeKind::Dataset, name, hash, Proof::Declared);
            }
        }
    }

    /// Adds the ModelKit that `reference` names, by the `pinned` digest if there is one, and follows it if it is found.
    fn add_modelkit(
        &mut self,
        from: usize,
        kind: EdgeKind,
        reference: &Reference,
        pinned: Option<Digest>,
        depth: usize,
    ) {
        let wanted = match pinned {
            Some(digest) => Reference { digest: Some(digest), tag: None, ..reference.clone() },
            None => reference.clone(),
        };
        let found = self.session.find_reference(&wanted, Lookup::Anywhere);
        let found = found.and_then(|found| inspect(&found).map(|inspected| (found, inspected)));
        let name = Reference { digest: None, ..reference.clone() }.to_string();
        let (found, inspected) = match found {
            Ok(found) => found,
            Err(failure) => {
                self.warn_of(&name, &failure);
                self.add(from, kind.unless_followed(), name, pinned, Proof::Declared);
                return;
            }
        };
        let proof = if pinned.is_some() { Proof::Verified } else { Proof::Declared };
        let has_parent = model_reference(&inspected.modelkit).is_some();
        let kind = if has_parent { kind.unless_followed() } else { kind };
        let known = self.lineage.nodes.len();
        let Some(node) = self.add(from, kind, name, Some(inspected.descriptor.digest), proof) else { return };
        // A node that existed before has already been followed.
        if node == known {
            self.follow(node, &found, &inspected, depth + 1);
        }
    }

    /// Adds the ModelKit that the subset `from` belongs to, and follows it. The layers of both prove the relation.
    fn add_original(&mut self, from: usize, inspected: &Inspected, subset: &Subset, depth: usize) {
        let digest = subset.original;
        let name = subset.original_name.clone().unwrap_or_else(|| digest.to_string());
        match original(self.session, subset, inspected) {
            Ok(Original { found, inspected, has_all_layers: true }) => {
                let known = self.lineage.nodes.len();
                let node = self.add(from, EdgeKind::Original, name, Some(digest), Proof::Verified);
                if let Some(node) = node.filter(|node| *node == known) {
                    self.follow(node, &found, &inspected, depth + 1);
                }
            }
            Ok(_) => {
                let reason = "it does not have all layers of the subset".to_owned();
                self.session.progress.warn(&Warning::Unreadable { name: &name, reason });
            }
            Err(failure) => {
                self.warn_of(&name, &failure);
                self.add(from, EdgeKind::Original, name, Some(digest), Proof::Declared);
            }
        }
    }

    /// Warns of a failure, unless it means that the ModelKit does not exist, which is an answer. Any other failure may
    /// be temporary.
    fn warn_of(&self, name: &str, failure: &Error) {
        let is_absent = matches!(
            failure,
            Error::NotHere { .. } | Error::NoSuchTag { .. } | Error::Read { source: ContentError::NotFound(_), .. }
        );
        if !is_absent {
            self.session.progress.warn(&Warning::Unreadable { name, reason: reason(failure) });
        }
    }

    fn add(
        &mut self,
        from: usize,
        kind: EdgeKind,
        name: String,
        digest: Option<Digest>,
        proof: Proof,
    ) -> Option<usize> {
        if self.lineage.nodes.len() >= limits::LINEAGE_NODES {
            return None;
        }
        let to = self.node(name, digest);
        let edge = Edge { from, to, kind, proof };
        if !self.lineage.edges.contains(&edge) {
            self.lineage.edges.push(edge);
        }
        Some(to)
    }

    fn node(&mut self, name: String, digest: Option<Digest>) -> usize {
        let key = digest.map_or_else(|| name.clone(), |digest| digest.to_string());
        let nodes = &mut self.lineage.nodes;
        *self.known.entry(key).or_insert_with(|| {
            nodes.push(Node { name, digest });
            nodes.len() - 1
        })
    }
}

impl EdgeKind {
    /// Returns the kind for a source that is not the end of the chain, or that could not be read.
    fn unless_followed(self) -> Self {
        if self == Self::BaseModel { Self::Parent } else { self }
    }
}

/// Returns the digest in the reference itself, or else in the latest attestation that names it.
fn pinned(reference: &Reference, role: Role, records: &[Record]) -> Option<Digest> {
    let uri = oci_uri(reference);
    let is_meant = |material: &&Material| material.role == role && material.uri.as_ref() == Some(&uri);
    let recorded = || records.iter().rev().find_map(|record| record.materials.iter().find(is_meant)?.digest);
    reference.digest.or_else(recorded)
}
