//! Compares the imports of pickles that are not known to be harmless.

use super::fact::{Fact, Level};
use super::profile::Profile;
use super::reason::Reason;
use super::words::listed;

pub(super) fn compare((before, after): (&Profile, &Profile)) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (path, imports) in &after.pickles {
        let known = before.pickles.get(path);
        let new: Vec<_> = imports.iter().filter(|import| !known.is_some_and(|known| known.contains(*import))).collect();
        if !new.is_empty() {
            let text = listed(&new.into_iter().cloned().collect::<Vec<_>>());
            reasons.push(Reason::of_file(Fact::PickleImports, Level::Breaking, path.as_str(), text));
        }
    }
    reasons
}
