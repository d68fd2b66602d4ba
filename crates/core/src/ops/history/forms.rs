//! Other forms of a version, which are not versions of their own.

use std::collections::HashSet;

use super::version::Version;
use crate::digest::Digest;
use crate::ops::transfer::FORM_SUFFIXES;

/// Returns `versions` without the other forms of versions: those with layers of another version, and only with tags
/// such as `v1-image` beside a tag `v1`. The one with the digest `wanted` stays.
pub(super) fn without_forms(versions: Vec<Version>, wanted: Option<Digest>) -> Vec<Version> {
    let tags: HashSet<_> = versions.iter().flat_map(|version| version.tags.iter().cloned()).collect();
    let has_form_tags = |version: &Version| {
        let mut stems = version.tags.iter().map(|tag| FORM_SUFFIXES.iter().find_map(|form| tag.strip_suffix(form)));
        !version.tags.is_empty() && stems.all(|stem| stem.is_some_and(|stem| tags.contains(stem)))
    };
    let (forms, mut versions): (Vec<_>, Vec<_>) = versions.into_iter().partition(has_form_tags);
    let of_versions: Vec<HashSet<Digest>> = versions.iter().map(layers).collect();
    let is_form = |form: &Version| of_versions.iter().any(|layers| self::layers(form).is_subset(layers));
    versions.extend(forms.into_iter().filter(|form| wanted == Some(form.descriptor.digest) || !is_form(form)));
    versions
}

fn layers(version: &Version) -> HashSet<Digest> {
    version.contents.iter().map(|(_, digest)| *digest).collect()
}
