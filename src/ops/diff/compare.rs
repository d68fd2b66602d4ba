//! Comparing two ModelKits: their documents, and the files in the layers that they do not share.

use super::files::{self, FileDiff};
use super::kitfile::{self, FieldDiff};
use super::listing::{self, Side};
use super::tensors;
use crate::digest::Digest;
use crate::modelkit::Layer;
use crate::ops::{Concern, Error, Found, Inspected, inspect, workers};

/// How to compare.
#[derive(Debug, Clone)]
pub struct DiffOptions {
    /// What is asked about; none for everything.
    pub only: Option<Concern>,
    /// How many layers and files are read at once.
    pub jobs: usize,
    /// Up to how many bytes of one file are read from a registry to compare it. Files that are here are always read.
    pub remote_limit: u64,
}

/// How two ModelKits differ.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The first.
    pub first: Inspected,
    /// The second.
    pub second: Inspected,
    /// Layers of both.
    pub shared: Vec<LayerRow>,
    /// Layers of the first alone.
    pub only_first: Vec<LayerRow>,
    /// Layers of the second alone.
    pub only_second: Vec<LayerRow>,
    /// What differs between the Kitfiles.
    pub fields: Vec<FieldDiff>,
    /// Which files differ.
    pub files: Vec<FileDiff>,
}

/// One layer of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerRow {
    /// The media type.
    pub media_type: String,
    /// Where its files go.
    pub path: String,
    /// The name of the layer.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
}

impl Difference {
    /// Whether both are the same to the last byte of their manifests.
    pub fn is_none(&self) -> bool {
        self.first.descriptor.digest == self.second.descriptor.digest
    }

    /// Whom it concerns.
    pub fn concerns(&self) -> Vec<Concern> {
        let of_fields = self.fields.iter().map(FieldDiff::concern);
        let mut concerns: Vec<_> = of_fields.chain(self.files.iter().map(|file| file.concern)).collect();
        concerns.sort_unstable();
        concerns.dedup();
        concerns
    }
}

/// Compares `first` and `second`. Layers are compared by digest, as sets, and those of both are not opened.
pub fn diff(first: &Found, second: &Found, options: &DiffOptions) -> Result<Difference, Error> {
    let both = workers::run(2, &[first, second], |found| inspect(found))?;
    let [one, other]: [Inspected; 2] = both.try_into().expect("two are asked for, two come");
    let (layers, others) = (&one.modelkit.layers, &other.modelkit.layers);
    let (shared, only_first): (Vec<_>, Vec<_>) = layers.iter().partition(|layer| has(others, layer));
    let only_second: Vec<_> = others.iter().filter(|layer| !has(layers, layer)).collect();
    let is_wanted = |concern| options.only.is_none_or(|only| only == concern);
    let mut fields = kitfile::compare(&one.modelkit.config.kitfile, &other.modelkit.config.kitfile);
    fields.retain(|field| is_wanted(field.concern()));
    let mut files = compare_files((first, &only_first), (second, &only_second), options)?;
    files.retain(|file| is_wanted(file.concern));
    let (shared, only_first, only_second) = (rows(shared), rows(only_first), rows(only_second));
    Ok(Difference { shared, only_first, only_second, fields, files, first: one, second: other })
}

/// Whether one of `layers` holds the same files, however it is compressed.
fn has_content(layers: &[&Layer], layer: &Layer) -> bool {
    layers.iter().any(|other| other.diff_id.is_some() && other.diff_id == layer.diff_id && other.path == layer.path)
}

fn has(layers: &[Layer], layer: &Layer) -> bool {
    layers.iter().any(|other| other.descriptor.digest == layer.descriptor.digest)
}

fn compare_files(
    (first, only_first): (&Found, &[&Layer]),
    (second, only_second): (&Found, &[&Layer]),
    options: &DiffOptions,
) -> Result<Vec<FileDiff>, Error> {
    let one = side_of(first, only_first, only_second, options);
    let other = side_of(second, only_second, only_first, options);
    let mut before = listing::list(&one, options.jobs)?;
    let mut after = listing::list(&other, options.jobs)?;
    let mut found = files::compare(&mut before, &mut after, options.jobs)?;
    let of_weights =
        workers::run(options.jobs, &found, |diff| match (before.get(&diff.path), after.get(&diff.path)) {
            (Some(before), Some(after)) => tensors::compare(diff, before, after),
            _ => Ok(None),
        })?;
    for (diff, tensors) in found.iter_mut().zip(of_weights) {
        diff.tensors = tensors;
    }
    Ok(found)
}

fn side_of<'a>(found: &'a Found, layers: &[&'a Layer], others: &[&Layer], options: &DiffOptions) -> Side<'a> {
    let may_hold = |layer: &Layer| options.only.is_none_or(|only| only.may_be_in(layer.section));
    let layers = layers.iter().filter(|layer| may_hold(layer) && !has_content(others, layer)).copied().collect();
    let read_limit = if found.is_remote { options.remote_limit } else { u64::MAX };
    Side { source: &*found.source, layers, read_limit }
}

fn rows(layers: Vec<&Layer>) -> Vec<LayerRow> {
    let row = |layer: &Layer| LayerRow {
        media_type: layer.descriptor.media_type.to_string(),
        path: layer.path.to_string(),
        digest: layer.descriptor.digest,
        size: layer.descriptor.size,
    };
    let mut rows: Vec<_> = layers.into_iter().map(row).collect();
    rows.sort();
    rows.dedup();
    rows
}
