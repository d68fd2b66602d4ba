//! Checks that the filters of a selection match entries of a ModelKit or a lock.

use super::parents::{Parent, model_reference};
use crate::archive::PathPatterns;
use crate::kitfile::Section;
use crate::modelkit::{Lock, ModelKit, NamedEntry, Selection};
use crate::ops::error::Error;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// Fails if `selection` matches nothing, or if a name in it matches no entry: a mistyped name must not leave a server
/// without a file. Warns of types without entries if other filters match.
pub(crate) fn check_filters(
    selection: &Selection,
    name: &str,
    entries: &[NamedEntry<'_>],
    progress: &dyn Progress,
) -> Result<(), Error> {
    let unmatched = selection.unmatched(entries);
    let takes_any = entries.iter().any(|(section, names, path)| selection.takes_entry(*section, *names, path));
    let matches_nothing = !takes_any && !selection.takes_kitfile() && !selection.is_everything();
    let refused: Vec<_> = unmatched.iter().filter(|filter| matches_nothing || filter.has_names()).collect();
    if refused.is_empty() {
        for filter in unmatched {
            progress.warn(&Warning::FilterMatchesNothing { filter: &filter.to_string() });
        }
        return Ok(());
    }
    let filters = refused.iter().map(ToString::to_string).collect();
    Err(Error::NothingMatches { name: name.to_owned(), filters, parts: entries.iter().map(title).collect() })
}

/// Fails if a pattern has not matched any file in the selected parts of the ModelKit or lock `name`.
pub(crate) fn check_paths(paths: &PathPatterns, selection: &Selection, name: &str) -> Result<(), Error> {
    let patterns = paths.unmatched();
    if patterns.is_empty() {
        return Ok(());
    }
    let filters = selection.filters().iter().map(ToString::to_string).collect();
    Err(Error::NoPathMatches { name: name.to_owned(), patterns, filters, elsewhere: paths.elsewhere() })
}

/// Returns the entries of `modelkit`, including remote datasets and a model that refers to another ModelKit.
pub(crate) fn entries(modelkit: &ModelKit) -> Vec<NamedEntry<'_>> {
    let kitfile = &modelkit.config.kitfile;
    let layers = modelkit.layers.iter();
    let readable = layers.map(|it| (it.section, [it.name.as_str(), &it.path_as_written], it.path.clone()));
    let unreadable = modelkit.unreadable.iter();
    let unreadable = unreadable.map(|it| (it.section, [it.name.as_str(), &it.path_as_written], it.path.clone()));
    let reference = kitfile.model.as_ref().filter(|_| model_reference(modelkit).is_some());
    let reference = reference.map(|model| (Section::Model, [model.name.as_str(), &model.path], RelativePath::root()));
    let remote = kitfile.remote_datasets().filter_map(|dataset| {
        Some((Section::Dataset, [dataset.name.as_str(), &dataset.path], dataset.path.parse().ok()?))
    });
    readable.chain(unreadable).chain(reference).chain(remote).collect()
}

/// Returns the entries of the models of `parents`, which are selected like the parts of the model itself.
pub(crate) fn entries_of_parents(parents: &[Parent]) -> impl Iterator<Item = NamedEntry<'_>> {
    let entries = parents.iter().flat_map(|parent| entries(&parent.inspected.modelkit));
    entries.filter(|(section, ..)| matches!(section, Section::Model | Section::ModelPart))
}

/// Returns the entries of `lock`. It does not contain the names of remote datasets and of the parts of parents.
pub(crate) fn locked_entries(lock: &Lock) -> Vec<NamedEntry<'_>> {
    let layers = lock.layers.iter().map(|it| (it.section, [it.name.as_str(), it.path.as_str()], it.path.clone()));
    let of_parents = lock.parents.iter().flat_map(|parent| &parent.paths).map(|path| (Section::Model, path));
    let remote = lock.remotes.iter().map(|remote| (Section::Dataset, &remote.path));
    let by_path = of_parents.chain(remote).map(|(section, path)| (section, [path.as_str(); 2], path.clone()));
    layers.chain(by_path).collect()
}

/// The section, the path and the name of an entry, if it has one of its own.
fn title((section, [name, as_written], path): &NamedEntry<'_>) -> String {
    let path = if path.is_root() { *as_written } else { path.as_str() };
    let is_named = !name.is_empty() && *name != path;
    let named = if is_named { format!(" ({name})") } else { String::new() };
    format!("{} {path}{named}", section.key())
}
