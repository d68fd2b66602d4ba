//! The checks of the files before the first of them is packed.

use super::packer::{MeasuredLayer, Packer};
use crate::archive::{LayerSource, Measured};
use crate::kitfile::Section;
use crate::ops::error::Error;
use crate::ops::guard::{self, Allowed, CheckedLayer};
use crate::progress::{Progress, Warning};
use crate::store::RememberedLayer;

/// Fails if the files must not be packed, unless the options allow it.
pub(super) fn check(packer: &Packer<'_>, layers: &[MeasuredLayer<'_>]) -> Result<(), Error> {
    let Allowed { empty, .. } = packer.options.allowed;
    let refers_to_others = !packer.parents.is_empty() || packer.options.kitfile.remote_datasets().next().is_some();
    if layers.is_empty() && !refers_to_others && !empty {
        return Err(Error::Empty(vec![guard::no_layers()]));
    }
    let checked: Vec<_> = layers.iter().map(|layer| checked_layer(packer, layer)).collect();
    guard::check_folder(&checked, packer.options.allowed, packer.options.jobs)
}

fn checked_layer<'a>(packer: &Packer<'_>, layer: &'a MeasuredLayer<'_>) -> CheckedLayer<'a> {
    let MeasuredLayer { entry, source, measured, remembered, .. } = layer;
    let is_checked = |layer: &RememberedLayer| guard::is_checked(&packer.store, &layer.blob.digest);
    let is_free_of_secrets = remembered.as_ref().is_some_and(is_checked);
    CheckedLayer { section: entry.section, source, measured, is_free_of_secrets }
}

/// Warns of pointers of Git LFS in a layer, unless they are an error. Does not look into layers with many files,
/// which would take as long as packing them.
pub(super) fn warn_of_pointers(
    section: Section,
    (source, measured): (&LayerSource<'_>, &Measured),
    allowed: Allowed,
    progress: &dyn Progress,
) -> Result<(), Error> {
    const MOST_FILES: u64 = 10_000;
    let is_refused = matches!(section, Section::Model | Section::ModelPart) && !allowed.empty;
    if measured.files <= MOST_FILES
        && !is_refused
        && let [first, others @ ..] = &*guard::pointers(source)?
    {
        progress.warn(&Warning::OnlyPointers { path: first.as_str(), more: others.len() });
    }
    Ok(())
}
