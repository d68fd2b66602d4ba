//! The fields that refer to other ModelKits, and writing digests into them without any other change to the text of the
//! Kitfile.

use std::fmt;

use super::document::Kitfile;
use super::parse::{parse, parse_with_places};
use crate::digest::Digest;
use crate::oci::Reference;
use crate::problem::Invalid;
use crate::yaml::without_mark;

/// A field that may refer to another ModelKit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceField {
    /// `model.path`
    Model,
    /// `datasets[…].remotePath`
    Dataset(usize),
}

/// A field that refers to another ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedReference<'a> {
    /// The field.
    pub field: ReferenceField,
    /// The name of the model or dataset; may be empty.
    pub name: &'a str,
    /// The value of the field.
    pub reference: Reference,
}

/// The reason why digests cannot be written into a text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotPin {
    /// The text is not a Kitfile.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A value cannot be changed in the text.
    #[error("the value of {0} contains escapes or is shared with other fields by an alias: change it by hand")]
    NotInPlace(String),
}

impl fmt::Display for ReferenceField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model => f.write_str("model.path"),
            Self::Dataset(index) => write!(f, "datasets[{index}].remotePath"),
        }
    }
}

impl Kitfile {
    /// Every field whose value has the form of a reference to another ModelKit.
    pub fn references(&self) -> Vec<NamedReference<'_>> {
        let model = self.model.iter().filter_map(|model| {
            Some(NamedReference { field: ReferenceField::Model, name: &model.name, reference: model.reference()? })
        });
        let datasets = self.datasets.iter().enumerate().filter_map(|(index, dataset)| {
            let (field, name) = (ReferenceField::Dataset(index), &*dataset.name);
            Some(NamedReference { field, name, reference: dataset.reference()? })
        });
        model.chain(datasets).collect()
    }

    fn value_mut(&mut self, field: ReferenceField) -> Option<&mut String> {
        match field {
            ReferenceField::Model => self.model.as_mut().map(|model| &mut model.path),
            ReferenceField::Dataset(index) => self.datasets.get_mut(index).map(|dataset| &mut dataset.remote_path),
        }
    }
}

/// The Kitfile `text` with these digests added to its references after `@`. Comments, order, quotes and everything else
/// stay unchanged.
///
/// The result is read as the same Kitfile except for the digests; otherwise an error is returned.
pub fn pin(text: &str, digests: &[(ReferenceField, Digest)]) -> Result<String, CannotPin> {
    let (mut kitfile, places) = parse_with_places(text)?;
    let start = text.len() - without_mark(text).len();
    let fields = || digests.iter().map(|(field, _)| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    let refused = || CannotPin::NotInPlace(fields());
    let mut edits = Vec::new();
    for (field, digest) in digests {
        let value = kitfile.value_mut(*field).ok_or_else(refused)?;
        let mark = places.mark(&field.to_string()).ok_or_else(refused)?;
        let written = text.get(start + mark.start..start + mark.end).ok_or_else(refused)?;
        let offset = start + mark.start + written.find(&**value).ok_or_else(refused)?;
        let pinned = format!("{}@{digest}", value.split('@').next().unwrap_or_default());
        edits.push((offset..offset + value.len(), pinned.clone()));
        *value = pinned;
    }
    edits.sort_by_key(|(range, _)| range.start);
    // A shared value has only one place in the text.
    edits.dedup();
    let mut edited = text.to_owned();
    for (range, pinned) in edits.into_iter().rev() {
        edited.replace_range(range, &pinned);
    }
    if parse(&edited).as_ref() == Ok(&kitfile) { Ok(edited) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: ReferenceField = ReferenceField::Model;

    fn old() -> Digest {
        Digest::of(b"old")
    }

    fn new() -> Digest {
        Digest::of(b"new")
    }

    /// OLD and NEW are placeholders for digests.
    fn check(text: &str, fields: &[ReferenceField], expected: Option<&str>) {
        let filled = |text: &str| text.replace("OLD", &old().to_string()).replace("NEW", &new().to_string());
        let digests: Vec<_> = fields.iter().map(|field| (*field, new())).collect();
        let text = format!("manifestVersion: 1.0.0\n{}", filled(text));
        let expected = expected.map(|expected| format!("manifestVersion: 1.0.0\n{}", filled(expected)));
        assert_eq!(pin(&text, &digests).ok(), expected, "{text}");
        assert_eq!(pin(&format!("\u{feff}{text}"), &digests).is_ok(), expected.is_some());
    }

    #[test]
    fn only_the_digest_changes_in_whatever_form_the_value_stands() {
        for (before, after) in [
            (
                "model: # ours\n  path:   r.io/base:v1   # the base\n",
                "model: # ours\n  path:   r.io/base:v1@NEW   # the base\n",
            ),
            ("model:\r\n  path: base:v1@OLD\r\n", "model:\r\n  path: base:v1@NEW\r\n"),
            ("model: {path: 'base:v1@OLD', name: x}\n", "model: {path: 'base:v1@NEW', name: x}\n"),
            ("model: {\"path\":\"base:v1\"}", "model: {\"path\":\"base:v1@NEW\"}"),
            ("model: {path: !!str base:v1}", "model: {path: !!str base:v1@NEW}"),
            ("model:\n  path: &base base:v1\n", "model:\n  path: &base base:v1@NEW\n"),
            ("model:\n  path: |-\n    base:v1\n  name: x\n", "model:\n  path: |-\n    base:v1@NEW\n  name: x\n"),
            ("model:\n  path: >-\n    base@OLD\n", "model:\n  path: >-\n    base@NEW\n"),
        ] {
            check(before, &[MODEL], Some(after));
        }
    }

    #[test]
    fn datasets_are_found_by_their_number() {
        let text = "datasets:\n- ~\n- {path: a, remotePath: base:v1}\n- {path: b, remotePath: base:v1}\n";
        let expected = "datasets:\n- ~\n- {path: a, remotePath: base:v1}\n- {path: b, remotePath: base:v1@NEW}\n";
        check(text, &[ReferenceField::Dataset(1)], Some(expected));
    }

    #[test]
    fn a_shared_value_changes_for_all_its_aliases_or_not_at_all() {
        let text = "model: {path: &base base:v1}\ndatasets: [{path: a, remotePath: *base}]\n";
        let expected = "model: {path: &base base:v1@NEW}\ndatasets: [{path: a, remotePath: *base}]\n";
        check(text, &[MODEL, ReferenceField::Dataset(0)], Some(expected));
        check(text, &[MODEL], None);
    }

    #[test]
    fn values_not_written_in_one_piece_are_left_alone() {
        check("model: {path: \"ba\\x73e:v1\"}\n", &[MODEL], None);
        check("model: {name: x}\n", &[MODEL], None);
        check("code: [{path: .}]\n", &[MODEL, ReferenceField::Dataset(7)], None);
    }

    #[test]
    fn the_fields_are_named() {
        let kitfile = parse(
            "manifestVersion: 1.0.0\nmodel: {name: net, path: r.io/base:v1}\n\
                         datasets:\n- {path: a, remotePath: 's3://b/c', remoteHash: e}\n\
             - {path: b, name: train, remotePath: 'data:v1'}\n",
        )
        .unwrap();
        let shown = |named: &NamedReference<'_>| format!("{} {} {}", named.field, named.name, named.reference);
        let shown: Vec<_> = kitfile.references().iter().map(shown).collect();
        assert_eq!(shown, ["model.path net r.io/base:v1", "datasets[1].remotePath train data:v1"]);
    }
}
