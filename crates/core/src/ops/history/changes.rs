//! The changes between versions: the numbers of layers that were added, removed or changed.

use std::collections::{BTreeMap, HashMap};

use super::version::Version;
use crate::digest::Digest;
use crate::kitfile::Section;
use crate::ops::artifact::Inspected;
use crate::ops::evaluation;
use crate::relative_path::RelativePath;

/// The digests of the layers of a version by section and path.
pub(super) type Contents = Vec<((Section, RelativePath), Digest)>;

/// The number of layers of a kind that were added, removed or changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayerCount {
    /// The word for the kind.
    pub kind: &'static str,
    /// The number of paths that had no layer before.
    pub added: usize,
    /// The number of paths that no longer have a layer.
    pub removed: usize,
    /// The number of paths with another layer than before.
    pub changed: usize,
}

/// Compares each version with the one that it replaced, if that is in the list, or else with the next one.
pub(super) fn compare(ordered: &mut [Version]) {
    let positions: HashMap<_, _> =
        ordered.iter().enumerate().map(|(index, version)| (version.descriptor.digest, index)).collect();
    for index in 0..ordered.len() {
        ordered[index].metrics = evaluation::compare(&[], &ordered[index].evaluations);
        let replaced = ordered[index].record.as_ref().and_then(|record| record.previous);
        let replaced = replaced.and_then(|digest| positions.get(&digest).copied()).filter(|other| *other != index);
        let Some(before) = replaced.or(Some(index + 1)).and_then(|before| ordered.get(before)) else { continue };
        let kitfile_changed = before.kitfile != ordered[index].kitfile;
        let (digest, layers) = (before.descriptor.digest, count_layers(&before.contents, &ordered[index].contents));
        let metrics = evaluation::compare(&before.evaluations, &ordered[index].evaluations);
        let version = &mut ordered[index];
        version.metrics = metrics;
        (version.before, version.kitfile_changed, version.layers) = (Some(digest), kitfile_changed, layers);
    }
}

pub(super) fn contents(inspected: &Inspected) -> Contents {
    let layers = inspected.modelkit.layers.iter();
    layers.map(|layer| ((layer.section, layer.path.clone()), layer.descriptor.digest)).collect()
}

/// The paths whose layers differ between two versions.
pub(super) fn changed_paths<'a>(old: &'a Contents, new: &'a Contents) -> Vec<&'a RelativePath> {
    let of = |contents: &'a Contents| contents.iter().map(|(key, digest)| (key, digest)).collect::<BTreeMap<_, _>>();
    let (old, new) = (of(old), of(new));
    let differing = |(key, digest): (&&'a (Section, RelativePath), &&'a Digest), others: &BTreeMap<_, &'a Digest>| {
        (others.get(*key) != Some(digest)).then_some(&key.1)
    };
    let gone = old.iter().filter_map(|one| differing(one, &new));
    let mut paths: Vec<_> = gone.chain(new.iter().filter_map(|one| differing(one, &old))).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn count_layers(
    old: &[((Section, RelativePath), Digest)],
    new: &[((Section, RelativePath), Digest)],
) -> Vec<LayerCount> {
    let old: BTreeMap<_, _> = old.iter().map(|(key, digest)| (key, digest)).collect();
    let new: BTreeMap<_, _> = new.iter().map(|(key, digest)| (key, digest)).collect();
    let mut counts: BTreeMap<_, LayerCount> = BTreeMap::new();
    let mut count = |section: Section, note: fn(&mut LayerCount)| {
        note(counts.entry(section).or_insert(LayerCount { kind: section.key(), ..LayerCount::default() }));
    };
    for (key, digest) in &new {
        match old.get(key) {
            None => count(key.0, |count| count.added += 1),
            Some(before) if before != digest => count(key.0, |count| count.changed += 1),
            Some(_) => {}
        }
    }
    for (section, _) in old.keys().filter(|key| !new.contains_key(*key)) {
        count(*section, |count| count.removed += 1);
    }
    counts.into_values().collect()
}
