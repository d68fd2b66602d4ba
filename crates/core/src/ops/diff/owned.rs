//! The differences that concern each owner.

use std::collections::BTreeMap;

use super::compare::Difference;
use super::files::{FileChange, FileDiff};
use super::kitfile::FieldDiff;
use crate::owners::Owner;

/// The changes that concern one owner, in the order of the difference.
#[derive(Debug, Clone, Default)]
pub struct OwnedChanges<'a> {
    /// The owner; `None` for changes without an owner.
    pub owner: Option<&'a Owner>,
    /// The fields of the Kitfile.
    pub fields: Vec<&'a FieldDiff>,
    /// The files.
    pub files: Vec<&'a FileDiff>,
}

impl Difference {
    /// The changes by owner, those without an owner last. Empty if neither side has owners.
    pub fn by_owner(&self) -> Vec<OwnedChanges<'_>> {
        if self.ownership.is_empty() {
            return Vec::new();
        }
        let mut changes = BTreeMap::new();
        for field in self.fields.iter().flatten() {
            each(&mut changes, self.ownership.of_field(&field.path), |owned| owned.fields.push(field));
        }
        for file in &self.files {
            each(&mut changes, self.owners_of(file), |owned| owned.files.push(file));
        }
        changes.into_values().collect()
    }

    /// The owners of a file: those of its path, and of the path that it was moved from.
    pub fn owners_of(&self, file: &FileDiff) -> Vec<&Owner> {
        let mut owners = self.ownership.of_file(&file.path);
        if let FileChange::Moved(from) = &file.change {
            owners.extend(self.ownership.of_file(from));
            owners.sort_unstable();
            owners.dedup();
        }
        owners
    }
}

/// The changes by owner. The first part of the key puts those without an owner last.
type ByOwner<'a> = BTreeMap<(bool, Option<&'a Owner>), OwnedChanges<'a>>;

fn each<'a>(changes: &mut ByOwner<'a>, owners: Vec<&'a Owner>, note: impl Fn(&mut OwnedChanges<'a>)) {
    let owners: Vec<_> = owners.into_iter().map(Some).collect();
    let owners = if owners.is_empty() { vec![None] } else { owners };
    for owner in owners {
        note(
            changes
                .entry((owner.is_none(), owner))
                .or_insert_with(|| OwnedChanges { owner, ..OwnedChanges::default() }),
        );
    }
}
