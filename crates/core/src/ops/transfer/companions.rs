//! Copying the companions of a ModelKit, such as the signatures of cosign, under the same tags.

use std::time::{Duration, Instant};

use super::copy::CopyOptions;
use super::referrers::all;
use crate::limits;
use crate::oci::companion::{Merged, merge};
use crate::oci::{Companion, ContentError, Descriptor, Manifest, Source, Target};
use crate::ops::error::Error;
use crate::ops::session::Located;
use crate::progress::{Event, Progress, human};

/// The number of times that a companion is written because another writer replaced it.
const ATTEMPTS: usize = 10;

/// The longest pause for other writers.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The beginnings of the artifact types of referrers that contain signatures: of cosign, and of notation.
const SIGNATURES: [&str; 3] =
    ["application/vnd.dev.sigstore.bundle", "application/vnd.dev.cosign.artifact.sig", "application/vnd.cncf.notary."];

/// Returns true if a signature or a signed attestation is attached to the ModelKit that was found.
pub fn is_signed(found: &Located) -> Result<bool, Error> {
    let manifest = found.resolve()?;
    for kind in [Companion::Signatures, Companion::Attestations] {
        let companions = found.source.companions(&manifest.digest, kind);
        if !companions.map_err(|error| Error::reading(&kind.tag(&manifest.digest), error))?.is_empty() {
            return Ok(true);
        }
    }
    let referrers = found.source.referrers(&manifest).map_err(|error| Error::reading("its referrers", error))?;
    let kinds = referrers.iter().filter_map(|referrer| referrer.artifact_type.as_ref());
    Ok(kinds.into_iter().any(|kind| SIGNATURES.iter().any(|signature| kind.as_str().starts_with(signature))))
}

/// A companion to copy.
pub(super) struct Carried {
    subject: Descriptor,
    /// True if the target did not have the subject: no other writer adds signatures to it yet.
    is_new: bool,
    kind: Companion,
    descriptor: Descriptor,
    bytes: Vec<u8>,
    manifest: Manifest,
    /// The companion that the target has.
    there: Option<(Descriptor, Vec<u8>)>,
}

/// Reads the companions of `roots` that the target does not have, all at the same time.
pub(super) fn find(
    (source, target): (&dyn Source, &dyn Target),
    roots: &[&Descriptor],
    is_new: bool,
    options: &CopyOptions,
) -> Vec<Result<Carried, Error>> {
    let asked: Vec<_> = roots.iter().flat_map(|root| Companion::ALL.map(|kind| (*root, kind))).collect();
    let found = all(options, &asked, |(subject, kind)| {
        let failed = |error| Error::reading(&format!("`{}`", kind.tag(&subject.digest)), error);
        let found = source.companions(&subject.digest, *kind).map_err(failed)?;
        // Several of one kind are written at the same time, too.
        let is_new = is_new && found.len() == 1;
        let carry = |(descriptor, bytes)| Carried::new(target, (subject, is_new, *kind), descriptor, bytes).transpose();
        Ok(found.into_iter().filter_map(carry).collect::<Vec<_>>())
    });
    let each = found.into_iter().flat_map(|found| found.unwrap_or_else(|error| vec![Err(error)]));
    each.collect()
}

impl Carried {
    /// Returns `None` if the target has all of the companion.
    fn new(
        target: &dyn Target,
        (subject, is_new, kind): (&Descriptor, bool, Companion),
        descriptor: Descriptor,
        bytes: Vec<u8>,
    ) -> Result<Option<Self>, Error> {
        let tag = kind.tag(&subject.digest);
        let unfit = |reason: String| Error::reading(&format!("`{tag}`"), ContentError::Other(reason.into()));
        let there = target.companion(&subject.digest, kind);
        let there = there.map_err(|error| Error::writing(&format!("`{tag}`"), error))?;
        let manifest = Manifest::parse(&bytes).map_err(|error| unfit(error.to_string()))?;
        let has_all =
            |bytes: &[u8]| Manifest::parse(bytes).is_ok_and(|there| merge(&there, &manifest) == Merged::Unchanged);
        if there.as_ref().is_some_and(|(_, bytes)| has_all(bytes)) {
            return Ok(None);
        }
        let size = manifest.blobs().fold(0, |sum: u64, blob| sum.saturating_add(blob.size));
        if size > limits::REFERRER_BYTES {
            let (size, limit) = (human(size), human(limits::REFERRER_BYTES));
            return Err(unfit(format!("its size is {size}, the limit for referrers is {limit}")));
        }
        Ok(Some(Self { subject: subject.clone(), is_new, kind, descriptor, bytes, manifest, there }))
    }

    pub(super) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.manifest.blobs()
    }

    /// Publishes the companion, whose blobs are at the target. The layers that the target has stay.
    ///
    /// A registry cannot compare and replace, so a concurrent writer may drop the layers: the companion is read again,
    /// when a writer that read before this write should be done.
    pub(super) fn publish(&self, target: &dyn Target, progress: &dyn Progress) -> Result<(), Error> {
        let failed = |error| Error::writing(&format!("`{}`", self.kind.tag(&self.subject.digest)), error);
        let (mut there, mut is_written) = (self.there.clone(), false);
        for _ in 0..ATTEMPTS {
            let begun = Instant::now();
            let Some((descriptor, bytes)) = self.to_write(target, there.as_ref()).map_err(failed)? else {
                if is_written {
                    self.report(progress);
                }
                return Ok(());
            };
            let old = there.as_ref().map(|(there, _)| there.digest);
            let place = (&self.subject.digest, self.kind);
            let is_replaced = target.replace_companion((&descriptor, &bytes), place, old).map_err(failed)?;
            is_written |= is_replaced;
            if is_replaced && (!target.is_remote() || self.is_new && old.is_none()) {
                self.report(progress);
                return Ok(());
            }
            if is_replaced {
                std::thread::sleep((begun.elapsed() * 2).min(LONGEST_PAUSE));
            }
            there = target.companion(&self.subject.digest, self.kind).map_err(failed)?;
        }
        Err(failed(ContentError::Other(format!("other writers replaced it {ATTEMPTS} times").into())))
    }

    /// Returns the manifest to write if the companion `there` lacks layers; a new config is at the target then.
    fn to_write(
        &self,
        target: &dyn Target,
        there: Option<&(Descriptor, Vec<u8>)>,
    ) -> Result<Option<(Descriptor, Vec<u8>)>, ContentError> {
        let own = || Some((self.descriptor.clone(), self.bytes.clone()));
        let Some((descriptor, bytes)) = there else { return Ok(own()) };
        let manifest = Manifest::parse(bytes).map_err(|error| ContentError::Other(error.into()))?;
        match merge(&manifest, &self.manifest) {
            Merged::Unchanged => Ok(None),
            Merged::Other => Ok(own()),
            Merged::New { manifest, config } => {
                if let Some((descriptor, config)) = config {
                    target.put_from(&descriptor, None, &config)?;
                }
                Ok(Some((Descriptor::of(descriptor.media_type.clone(), &manifest), manifest)))
            }
        }
    }

    fn report(&self, progress: &dyn Progress) {
        let kind = self.manifest.layers.first().unwrap_or(&self.manifest.config);
        progress.report(&Event::ReferrerCopied {
            artifact_type: kind.media_type.as_str(),
            predicate_type: None,
            digest: self.descriptor.digest,
        });
    }
}
