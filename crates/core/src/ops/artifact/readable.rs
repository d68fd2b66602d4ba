//! Entries of a Kitfile whose layers cannot be read.

use crate::modelkit::{EntryProblem, LayerType, ModelKit, Selection, UnreadableEntry};
use crate::ops::error::Error;

/// Fails if an entry in `selection` has no layer that can be read.
///
/// In a ModelKit without digests, the missing layer may be one of an unknown type, which is only skipped.
pub(crate) fn refuse_unreadable(modelkit: &ModelKit, selection: &Selection) -> Result<(), Error> {
    let has_unknown = || modelkit.other_layers().any(|layer| LayerType::of(layer).is_none());
    let is_skipped = |entry: &UnreadableEntry| entry.problem == EntryProblem::NoLayer && has_unknown();
    let mut wanted = modelkit.unreadable.iter().filter(|entry| selection.takes_unreadable(entry));
    match wanted.find(|entry| !is_skipped(entry)) {
        Some(UnreadableEntry { place, problem, .. }) => {
            Err(Error::Plan { place: place.clone(), source: problem.clone() })
        }
        None => Ok(()),
    }
}
