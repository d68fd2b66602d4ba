//! Copying what is attached to a ModelKit: its referrers, such as attestations and signatures, the referrers of these,
//! and its companions.

use std::collections::HashSet;

use super::companions::{self, Carried};
use super::copy::{BlobAction, CopyOptions, cheapest_action};
use super::levels::{Entry, Following, LISTS_AT_ONCE, Next};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{ContentError, Descriptor, Manifest, MediaType, Referrer, Source, Subject, Target};
use crate::ops::artifact::EMPTY;
use crate::ops::error::{Error, reason};
use crate::ops::{disk_space, workers};
use crate::progress::{Event, Progress, Warning, human};
use crate::provenance::PREDICATE_ANNOTATION;

/// Copies the referrers and companions of `root`, if the target does not have them, and treats failures as `attached`
/// says.
pub(crate) fn copy_attached(
    (source, target): (&dyn Source, &dyn Target),
    root: &Descriptor,
    (options, attached): (&CopyOptions, Carry),
    progress: &dyn Progress,
) -> Result<(), Error> {
    attached.judge(bring((source, target), root, options).publish(target, options, progress), progress)
}

/// The treatment of referrers and companions that cannot be copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Carry {
    /// They are left out with a warning, because the artifact is complete without them.
    #[default]
    IfPossible,
    /// They are an error, because a policy requires signatures or attestations at the target.
    Everything,
}

impl Carry {
    /// Everything, if it is required.
    pub fn required_if(is_required: bool) -> Self {
        if is_required { Self::Everything } else { Self::IfPossible }
    }

    /// Publishes an artifact, and copies what is attached to it: before it, if the artifact must not appear without
    /// that.
    pub(crate) fn in_order(
        self,
        artifact: impl FnOnce() -> Result<(), Error>,
        attached: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::IfPossible => artifact().and_then(|()| attached()),
            Self::Everything => attached().and_then(|()| artifact()),
        }
    }

    /// Returns the first of the failures if they are an error, and warns of them otherwise.
    pub(super) fn judge(self, failures: Vec<Error>, progress: &dyn Progress) -> Result<(), Error> {
        match self {
            Self::IfPossible => warn(&failures, progress),
            Self::Everything => {
                if let Some(first) = failures.into_iter().next() {
                    return Err(Error::NotCarried(Box::new(first)));
                }
            }
        }
        Ok(())
    }
}

fn warn(failures: &[Error], progress: &dyn Progress) {
    if let Some(first) = failures.first() {
        progress.warn(&Warning::ReferrersNotCopied { failures: failures.len(), reason: reason(first) });
    }
}

/// Copies the blobs of the referrers and companions of `root`.
fn bring((source, target): (&dyn Source, &dyn Target), root: &Descriptor, options: &CopyOptions) -> Found {
    let found = find((source, target), std::iter::once(root), false, options);
    let blobs: Vec<_> = found.blobs().collect();
    let copied = workers::run(options.jobs, &blobs, |blob| {
        let copied = copy_document((source, target), blob, options);
        Ok::<_, std::convert::Infallible>(copied.map_err(|error| (blob.digest, error)).err())
    });
    let Ok(lost) = copied;
    found.without(lost.into_iter().flatten().collect())
}

/// The referrers of an artifact that the target does not have, those of the referrers, and the companions of the
/// artifact.
#[derive(Default)]
pub(super) struct Found {
    groups: Vec<Group>,
    companions: Vec<Carried>,
    failures: Vec<Error>,
    /// The subject of the first referrer that was left out because there are too many.
    pub(super) cut_off: Option<Digest>,
}

/// The referrers of one manifest.
struct Group {
    subject: Descriptor,
    is_new: bool,
    attached: Vec<Attached>,
}

/// Reads the referrers and the companions of `roots` that the target does not have. `is_new` means that the target does
/// not have the roots, and therefore no referrers of them.
pub(super) fn find<'a>(
    places: (&dyn Source, &dyn Target),
    roots: impl Iterator<Item = &'a Descriptor>,
    is_new: bool,
    options: &CopyOptions,
) -> Found {
    let roots: Vec<_> = roots.collect();
    let referrers = || find_referrers(places, &roots, is_new, options);
    let companions = || companions::find(places, &roots, is_new, options);
    let (mut found, companions) =
        if options.jobs > 1 { workers::both(referrers, companions) } else { (referrers(), companions()) };
    for companion in companions {
        let companion = found.take(companion);
        found.companions.extend(companion);
    }
    found
}

/// Reads the referrers of `roots` level by level, up to a limit, each once.
fn find_referrers(
    (source, target): (&dyn Source, &dyn Target),
    roots: &[&Descriptor],
    is_new: bool,
    options: &CopyOptions,
) -> Found {
    let following = Following { source, target };
    let (mut found, mut next) = (Found::default(), Next::after(roots));
    for batch in roots.chunks(LISTS_AT_ONCE) {
        let is_full = next.is_full(&found);
        let list = |root: &&Descriptor| if is_full { Ok(Vec::new()) } else { following.list(root, is_new) };
        for listed in all(options, batch, list) {
            next.add(listed, &mut found);
        }
    }
    loop {
        let level = next.take(&mut found);
        if level.is_empty() {
            return found;
        }
        for batch in level.chunks(LISTS_AT_ONCE) {
            let is_full = next.is_full(&found);
            let read = all(options, batch, |entry| {
                let is_new = target.is_remote() && !entry.is_there;
                let read = || following.read(entry);
                let list = || if is_full { Ok(Vec::new()) } else { following.list(&entry.descriptor, is_new) };
                // A registry takes a round trip for each.
                if options.jobs > 1 { workers::both(read, list) } else { (read(), list()) }
            });
            for (entry, (attached, about_it)) in batch.iter().zip(read) {
                // A failure concerns a single referrer, so the others are still copied.
                let Some(attached) = found.take(attached) else { continue };
                if let Some(attached) = attached {
                    found.add(entry, attached);
                }
                next.add(about_it, &mut found);
            }
        }
    }
}

pub(super) fn all<'i, I: Sync, T: Send>(
    options: &CopyOptions,
    items: &'i [I],
    work: impl Fn(&'i I) -> T + Sync,
) -> Vec<T> {
    let Ok(done) = workers::run(options.jobs, items, |item| Ok::<_, std::convert::Infallible>(work(item)));
    done
}

impl Found {
    /// Returns a result, or notes its failure.
    pub(super) fn take<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|failure| self.failures.push(failure)).ok()
    }

    /// Notes that the place has more referrers of one manifest than it lists.
    pub(super) fn note_length(&mut self, listed: &[Entry]) {
        if let Some(one) = listed.get(limits::REFERRERS) {
            self.cut_off.get_or_insert(one.subject.digest);
        }
    }

    fn add(&mut self, entry: &Entry, attached: Attached) {
        match self.groups.iter_mut().find(|group| group.subject.digest == entry.subject.digest) {
            Some(group) => group.attached.push(attached),
            None => self.groups.push(Group {
                subject: entry.subject.clone(),
                is_new: entry.is_new,
                attached: vec![attached],
            }),
        }
    }

    /// The blobs of all referrers and companions, without duplicates.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let mut seen = HashSet::new();
        let attached = self.groups.iter().flat_map(|group| &group.attached);
        let blobs = attached.flat_map(|attached| &attached.blobs);
        blobs.chain(self.companions.iter().flat_map(Carried::blobs)).filter(move |blob| seen.insert(blob.digest))
    }

    /// Leaves out the referrers and companions of which a blob was not copied.
    pub(super) fn without(mut self, lost: Vec<(Digest, Error)>) -> Self {
        let is_lost = |blob: &Descriptor| lost.iter().any(|(digest, _)| *digest == blob.digest);
        self.companions.retain(|companion| !companion.blobs().any(is_lost));
        for group in &mut self.groups {
            group.attached.retain(|attached| !attached.blobs.iter().any(is_lost));
        }
        self.failures.extend(lost.into_iter().map(|(_, failure)| failure));
        self
    }

    /// Fails if something was not copied although a policy requires it.
    pub(super) fn refuse_losses(&mut self, carry: Carry) -> Result<(), Error> {
        if carry == Carry::IfPossible || self.failures.is_empty() {
            return Ok(());
        }
        Err(Error::NotCarried(Box::new(self.failures.swap_remove(0))))
    }

    /// Publishes the referrers and companions, whose blobs are at the target: the referrers of one manifest at once.
    /// Returns all failures so far.
    pub(super) fn publish(self, target: &dyn Target, options: &CopyOptions, progress: &dyn Progress) -> Vec<Error> {
        let Self { groups, companions, mut failures, cut_off } = self;
        if let Some(subject) = cut_off {
            progress.warn(&Warning::ReferrersCutOff { subject, limit: limits::REFERRERS });
        }
        let jobs = if target.is_remote() { options.jobs } else { 1 };
        let options = CopyOptions { jobs, ..options.clone() };
        let referrers = || all(&options, &groups, |group| group.publish(target, progress));
        let companions = || all(&options, &companions, |companion| companion.publish(target, progress));
        let (referrers, companions) =
            if options.jobs > 1 { workers::both(referrers, companions) } else { (referrers(), companions()) };
        failures.extend(referrers.into_iter().flatten());
        failures.extend(companions.into_iter().filter_map(Result::err));
        failures
    }
}

impl Group {
    fn publish(&self, target: &dyn Target, progress: &dyn Progress) -> Vec<Error> {
        let Self { subject, is_new, attached } = self;
        let failed =
            |descriptor: &Descriptor, error| Error::writing(&format!("the referrer `{}`", descriptor.digest), error);
        let Some(first) = attached.first() else { return Vec::new() };
        let subject = Subject { descriptor: subject, is_new: *is_new };
        let referrers: Vec<_> = attached.iter().map(|it| (it.descriptor.clone(), it.manifest.clone())).collect();
        let published = match target.publish_referrers(&subject, &referrers) {
            Ok(published) => published,
            Err(error) => return vec![failed(&first.descriptor, error)],
        };
        let mut failures = Vec::new();
        for (Attached { descriptor, .. }, published) in attached.iter().zip(published) {
            if let Err(error) = published {
                failures.push(failed(descriptor, error));
                continue;
            }
            let kind = descriptor.artifact_type.as_ref().unwrap_or(&descriptor.media_type);
            progress.report(&Event::ReferrerCopied {
                artifact_type: kind.as_str(),
                predicate_type: descriptor.annotations.get(PREDICATE_ANNOTATION).map(String::as_str),
                digest: descriptor.digest,
            });
        }
        failures
    }
}

/// Copies a blob of a referrer. The empty config is known without being read.
pub(super) fn copy_document(
    (source, target): (&dyn Source, &dyn Target),
    blob: &Descriptor,
    options: &CopyOptions,
) -> Result<(), Error> {
    let failed = |error| Error::writing(&format!("blob `{}`", blob.digest), error);
    let origin = match cheapest_action(target, blob, options).map_err(failed)? {
        BlobAction::Present => return Ok(()),
        BlobAction::Mount(from) => Some(from),
        BlobAction::Send => None,
    };
    if let Some(need) = target.need(std::slice::from_ref(blob)).map_err(failed)? {
        disk_space::check(&need.folder, need.bytes)?;
    }
    let content = if blob.digest == Digest::of(EMPTY) { Box::new(EMPTY) } else { source.blob(blob) };
    target.put_from(blob, origin.as_deref(), &*content).map(drop).map_err(failed)
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
    if size > limits::REFERRER_BYTES {
        return Err(unfit(format!(
            "its size is {}, the limit for referrers is {}",
            human(size),
            human(limits::REFERRER_BYTES)
        )));
    }
    Ok(Attached { descriptor: referrer.descriptor, manifest: bytes, blobs })
}

fn unreadable(listed: &Descriptor, error: ContentError) -> Error {
    Error::reading(&format!("the referrer `{}`", listed.digest), error)
}
