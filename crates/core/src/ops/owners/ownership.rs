//! The owners of both sides of a comparison.

use crate::kitfile::Kitfile;
use crate::owners::{Owner, Owners, Parts};
use crate::relative_path::RelativePath;

/// The owners of two versions. A change concerns the owners in either: a new owner must learn of it, and one who was
/// removed together with it as well.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    sides: Vec<(Owners, Parts)>,
}

impl Ownership {
    /// Adds the owners of a version with its Kitfile.
    pub(crate) fn add(&mut self, owners: Option<Owners>, kitfile: &Kitfile) {
        self.sides.extend(owners.map(|owners| (owners, Parts::of(kitfile))));
    }

    /// Returns true if neither version has owners.
    pub fn is_empty(&self) -> bool {
        self.sides.is_empty()
    }

    /// The owners of the file at `path`.
    pub fn of_file(&self, path: &RelativePath) -> Vec<&Owner> {
        distinct(self.sides.iter().flat_map(|(owners, parts)| owners.of_file(path, parts)))
    }

    /// The owners of the field `path` of the Kitfile.
    pub fn of_field(&self, path: &str) -> Vec<&Owner> {
        distinct(self.sides.iter().flat_map(|(owners, parts)| owners.of_field(path, parts)))
    }
}

fn distinct<'a>(owners: impl Iterator<Item = &'a Owner>) -> Vec<&'a Owner> {
    let mut distinct: Vec<&Owner> = Vec::new();
    for owner in owners {
        if !distinct.contains(&owner) {
            distinct.push(owner);
        }
    }
    distinct
}
