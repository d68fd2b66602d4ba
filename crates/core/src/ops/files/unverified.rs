//! Layers that are known only from tables of contents that were not compared with the layers.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// The paths of the layers, collected for a single warning.
#[derive(Debug, Default)]
pub(crate) struct Unverified(Mutex<BTreeSet<RelativePath>>);

impl Unverified {
    /// Adds the layer with this path.
    pub(crate) fn add(&self, layer: &RelativePath) {
        self.0.lock().expect("no worker panics while it adds a path").insert(layer.clone());
    }

    /// Warns, if there are any.
    pub(crate) fn report(self, progress: &dyn Progress) {
        let paths = self.0.into_inner().expect("no worker panics while it adds a path");
        if let Some(first) = paths.first() {
            progress.warn(&Warning::TableNotVerified { path: first.as_str(), more: paths.len() - 1 });
        }
    }
}
