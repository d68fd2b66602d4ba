//! Compares two ModelKits: their documents, and the files in the layers that they do not share.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::concern::Concern;
use super::files::{self, FileDiff};
use super::kitfile::{self, FieldDiff};
use super::listing::File;
use super::side::{self, Comparable, Compared, Side, SideLayer};
use super::{content, listing, pairing};
use crate::archive::PathPatterns;
use crate::digest::Digest;
use crate::limits;
use crate::ops::error::Error;
use crate::ops::evaluation::{self, MetricsDiff};
use crate::ops::files::{Held, Unverified};
use crate::ops::owners::Ownership;
use crate::ops::session::Session;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// Settings of a comparison.
#[derive(Debug, Clone)]
pub struct DiffOptions {
    /// The only concern to compare; `None` for all.
    pub only: Option<Concern>,
    /// The files and folders to compare; if there are patterns, fields of the Kitfile and parents are not compared.
    pub paths: Arc<PathPatterns>,
    /// The number of layers and files that are read at once.
    pub jobs: usize,
    /// The largest number of bytes of a file that are read from a registry to compare it. Local files are always read.
    pub remote_limit: u64,
    /// True if the changed lines of texts are requested, not only their number.
    pub with_patches: bool,
    /// True if the numbers of tensors are compared, not only their bytes.
    pub with_statistics: bool,
    /// True if the contents of files that differ are compared, each in the way that its kind allows.
    pub with_contents: bool,
}

impl DiffOptions {
    fn is_wanted(&self, concern: Concern) -> bool {
        self.only.is_none_or(|only| only == concern)
    }
}

/// The differences between two ModelKits.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The first side.
    pub first: Compared,
    /// The second side.
    pub second: Compared,
    /// The layers that both have.
    pub shared: Vec<LayerRow>,
    /// The layers that only the first has.
    pub only_first: Vec<LayerRow>,
    /// The layers that only the second has.
    pub only_second: Vec<LayerRow>,
    /// The fields of the Kitfiles that differ; `None` if a side is a lock and the Kitfiles differ, because a lock
    /// records only a digest.
    pub fields: Option<Vec<FieldDiff>>,
    /// The ModelKits that the models refer to and that differ; compared only if a side is a lock.
    pub parents: Vec<ParentDiff>,
    /// The files that differ.
    pub files: Vec<FileDiff>,
    /// The owners of both sides.
    pub ownership: Ownership,
    /// The metrics in evaluations of both sides, unless only a part is compared.
    pub metrics: MetricsDiff,
}

/// One layer of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerRow {
    /// The media type.
    pub media_type: String,
    /// The path of its files; empty if it belongs to no entry of the Kitfile and names no path.
    pub path: String,
    /// The digest of the layer.
    pub digest: Digest,
    /// Its size; unknown if only a lock has it.
    pub size: Option<u64>,
}

/// A ModelKit that a model refers to and that differs between the sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentDiff {
    /// The reference in the Kitfile.
    pub reference: String,
    /// The manifest in the first; `None` if the first does not refer to it.
    pub before: Option<Digest>,
    /// The manifest in the second; `None` if the second does not refer to it.
    pub after: Option<Digest>,
}

impl Difference {
    /// Returns true if both have the same manifest, byte for byte, and the same parents, whose digests a manifest does
    /// not contain.
    pub fn is_none(&self) -> bool {
        self.first.manifest == self.second.manifest && self.parents.is_empty()
    }

    /// Returns true if no differences were found.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.parents.is_empty() && self.fields.as_ref().is_some_and(Vec::is_empty)
    }

    /// The concerns of all differences, without duplicates.
    pub fn concerns(&self) -> Vec<Concern> {
        let of_fields = self.fields.iter().flatten().map(FieldDiff::concern);
        let of_unknown_fields = self.fields.is_none().then_some(Concern::Configuration);
        let of_parents = self.parents.iter().map(|_| Concern::Model);
        let of_files = self.files.iter().map(|file| file.concern);
        let mut concerns: Vec<_> = of_fields.chain(of_unknown_fields).chain(of_parents).chain(of_files).collect();
        concerns.sort_unstable();
        concerns.dedup();
        concerns
    }
}

/// Compares `first` and `second`. Layers are compared by digest, as sets; layers that both have are not opened.
pub fn diff(
    session: &Session<'_>,
    sides: (Comparable, Comparable),
    options: &DiffOptions,
) -> Result<Difference, Error> {
    let unverified = Unverified::default();
    let (one, other) = side::open(session, sides.0, sides.1)?;
    let mut difference = compare_sides(session, (&one, &other), options, &unverified)?;
    if options.paths.is_empty() && options.is_wanted(Concern::Model) {
        let metrics = [&one, &other].map(|side| side.evaluations(session.progress));
        difference.metrics = evaluation::compare(&metrics[0], &metrics[1]);
    }
    unverified.report(session.progress);
    Ok(difference)
}

/// Like [`diff`], but adds layers whose tables of contents were not verified to `unverified`, without a warning.
pub(crate) fn compare(
    session: &Session<'_>,
    (first, second): (Comparable, Comparable),
    options: &DiffOptions,
    unverified: &Unverified,
) -> Result<Difference, Error> {
    let (one, other) = side::open(session, first, second)?;
    compare_sides(session, (&one, &other), options, unverified)
}

/// Compares two sides that are open, like [`compare`].
pub(crate) fn compare_sides(
    session: &Session<'_>,
    (one, other): (&Side, &Side),
    options: &DiffOptions,
    unverified: &Unverified,
) -> Result<Difference, Error> {
    let fields = match compare_kitfiles(one, other) {
        _ if !options.paths.is_empty() => Some(Vec::new()),
        Some(fields) => Some(fields.into_iter().filter(|field| options.is_wanted(field.concern())).collect()),
        None => options.only.is_some_and(|only| !only.has_fields()).then(Vec::new),
    };
    let has_parents = options.is_wanted(Concern::Model) && options.paths.is_empty();
    let parents = if has_parents { compare_parents(session, one, other)? } else { Vec::new() };
    let (layers, others) = (one.layers(options), other.layers(options));
    let files = compare_files((&layers, &others), options, unverified, session.progress)?;
    check_patterns(&layers, &options.paths)?;
    let (rows, other_rows) = (one.rows(), other.rows());
    let (sizes, other_sizes) = (sizes(&rows), sizes(&other_rows));
    let shared = sorted(rows.iter().filter_map(|row| in_both(row, &other_sizes)));
    let only_first = sorted(rows.iter().filter(|row| !other_sizes.contains_key(&row.digest)).cloned());
    let only_second = sorted(other_rows.iter().filter(|row| !sizes.contains_key(&row.digest)).cloned());
    let mut ownership = Ownership::default();
    if one.manifest() != other.manifest() {
        one.add_owners(&mut ownership, session.progress);
        other.add_owners(&mut ownership, session.progress);
    }
    let (first, second) = (one.to_compared(), other.to_compared());
    let metrics = MetricsDiff::default();
    Ok(Difference { first, second, shared, only_first, only_second, fields, parents, files, ownership, metrics })
}

/// Returns the fields that differ; `None` if some do but a side is a lock, which does not contain fields.
fn compare_kitfiles(one: &Side, other: &Side) -> Option<Vec<FieldDiff>> {
    match (one, other) {
        (Side::ModelKit { inspected: one, .. }, Side::ModelKit { inspected: other, .. }) => {
            Some(kitfile::compare(&one.modelkit.config.kitfile, &other.modelkit.config.kitfile))
        }
        _ => (one.kitfile() == other.kitfile()).then(Vec::new),
    }
}

/// Returns the parents that differ. If neither side is a lock, the field in the Kitfile is all that is known of a
/// parent, and nothing more is compared.
fn compare_parents(session: &Session<'_>, one: &Side, other: &Side) -> Result<Vec<ParentDiff>, Error> {
    if let (Side::ModelKit { .. }, Side::ModelKit { .. }) = (one, other) {
        return Ok(Vec::new());
    }
    let (one, other) = (one.parents(session)?, other.parents(session)?);
    let references: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let pairs = references.into_iter().map(|reference| (reference, one.get(reference), other.get(reference)));
    let differing = pairs.filter(|(_, before, after)| before != after);
    let diff = |(reference, before, after): (&String, Option<&Digest>, Option<&Digest>)| ParentDiff {
        reference: reference.clone(),
        before: before.copied(),
        after: after.copied(),
    };
    Ok(differing.map(diff).collect())
}

fn compare_files(
    (layers, others): (&[SideLayer], &[SideLayer]),
    options: &DiffOptions,
    unverified: &Unverified,
    progress: &dyn Progress,
) -> Result<Vec<FileDiff>, Error> {
    let (ours, theirs) = (to_look_into(layers, others, options), to_look_into(others, layers, options));
    let (mut before, mut after) = pairing::list_both((&ours, &theirs), &options.paths, options.jobs, unverified)?;
    let mut found = files::compare(&mut before, &mut after, options.jobs)?;
    found.retain(|file| options.is_wanted(file.concern));
    if found.len() > limits::DIFFERENT_FILES {
        progress.warn(&Warning::DifferencesCutOff { total: found.len(), limit: limits::DIFFERENT_FILES });
        found.truncate(limits::DIFFERENT_FILES);
    }
    if options.with_contents {
        content::compare(&mut found, (&before, &after), options)?;
    }
    Ok(found)
}

/// Fails if a pattern matches no file of either side. Files in layers that both sides have were not listed before.
fn check_patterns(layers: &[SideLayer], paths: &PathPatterns) -> Result<(), Error> {
    let held = Held::new(limits::COMPARED_FILES);
    for layer in layers.iter().filter(|layer| paths.may_match_at_or_below(layer.path)) {
        if paths.unmatched().is_empty() {
            break;
        }
        let mut match_only = |path: &RelativePath, _: &File| {
            paths.take(path);
            false
        };
        listing::list(layer, &mut match_only, &held, &Unverified::default())?;
    }
    match paths.unmatched() {
        unmatched if unmatched.is_empty() => Ok(()),
        patterns => Err(Error::NoPathMatchesEither { patterns, elsewhere: paths.elsewhere() }),
    }
}

/// Returns the layers that may contain a requested file that the other side does not have.
fn to_look_into<'a>(layers: &[SideLayer<'a>], others: &[SideLayer], options: &DiffOptions) -> Vec<SideLayer<'a>> {
    let may_hold = |layer: &SideLayer| {
        options.only.is_none_or(|only| only.may_be_in(layer.section)) && options.paths.may_match_at_or_below(layer.path)
    };
    let there: HashSet<_> = others.iter().map(SideLayer::key).collect();
    layers.iter().filter(|layer| may_hold(layer) && !there.contains(&layer.key())).copied().collect()
}

/// The sizes of the layers in `rows`, as far as they are known, by digest.
fn sizes(rows: &[LayerRow]) -> HashMap<Digest, Option<u64>> {
    rows.iter().map(|row| (row.digest, row.size)).collect()
}

/// Returns the layer with the data from both sides, if both have it.
fn in_both(row: &LayerRow, other_sizes: &HashMap<Digest, Option<u64>>) -> Option<LayerRow> {
    let size = other_sizes.get(&row.digest)?;
    Some(LayerRow { size: row.size.or(*size), ..row.clone() })
}

fn sorted(rows: impl Iterator<Item = LayerRow>) -> Vec<LayerRow> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows.dedup();
    rows
}
