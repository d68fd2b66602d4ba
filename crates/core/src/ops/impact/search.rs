//! The search: which documents are read, and what follows from them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::budget::Budget;
use super::found::{Affected, Impact, Reason, ReasonKind, Unknown, UnknownReason};
use super::matching::{self, Holders, Link, links};
use super::sought::Sought;
use super::tables;
use super::versions::{Candidates, Place, Version};
use crate::digest::Digest;
use crate::layer_format::Format;
use crate::modelkit::{ContentsTable, Layer};
use crate::oci::Descriptor;
use crate::ops::artifact::attestations;
use crate::ops::error::{Error, reason};
use crate::ops::files::tables as layer_tables;
use crate::ops::session::{Location, Session};
use crate::ops::workers;
use crate::provenance::Record;

/// Settings of a search.
#[derive(Debug, Clone, Copy)]
pub struct ImpactOptions {
    /// True if repositories of registries are searched in the local store.
    pub is_local: bool,
    /// True if all documents are read, however many requests that takes.
    pub is_exhaustive: bool,
    /// The number of documents that are read at once.
    pub jobs: usize,
}

/// Searches the versions of `locations` for `sought`; without locations, those of the whole local store.
///
/// Reads manifests, configs, tables of contents and attestations, but no layers. Tables that several versions share are
/// read once. Unless the search is exhaustive, it makes at most three requests for each version, besides
/// those for lists of tags, and reports the versions for which that was not enough.
///
/// The tables are covered by the digest of the manifest, but they are not compared with the layers.
pub fn impact(
    session: &Session<'_>,
    sought: &Sought,
    locations: &[Location],
    options: &ImpactOptions,
) -> Result<Impact, Error> {
    let before = session.client.requests();
    let read = Candidates::read(session, locations, options)?;
    let made = session.client.requests() - before - read.list_requests;
    let remote = read.versions.iter().filter(|version| read.places[version.place].is_remote).count();
    let budget = if options.is_exhaustive { Budget::unlimited() } else { Budget::of(remote, made) };
    let search = Search { session, sought, read, budget, jobs: options.jobs, bytes: AtomicU64::new(0) };
    let mut impact = search.run();
    impact.requests = session.client.requests() - before;
    Ok(impact)
}

struct Search<'a> {
    session: &'a Session<'a>,
    sought: &'a Sought,
    read: Candidates,
    budget: Budget,
    jobs: usize,
    bytes: AtomicU64,
}

/// The result of searching a table of contents.
enum Searched {
    /// The places of the content in the layer.
    Read(Vec<Reason>),
    /// There is no table that can be read.
    NoTable,
    /// The budget was used up.
    NotRead,
    Failed(String),
}

/// The links of a version, and true if its attestations were read.
type Linked = (Vec<Link>, bool);

impl Search<'_> {
    fn run(self) -> Impact {
        for version in &self.read.versions {
            let documents = version.inspected.manifest_bytes.len() + version.inspected.config_bytes.len();
            self.bytes.fetch_add(documents as u64, Ordering::Relaxed);
        }
        let tables = self.search_tables();
        let linked = self.read_links();
        let mut reasons: Vec<_> = self
            .read
            .versions
            .iter()
            .zip(&linked)
            .map(|(version, (links, _))| self.reasons(version, &tables, links))
            .collect();
        self.add_built(&mut reasons, &linked);
        let (mut affected, mut unknown) = (Vec::new(), self.read.unreadable.clone());
        let mut unread_records = 0;
        for ((version, reasons), (_, has_records)) in self.read.versions.iter().zip(reasons).zip(&linked) {
            if reasons.is_empty() {
                unknown.extend(self.unknown(version, &tables, *has_records));
                unread_records += usize::from(!has_records);
            } else {
                let (tags, digest) = (version.tags.clone(), version.inspected.descriptor.digest);
                affected.push(Affected { repository: self.place(version).name.clone(), tags, digest, reasons });
            }
        }
        let versions = self.read.versions.len() + self.read.unreadable.len();
        Impact { versions, affected, unknown, requests: 0, bytes: self.bytes.into_inner(), unread_records }
    }

    fn place(&self, version: &Version) -> &Place {
        &self.read.places[version.place]
    }

    /// Searches the tables of all layers, each once. Those that most versions share come first.
    fn search_tables(&self) -> HashMap<Digest, Searched> {
        let mut layers: HashMap<Digest, (usize, &Version, &Layer)> = HashMap::new();
        for version in &self.read.versions {
            for layer in &version.inspected.modelkit.layers {
                let known = layers.entry(layer.descriptor.digest).or_insert((0, version, layer));
                let count = known.0 + 1;
                // Another packer may have listed the same layer without a table.
                let is_better = ContentsTable::of(&known.2.descriptor).is_none();
                *known = if is_better { (count, version, layer) } else { (count, known.1, known.2) };
            }
        }
        let mut layers: Vec<_> = layers.into_values().collect();
        layers.sort_by_key(|(count, _, layer)| (std::cmp::Reverse(*count), layer.descriptor.digest));
        let Ok(searched) = workers::run(self.jobs, &layers, |(_, version, layer)| {
            Ok::<_, Infallible>((layer.descriptor.digest, self.search_table(version, layer)))
        });
        searched.into_iter().collect()
    }

    fn search_table(&self, version: &Version, layer: &Layer) -> Searched {
        let Some(table) = ContentsTable::of(&layer.descriptor).filter(|_| layer_tables::is_usable(layer)) else {
            return Searched::NoTable;
        };
        let place = self.place(version);
        if let Some(blob) = table.blob() {
            if place.is_remote && !self.budget.take(1) {
                return Searched::NotRead;
            }
            place.source.read_ahead(blob);
        }
        let read = layer_tables::bytes(&*place.source, &layer.descriptor).and_then(|bytes| match bytes {
            None => Ok(Searched::NoTable),
            Some(bytes) => {
                let size = if table.blob().is_some() { bytes.len() as u64 } else { 0 };
                self.bytes.fetch_add(size, Ordering::Relaxed);
                tables::search(self.sought, layer, &bytes).map(Searched::Read)
            }
        });
        read.unwrap_or_else(|error| Searched::Failed(reason(&error)))
    }

    /// Reads the attestations of the versions, first of those whose Kitfile has a reference without a digest.
    fn read_links(&self) -> Vec<Linked> {
        let mut order: Vec<_> = self.read.versions.iter().enumerate().collect();
        order.sort_by_key(|(_, version)| !matching::has_unpinned_links(version));
        let Ok(mut read) = workers::run(self.jobs, &order, |(index, version)| {
            let records = self.read_records(version);
            Ok::<_, Infallible>((*index, (links(version, records.as_deref().unwrap_or_default()), records.is_some())))
        });
        read.sort_by_key(|(index, _)| *index);
        read.into_iter().map(|(_, linked)| linked).collect()
    }

    /// Returns the attestations of a version; `None` if the budget is used up.
    fn read_records(&self, version: &Version) -> Option<Vec<Record>> {
        /// The list, the manifest of a referrer, and its document.
        const REQUESTS: u64 = 3;
        let (place, subject) = (self.place(version), &version.inspected.descriptor);
        if place.is_remote && !self.budget.take(REQUESTS) {
            return None;
        }
        let made = AtomicUsize::new(1);
        let may_read = |found: &Descriptor| {
            let needs_more = made.fetch_add(2, Ordering::Relaxed) >= 3;
            self.bytes.fetch_add(found.size, Ordering::Relaxed);
            !(place.is_remote && needs_more) || self.budget.take(2)
        };
        let records = attestations(&*place.source, subject, &may_read, self.session.progress);
        if place.is_remote && made.load(Ordering::Relaxed) == 1 {
            self.budget.put_back(REQUESTS - 1);
        }
        Some(records)
    }

    /// The places of the content in a version.
    fn reasons(&self, version: &Version, tables: &HashMap<Digest, Searched>, links: &[Link]) -> Vec<Reason> {
        let (inspected, mut reasons) = (&version.inspected, Vec::new());
        if self.sought.digests.contains(&inspected.descriptor.digest) {
            let place = version.name(self.place(version));
            reasons.push(Reason { kind: ReasonKind::Same, place, files: 0, bytes: 0 });
        }
        for layer in &inspected.modelkit.layers {
            if let Some(reason) = matching::matching_layer(self.sought, layer) {
                reasons.push(reason);
            } else if let Some(Searched::Read(found)) = tables.get(&layer.descriptor.digest) {
                reasons.extend(found.iter().cloned());
            }
        }
        reasons.extend(matching::matching_links(self.sought, links));
        reasons
    }

    /// Adds the versions that are built from a version that holds the content, and those that are built from these.
    fn add_built(&self, reasons: &mut [Vec<Reason>], linked: &[Linked]) {
        let mut holders = Holders::default();
        let all = || self.read.versions.iter().enumerate();
        for (_, version) in all().filter(|(index, _)| !reasons[*index].is_empty()) {
            holders.add(version, self.place(version));
        }
        loop {
            let mut is_done = true;
            for (index, version) in all() {
                if reasons[index].is_empty()
                    && let Some(reason) = holders.find(&linked[index].0)
                {
                    reasons[index].push(reason);
                    holders.add(version, self.place(version));
                    is_done = false;
                }
            }
            if is_done {
                return;
            }
        }
    }

    /// The reason why the documents do not show that the version lacks the content.
    fn unknown(&self, version: &Version, tables: &HashMap<Digest, Searched>, has_records: bool) -> Option<Unknown> {
        let modelkit = &version.inspected.modelkit;
        let searched =
            || modelkit.layers.iter().filter_map(|layer| tables.get(&layer.descriptor.digest).map(|it| (layer, it)));
        // The digest of the only file in a raw layer is that of the layer.
        let is_unlisted =
            |layer: &Layer| layer.format == Format::Tar || layer.diff_id.is_none() || self.sought.is_tensor();
        let unlisted = searched().filter(|(layer, it)| matches!(it, Searched::NoTable) && is_unlisted(layer)).count();
        let unlisted = unlisted + modelkit.unreadable.len() + modelkit.other_layers().count();
        let failed =
            searched().find_map(|(_, it)| if let Searched::Failed(why) = it { Some(why.clone()) } else { None });
        let is_unread = searched().any(|(_, it)| matches!(it, Searched::NotRead))
            || !has_records && matching::has_unpinned_links(version);
        let reason = match failed {
            Some(reason) => UnknownReason::Unreadable(reason),
            None if is_unread => UnknownReason::NotRead,
            None if unlisted > 0 => UnknownReason::NoTable { layers: unlisted, of: modelkit.manifest.layers.len() },
            None => return None,
        };
        Some(Unknown { name: version.name(self.place(version)), reason })
    }
}
