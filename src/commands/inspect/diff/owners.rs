//! The owners of changes in words.

use crate::output::one_line;
use kit_core::ops::{Difference, OwnedChanges};

/// The number of changes that are listed for an owner; the JSON output has all of them.
const CHANGES: usize = 5;

/// Each owner with the fields and files that concern it; the changes without an owner come last.
pub(super) fn rows(difference: &Difference) -> Vec<(String, String)> {
    let row = |owned: &OwnedChanges<'_>| {
        let owner = owned.owner.map_or_else(|| "(no owner)".to_owned(), ToString::to_string);
        let fields = owned.fields.iter().map(|field| field.path.as_str());
        let all: Vec<_> = fields.chain(owned.files.iter().map(|file| file.path.as_str())).collect();
        let more = all.len().saturating_sub(CHANGES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let listed: Vec<_> = all.into_iter().take(CHANGES).map(one_line).collect();
        (owner, format!("{}{more}", listed.join(", ")))
    };
    difference.by_owner().iter().map(row).collect()
}
