//! The manifests of a repository with all their tags. One that cannot be read does not hide the others.

use crate::oci::{Descriptor, Source};
use crate::ops::error::{Error, reason};
use crate::ops::workers;
use crate::progress::{Progress, Warning};

/// A manifest and its tags.
pub(crate) type Tagged = (Descriptor, Vec<String>);

/// Adds a manifest with a tag to `tagged`.
pub(crate) fn enter(tagged: &mut Vec<Tagged>, descriptor: Descriptor, tag: Option<String>) {
    match tagged.iter_mut().find(|(known, _)| known.digest == descriptor.digest) {
        Some((_, tags)) => tags.extend(tag),
        None => tagged.push((descriptor, tag.into_iter().collect())),
    }
}

/// Returns the manifests that `tags` refer to.
pub(crate) fn resolve_tags(
    source: &dyn Source,
    tags: Vec<String>,
    jobs: usize,
    failures: &mut Failures,
) -> Result<Vec<Tagged>, Error> {
    let found = workers::run(jobs, &tags, |tag| {
        let found = source.resolve(tag);
        Ok::<_, Error>(found.map_err(|error| Error::reading(&format!("the tag `{tag}`"), error)))
    })?;
    let mut tagged = Vec::new();
    for (found, tag) in found.into_iter().zip(tags) {
        if let Some(descriptor) = failures.take(&tag, found) {
            enter(&mut tagged, descriptor, Some(tag));
        }
    }
    Ok(tagged)
}

/// The artifacts of a repository that could not be read, each with its name.
#[derive(Default)]
pub(crate) struct Failures(Vec<(String, Error)>);

impl Failures {
    /// Returns a result, or notes its failure.
    pub(crate) fn take<T>(&mut self, name: &str, result: Result<T, Error>) -> Option<T> {
        result.map_err(|failure| self.0.push((name.to_owned(), failure))).ok()
    }

    /// Warns of the failures. Returns the first one instead if nothing else could be read.
    pub(crate) fn finish(mut self, is_anything_read: bool, progress: &dyn Progress) -> Result<(), Error> {
        if !is_anything_read && !self.0.is_empty() {
            return Err(self.0.swap_remove(0).1);
        }
        for (name, failure) in &self.0 {
            progress.warn(&Warning::Unreadable { name, reason: reason(failure) });
        }
        Ok(())
    }
}
