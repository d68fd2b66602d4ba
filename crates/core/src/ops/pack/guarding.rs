//! The checks of the files before the first of them is packed.

use super::ignore_file::warn_of_unmatched;
use super::packer::{LayerSink, MeasuredLayer, Packer};
use super::uncovered::{uncovered, warn_of_uncovered};
use crate::archive::{LayerSource, LeftOut, Measured, StrippedNotebooks};
use crate::kitfile::Section;
use crate::oci::Descriptor;
use crate::ops::error::Error;
use crate::ops::guard::{self, Allowed, CheckedLayer, Suspects};
use crate::progress::{Event, Paths, Progress, Warning};
use crate::relative_path::RelativePath;
use crate::store::RememberedLayer;

/// The number of paths in a warning.
const NAMED: usize = 5;

/// Fails if the files must not be packed, unless the options allow it. Reports the files that are left out.
pub(super) fn check(packer: &Packer<'_>, layers: &mut [MeasuredLayer<'_>]) -> Result<(), Error> {
    let context = &packer.options.context;
    warn_of_uncovered(&uncovered(context, &packer.paths, &packer.ignore)?, packer.progress);
    warn_of_unmatched(context, packer.progress)?;
    report_left_out(layers.iter().map(|layer| &layer.measured), packer.progress);
    report_notebooks(layers.iter().map(|layer| &layer.measured.notebooks), packer.progress);
    for MeasuredLayer { entry, source, suspects, .. } in layers.iter() {
        guard::warn_of_misplaced(entry.section, &source.path, suspects, packer.progress);
    }
    let checked: Vec<_> = layers.iter().map(|layer| checked_layer(packer, layer)).collect();
    let has_doubts = guard::check_folder(&checked, packer.options.allowed, packer.options.jobs, packer.progress)?;
    layers.iter_mut().zip(has_doubts).for_each(|(layer, has_doubts)| layer.suspects.has_doubts = has_doubts);
    Ok(())
}

fn checked_layer<'a>(packer: &Packer<'_>, layer: &'a MeasuredLayer<'_>) -> CheckedLayer<'a> {
    let MeasuredLayer { entry, source, measured, suspects, remembered, .. } = layer;
    let is_checked = |layer: &RememberedLayer| guard::is_checked(&packer.store, &layer.blob.digest);
    let is_free_of_secrets = remembered.as_ref().is_some_and(is_checked);
    CheckedLayer { section: entry.section, source, measured, suspects, is_free_of_secrets }
}

/// Records that nothing was found in the files of a layer, so that pushing it does not read them again.
pub(super) fn note_checked(packer: &Packer<'_>, sink: &dyn LayerSink, suspects: &Suspects, blob: &Descriptor) {
    let is_kept_locally = sink.folder().is_some();
    if is_kept_locally && !packer.options.allowed.secrets && !suspects.has_doubts {
        guard::note_checked(&packer.store, &blob.digest);
    }
}

/// Reports the files and folders of tools that no layer has.
fn report_left_out<'m>(layers: impl Iterator<Item = &'m Measured>, progress: &dyn Progress) {
    let mut left_out = LeftOut::default();
    layers.for_each(|measured| left_out.extend(&measured.left_out));
    if !left_out.paths.is_empty() {
        let paths = left_out.paths.iter().map(RelativePath::as_str).collect();
        progress.report(&Event::FilesLeftOut { paths, more: left_out.more });
    }
}

/// Reports the notebooks that are packed without outputs, and warns of those that cannot be read.
fn report_notebooks<'m>(layers: impl Iterator<Item = &'m StrippedNotebooks>, progress: &dyn Progress) {
    let (mut notebooks, mut removed_bytes, mut unreadable) = (0, 0, Vec::new());
    for layer in layers {
        notebooks += layer.count;
        removed_bytes += layer.removed_bytes;
        unreadable.extend(layer.unreadable.iter().map(RelativePath::as_str));
    }
    if notebooks > 0 {
        progress.report(&Event::NotebooksStripped { notebooks, removed_bytes });
    }
    if !unreadable.is_empty() {
        let named = unreadable.len().min(NAMED);
        let (paths, more) = (unreadable[..named].to_vec(), unreadable.len() - named);
        progress.warn(&Warning::NotebooksUnreadable(Paths { paths, more }));
    }
}

/// Warns of pointers of Git LFS in a layer, unless they are an error.
pub(super) fn warn_of_pointers(
    section: Section,
    (source, suspects): (&LayerSource<'_>, &Suspects),
    allowed: Allowed,
    progress: &dyn Progress,
) {
    let is_refused = guard::has_no_pointers(section) && !allowed.empty;
    if !is_refused && let [first, others @ ..] = &*guard::pointers(source, suspects) {
        progress.warn(&Warning::OnlyPointers { path: first.as_str(), more: others.len() });
    }
}
