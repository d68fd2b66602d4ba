//! A review of the document against a project: lines that match nothing, and parts without an owner.

use std::collections::BTreeMap;

use super::document::{Owners, Rule};
use super::parts::{Field, Parts};
use super::pattern::Pattern;
use crate::relative_path::RelativePath;

/// A review in progress: every file is added once.
#[derive(Debug)]
pub struct Review<'a> {
    owners: &'a Owners,
    parts: &'a Parts,
    /// For each line, whether it matched anything yet.
    is_matched: Vec<bool>,
    unowned: BTreeMap<&'a str, Unowned>,
}

/// A part of the project whose files do not all have an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unowned {
    /// Its place in the Kitfile, as in `datasets[1]`.
    pub place: String,
    /// The number of files without an owner.
    pub files: usize,
    /// The first of them.
    pub first: RelativePath,
}

impl<'a> Review<'a> {
    /// Begins a review with the fields of the Kitfile, as for [`Owners::of_field`].
    pub fn new(owners: &'a Owners, parts: &'a Parts, fields: &[&str]) -> Self {
        let mut is_matched: Vec<bool> = owners.rules().iter().map(|rule| names_a_part(rule, parts)).collect();
        for field in fields {
            let field = Field::new(field, parts);
            for (rule, is_matched) in owners.rules().iter().zip(&mut is_matched) {
                *is_matched |= rule.pattern.matches_field(&field);
            }
        }
        Self { owners, parts, is_matched, unowned: BTreeMap::new() }
    }

    /// Adds a file of a layer.
    pub fn add(&mut self, path: &RelativePath) {
        let part = self.parts.of_file(path);
        let mut is_owned = false;
        for (rule, is_matched) in self.owners.rules().iter().zip(&mut self.is_matched) {
            if rule.pattern.matches_file(path, part) {
                (*is_matched, is_owned) = (true, !rule.owners.is_empty());
            }
        }
        if let Some(part) = part.filter(|_| !is_owned) {
            let new = || Unowned { place: part.place.clone(), files: 0, first: path.clone() };
            self.unowned.entry(&part.place).or_insert_with(new).files += 1;
        }
    }

    /// Returns the lines that match nothing, and the parts with files that have no owner.
    pub fn finish(self) -> (Vec<&'a Rule>, Vec<Unowned>) {
        let rules = self.owners.rules().iter().zip(self.is_matched);
        let unmatched = rules.filter(|(_, is_matched)| !is_matched).map(|(rule, _)| rule).collect();
        (unmatched, self.unowned.into_values().collect())
    }
}

/// Returns true if the pattern names an entry, which may have no files.
fn names_a_part(rule: &Rule, parts: &Parts) -> bool {
    let is_section = matches!(rule.pattern, Pattern::Section(..));
    is_section && parts.iter().any(|part| rule.pattern.matches_file(&part.path, Some(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_a_match_and_parts_without_an_owner_are_found() {
        let kitfile = "manifestVersion: 1.0.0\ncode: [{path: src}, {path: lib}]\ndatasets: [{name: a, path: empty}]\n";
        let kitfile = crate::kitfile::parse(kitfile).unwrap();
        let parts = Parts::of(&kitfile);
        let owners = Owners::parse(
            "src @a\n*.rs @b\ndatasets:a @c\ndatasets:b @d\npackage.name @e\npackage.license @f\nsrc/x.py\n",
        );
        let owners = owners.unwrap();
        let mut review = Review::new(&owners, &parts, &["package.name", "code[src].path"]);
        for path in ["src/a.py", "src/x.py", "lib/x.py", "lib/y.py"] {
            review.add(&path.parse().unwrap());
        }
        let (unmatched, unowned) = review.finish();
        assert_eq!(
            unmatched.iter().map(|rule| &*rule.text).collect::<Vec<_>>(),
            ["*.rs", "datasets:b", "package.license"]
        );
        let unowned: Vec<_> = unowned.iter().map(|it| format!("{} {} {}", it.place, it.files, it.first)).collect();
        assert_eq!(unowned, ["code[0] 1 src/x.py", "code[1] 2 lib/x.py"]);
    }
}
