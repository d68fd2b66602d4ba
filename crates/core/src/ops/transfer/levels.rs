//! The referrers of referrers: what a place lists about each, and how much of it is read.
//!
//! A registry may list a thousand referrers of each of a thousand referrers, so only what is read is kept.

use std::collections::HashSet;

use super::referrers::{Attached, Found, read};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Descriptor, Source, Target};
use crate::ops::artifact::superseded;
use crate::ops::error::Error;

/// The lists of referrers that are held at once. One of them may take a megabyte.
pub(super) const LISTS_AT_ONCE: usize = 16;

/// A listed referrer.
pub(super) struct Entry {
    pub(super) subject: Descriptor,
    /// True if the target did not have the subject.
    pub(super) is_new: bool,
    pub(super) descriptor: Descriptor,
    /// True if the target has the referrer.
    pub(super) is_there: bool,
}

/// The places that referrers are copied between.
pub(super) struct Following<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) target: &'a dyn Target,
}

impl Following<'_> {
    pub(super) fn list(&self, subject: &Descriptor, is_new: bool) -> Result<Vec<Entry>, Error> {
        let mut listed = self.source.referrers(subject).map_err(|error| Error::reading("its referrers", error))?;
        // What is already published elsewhere is copied as it is.
        if self.source.is_store() && self.target.is_remote() {
            let superseded = superseded(self.source, subject, &listed);
            listed.retain(|referrer| !superseded.contains(&referrer.digest));
        }
        let there = if listed.is_empty() || is_new {
            Vec::new()
        } else {
            self.target.attached(subject).map_err(|error| Error::writing("its referrers", error))?
        };
        let entry = |descriptor: Descriptor| Entry {
            subject: subject.clone(),
            is_new,
            is_there: there.iter().any(|other| other.digest == descriptor.digest),
            descriptor,
        };
        Ok(listed.into_iter().map(entry).collect())
    }

    /// Reads a referrer; `None` if the target has it.
    pub(super) fn read(&self, entry: &Entry) -> Result<Option<Attached>, Error> {
        if entry.is_there {
            return Ok(None);
        }
        read(self.source, &entry.subject.digest, &entry.descriptor).map(Some)
    }
}

/// The referrers that are read next, each once.
pub(super) struct Next {
    entries: Vec<Entry>,
    seen: HashSet<Digest>,
    /// The referrers that may still be read.
    left: usize,
}

impl Next {
    /// Creates an empty list for the referrers of `roots`.
    pub(super) fn after(roots: &[&Descriptor]) -> Self {
        let seen = roots.iter().map(|root| root.digest).collect();
        Self { entries: Vec::new(), seen, left: limits::REFERRERS }
    }

    /// Returns true if another list changes neither what is read nor what is said about it.
    pub(super) fn is_full(&self, found: &Found) -> bool {
        self.has_enough() || self.left == 0 && found.cut_off.is_some()
    }

    fn has_enough(&self) -> bool {
        self.entries.len() > self.left
    }

    /// Adds what was listed, up to one more than may be read.
    pub(super) fn add(&mut self, listed: Result<Vec<Entry>, Error>, found: &mut Found) {
        let listed = found.take(listed).unwrap_or_default();
        found.note_length(&listed);
        for entry in listed {
            if !self.has_enough() && self.seen.insert(entry.descriptor.digest) {
                self.entries.push(entry);
            }
        }
    }

    /// Returns what is read next, and notes the first referrer that is left out.
    pub(super) fn take(&mut self, found: &mut Found) -> Vec<Entry> {
        let mut level = std::mem::take(&mut self.entries);
        if let Some(first) = level.get(self.left) {
            found.cut_off.get_or_insert(first.subject.digest);
            level.truncate(self.left);
        }
        self.left -= level.len();
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    /// The list of a registry that has as many referrers of `subject` as it may list, all of them its own.
    fn listed(subject: &Descriptor) -> Vec<Entry> {
        let one = |number: usize| Entry {
            subject: subject.clone(),
            is_new: true,
            descriptor: manifest(&format!("{}/{number}", subject.digest)),
            is_there: false,
        };
        (0..=limits::REFERRERS).map(one).collect()
    }

    fn manifest(text: &str) -> Descriptor {
        Descriptor::new(MediaType::IMAGE_MANIFEST, Digest::of(text.as_bytes()), 500)
    }

    #[test]
    fn what_is_not_read_is_not_kept() {
        let root = manifest("root");
        let (mut found, mut next) = (Found::default(), Next::after(&[&root]));
        let mut all = listed(&root);
        all.truncate(limits::REFERRERS - 3);
        next.add(Ok(all), &mut found);
        let level = next.take(&mut found);
        assert_eq!(level.len(), limits::REFERRERS - 3);
        assert_eq!(found.cut_off, None);
        for entry in &level[..8] {
            next.add(Ok(listed(&entry.descriptor)), &mut found);
            assert!(next.is_full(&found));
            assert_eq!(next.entries.len(), 4);
        }
        assert_eq!(next.take(&mut found).len(), 3);
        assert_eq!(found.cut_off, Some(level[0].descriptor.digest));
        assert!(next.is_full(&found), "nothing more can be read");
        assert!(next.take(&mut found).is_empty());
    }

    #[test]
    fn a_referrer_is_read_once() {
        let root = manifest("root");
        let (mut found, mut next) = (Found::default(), Next::after(&[&root]));
        for _ in 0..3 {
            next.add(Ok(listed(&root).into_iter().take(2).collect()), &mut found);
        }
        assert_eq!(next.take(&mut found).len(), 2);
    }
}
