//! Comparing two ModelKits by their documents, without reading a layer.

use super::{Error, Found, Inspected, inspect, workers};
use crate::digest::Digest;
use crate::modelkit::Layer;

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
}

/// Compares `first` and `second`. Layers are compared by digest, as sets.
pub fn diff(first: &Found, second: &Found) -> Result<Difference, Error> {
    let both = workers::run(2, &[first, second], |found| inspect(found))?;
    let [first, second] = both.try_into().expect("two are asked for, two come");
    let has =
        |layers: &[Layer], layer: &Layer| layers.iter().any(|other| other.descriptor.digest == layer.descriptor.digest);
    let (layers, others) = (&first.modelkit.layers, &second.modelkit.layers);
    let (shared, only_first): (Vec<_>, Vec<_>) = layers.iter().partition(|layer| has(others, layer));
    let only_second = others.iter().filter(|layer| !has(layers, layer)).collect();
    let (shared, only_first, only_second) = (rows(shared), rows(only_first), rows(only_second));
    Ok(Difference { first, second, shared, only_first, only_second })
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
