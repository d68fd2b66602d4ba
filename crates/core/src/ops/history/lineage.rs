//! What a ModelKit is built from: its parents and datasets, and theirs, as far as they can be found.

use std::collections::HashMap;

use crate::digest::Digest;
use crate::kitfile::Section;
use crate::oci::{ContentError, Reference};
use crate::ops::artifact::{Inspected, inspect, model_reference, oci_uri, records};
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::progress::Progress;
use crate::provenance::{Material, Record, Role, without_secrets};

/// A graph of what is built from what. The first node is what was asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// ModelKits and datasets, each once.
    pub nodes: Vec<Node>,
    /// From what is built to what it is built from.
    pub edges: Vec<Edge>,
}

/// A ModelKit or a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is called where it was met first.
    pub name: String,
    /// Its manifest or its layer, if that is known.
    pub digest: Option<Digest>,
}

/// That something is built from something else. Both are positions among the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What is built.
    pub from: usize,
    /// What it is built from.
    pub to: usize,
    /// What that is to it.
    pub kind: EdgeKind,
    /// How sure that is.
    pub proof: Proof,
}

/// What something is to what is built from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeKind {
    /// A ModelKit whose model is taken and which takes that of another.
    Parent,
    /// A ModelKit whose model is taken and which takes that of no other.
    BaseModel,
    /// A dataset.
    Dataset,
}

/// How sure it is that something is built from something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A Kitfile or a record says so.
    Declared,
    /// They say so by digest, and what has that digest was found.
    Verified,
}

/// How long a chain is followed. That of models alone may have ten (`KitOps`).
const DEPTH: usize = 10;
/// A graph with more nodes is no picture any more.
const NODES_LIMIT: usize = 1000;

/// Walks from `location`. What cannot be reached is a node all the same; a failure on the way to it is a warning.
pub fn lineage(
    session: &Session<'_>,
    location: &Location,
    place: Lookup,
    progress: &dyn Progress,
) -> Result<Lineage, Error> {
    let root = session.find(location, place)?;
    let inspected = inspect(&root)?;
    let mut walk = Walk { session, progress, lineage: Lineage::default(), known: HashMap::new() };
    let node = walk.node(location.to_string(), Some(inspected.descriptor.digest));
    walk.follow(node, &root, &inspected, 0);
    Ok(walk.lineage)
}

struct Walk<'a> {
    session: &'a Session<'a>,
    progress: &'a dyn Progress,
    lineage: Lineage,
    /// Nodes by digest, or by name where that is not known.
    known: HashMap<String, usize>,
}

impl Walk<'_> {
    fn follow(&mut self, node: usize, found: &Located, inspected: &Inspected, depth: usize) {
        if depth == DEPTH {
            return;
        }
        let records = records(&*found.source, &inspected.descriptor, self.progress);
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

    /// Adds the ModelKit that `reference` names, by the digest that is pinned if there is one, and follows it if it is found.
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
                self.tell(&name, &failure);
                self.add(from, kind.unless_followed(), name, pinned, Proof::Declared);
                return;
            }
        };
        let proof = if pinned.is_some() { Proof::Verified } else { Proof::Declared };
        let has_parent = model_reference(&inspected.modelkit).is_some();
        let kind = if has_parent { kind.unless_followed() } else { kind };
        let known = self.lineage.nodes.len();
        let Some(node) = self.add(from, kind, name, Some(inspected.descriptor.digest), proof) else { return };
        // One that was met before is followed already.
        if node == known {
            self.follow(node, &found, &inspected, depth + 1);
        }
    }

    /// What is not there is an answer; anything else may have another one later.
    fn tell(&self, name: &str, failure: &Error) {
        let is_absent = matches!(failure, Error::NotHere(_) | Error::Read { source: ContentError::NotFound(_), .. });
        if !is_absent {
            self.progress.warn(&format!("cannot look at `{name}`: {}", failure.in_words()));
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
        if self.lineage.nodes.len() >= NODES_LIMIT {
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
    /// What it is if it is not the end of the chain, or nobody knows.
    fn unless_followed(self) -> Self {
        if self == Self::BaseModel { Self::Parent } else { self }
    }
}

/// The digest that the reference has itself, or that the latest record tells of it.
fn pinned(reference: &Reference, role: Role, records: &[Record]) -> Option<Digest> {
    let uri = oci_uri(reference);
    let is_meant = |material: &&Material| material.role == role && material.uri.as_ref() == Some(&uri);
    let recorded = || records.iter().rev().find_map(|record| record.materials.iter().find(is_meant)?.digest);
    reference.digest.or_else(recorded)
}
