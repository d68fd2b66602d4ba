//! Copying the referrers of a ModelKit, such as attestations and signatures, and the referrers of these.

use std::collections::HashSet;

use super::copy::{BlobAction, CopyOptions, action};
use crate::digest::Digest;
use crate::oci::{ContentError, Descriptor, Manifest, MediaType, REFERRERS_LIMIT, Referrer, Source, Target};
use crate::ops::error::{Error, reason};
use crate::ops::{disk_space, workers};
use crate::progress::{Event, Progress, Warning, human};

/// The maximum size of a referrer. It is a document about a ModelKit; anything larger is something else that was not
/// requested.
const BYTES_LIMIT: u64 = 256 * 1024 * 1024;

/// Copies the referrers of `root`, which is already at the target, if the target does not have them.
///
/// A failure does not fail the copy, because the artifact is complete; it is reported in a warning.
pub(crate) fn copy_referrers(
    (source, target): (&dyn Source, &dyn Target),
    root: &Descriptor,
    options: &CopyOptions,
    progress: &dyn Progress,
) {
    let following = Following { source, target, options, progress };
    let mut failures = Vec::new();
    if let Err(failure) = following.copy_all(root, &mut failures) {
        failures.push(failure);
    }
    if let Some(first) = failures.first() {
        progress.warn(&Warning::ReferrersNotCopied { failures: failures.len(), reason: reason(first) });
    }
}

/// A referrer of an artifact at the target.
struct Found {
    subject: Digest,
    descriptor: Descriptor,
    /// True if the target has it.
    is_there: bool,
}

struct Following<'a> {
    source: &'a dyn Source,
    target: &'a dyn Target,
    options: &'a CopyOptions,
    progress: &'a dyn Progress,
}

impl Following<'_> {
    /// Copies the referrers level by level, up to a limit, each once.
    fn copy_all(&self, root: &Descriptor, failures: &mut Vec<Error>) -> Result<(), Error> {
        let (mut seen, mut left) = (HashSet::from([root.digest]), REFERRERS_LIMIT);
        let mut level = self.list(root)?;
        loop {
            level.retain(|found| seen.insert(found.descriptor.digest));
            level.truncate(left);
            left -= level.len();
            if level.is_empty() {
                return Ok(());
            }
            // A failure concerns a single referrer, so the others are still copied.
            let brought = workers::run(self.options.jobs, &level, |found| {
                Ok::<_, Error>((self.bring(found), self.list(&found.descriptor)))
            })?;
            level.clear();
            for (manifest, about_it) in brought {
                match manifest.and_then(|manifest| self.publish(manifest)).and(about_it) {
                    Ok(about_it) => level.extend(about_it),
                    Err(failure) => failures.push(failure),
                }
            }
        }
    }

    fn list(&self, subject: &Descriptor) -> Result<Vec<Found>, Error> {
        let listed = self.source.referrers(subject).map_err(|error| Error::reading("its referrers", error))?;
        if listed.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.target.attached(subject).map_err(|error| Error::writing("its referrers", error))?;
        let found = |descriptor: Descriptor| Found {
            subject: subject.digest,
            is_there: there.iter().any(|other| other.digest == descriptor.digest),
            descriptor,
        };
        Ok(listed.into_iter().map(found).collect())
    }

    /// Copies the blobs of a referrer to the target and returns its manifest; `None` if the target has it.
    fn bring(&self, found: &Found) -> Result<Option<(Descriptor, Vec<u8>)>, Error> {
        if found.is_there {
            return Ok(None);
        }
        let failed = |error| unreadable(&found.descriptor, error);
        let Attached { descriptor, manifest, blobs } = read(self.source, &found.subject, &found.descriptor)?;
        if let Some(need) = self.target.need(&blobs).map_err(failed)? {
            disk_space::check(&need.folder, need.bytes)?;
        }
        blobs.iter().try_for_each(|blob| self.bring_blob(blob))?;
        Ok(Some((descriptor, manifest)))
    }

    fn bring_blob(&self, blob: &Descriptor) -> Result<(), Error> {
        let failed = |error| Error::writing(&format!("blob `{}`", blob.digest), error);
        let origin = match action(self.target, blob, self.options).map_err(failed)? {
            BlobAction::Present => return Ok(()),
            BlobAction::Mount(origin) => Some(origin),
            BlobAction::Send => None,
        };
        let brought = self.target.put_from(blob, origin.as_deref(), &*self.source.blob(blob));
        brought.map(drop).map_err(failed)
    }

    /// Publishes one manifest at a time: if the target keeps its referrers in an index, two at the same time would
    /// overwrite each other's entries.
    fn publish(&self, brought: Option<(Descriptor, Vec<u8>)>) -> Result<(), Error> {
        let Some((descriptor, manifest)) = brought else { return Ok(()) };
        let published = self.target.publish(&descriptor, &manifest, None);
        published.map_err(|error| Error::writing(&format!("the referrer `{}`", descriptor.digest), error))?;
        let kind = descriptor.artifact_type.as_ref().unwrap_or(&descriptor.media_type);
        let (artifact_type, digest) = (kind.as_str(), descriptor.digest);
        self.progress.report(&Event::ReferrerCopied { artifact_type, digest });
        Ok(())
    }
}

/// A manifest that refers to another one.
pub(crate) struct Attached {
    /// The descriptor from the list of referrers.
    pub(crate) descriptor: Descriptor,
    pub(super) manifest: Vec<u8>,
    pub(crate) blobs: Vec<Descriptor>,
}

/// Reads a manifest that `source` lists as a referrer of `subject`. Fails if it refers to another subject or is not a
/// valid document.
pub(crate) fn read(source: &dyn Source, subject: &Digest, listed: &Descriptor) -> Result<Attached, Error> {
    let unfit = |reason: String| unreadable(listed, ContentError::Other(reason.into()));
    if listed.media_type != MediaType::IMAGE_MANIFEST {
        return Err(unfit(format!("its media type is `{}`", listed.media_type)));
    }
    let bytes = source.manifest(listed).map_err(|error| unreadable(listed, error))?;
    let referrer = Referrer::read(listed, &bytes).filter(|referrer| referrer.subject == *subject);
    let referrer = referrer.ok_or_else(|| unfit("it refers to another subject".to_owned()))?;
    let manifest = Manifest::parse(&bytes).map_err(|error| unfit(error.to_string()))?;
    let blobs: Vec<_> = manifest.blobs().cloned().collect();
    let size = blobs.iter().fold(0, |sum: u64, blob| sum.saturating_add(blob.size));
    if size > BYTES_LIMIT {
        return Err(unfit(format!("its size is {}, the limit for referrers is {}", human(size), human(BYTES_LIMIT))));
    }
    Ok(Attached { descriptor: referrer.descriptor, manifest: bytes, blobs })
}

fn unreadable(listed: &Descriptor, error: ContentError) -> Error {
    Error::reading(&format!("the referrer `{}`", listed.digest), error)
}
