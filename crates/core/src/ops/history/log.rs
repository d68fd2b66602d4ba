//! The versions of a repository, and the changes in each.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::changes::{compare, contents};
use super::forms::without_forms;
use super::order::newest_first;
use super::owned::{self, OwnedVersion};
use super::packings::{combined, without_returns};
use super::version::Version;
use crate::digest::Digest;
use crate::limits;
use crate::modelkit::kitfile_digest;
use crate::oci::{ContentError, Descriptor, Reference, Source};
use crate::ops::artifact::{Failures, History, Inspected, Promotions, Tagged, enter, history, read, resolve_tags};
use crate::ops::diff::{self, Comparable, DiffOptions, FileDiff};
use crate::ops::error::Error;
use crate::ops::evaluation::{MetricsDiff, evaluations};
use crate::ops::files::Unverified;
use crate::ops::index_error::IndexError;
use crate::ops::read_once::ReadOnce;
use crate::ops::session::{Located, Location, Lookup, Session, find_here, not_here};
use crate::ops::workers;
use crate::progress::{Event, Warning};
use crate::provenance::Promotion;
use crate::store::{Entry, Names};
use crate::verdict::declared_metrics;

/// Settings of a log.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// The place to look in.
    pub place: Lookup,
    /// Settings for comparing the files of each version with the previous ones; without them, files are not compared.
    pub files: Option<DiffOptions>,
    /// The number of versions that are read at once.
    pub jobs: usize,
}

/// Returns the versions of the repository of `location`, newest first. If `location` names a version, newer ones are
/// left out.
///
/// Reads manifests, configs and attestations. A version that lost its tag is found in the local store, and in
/// a registry if the attestation of a later version names it.
pub fn log(session: &Session<'_>, location: &Location, options: &LogOptions) -> Result<Vec<Version>, Error> {
    let options = &LogOptions { place: place(session, location, options.place)?, ..options.clone() };
    let walk = Walk { session, location, options, layers: AtomicUsize::new(0), kitfile_bytes: AtomicU64::new(0) };
    let mut failures = Failures::default();
    let (source, tagged) = walk.tagged(&mut failures)?;
    let mut versions = walk.read(&*source, &tagged, &mut failures)?;
    walk.add_replaced(&*source, &mut versions, &mut failures)?;
    failures.finish(!versions.is_empty(), session.progress)?;
    let first = walk.first(&*source)?.map(|first| first.digest);
    let versions = without_forms(versions, first);
    let versions = without_returns(versions);
    let moments: Vec<_> = versions.iter().map(Version::moment).collect();
    let mut slots: Vec<_> = versions.into_iter().map(Some).collect();
    let mut ordered: Vec<Version> =
        newest_first(&moments).into_iter().filter_map(|index| slots[index].take()).collect();
    compare(&mut ordered);
    if let Some(first) = first {
        let position = ordered.iter().position(|version| version.descriptor.digest == first);
        ordered.drain(..position.unwrap_or_default());
    }
    if let Some(how) = &options.files {
        let unverified = Unverified::default();
        for version in &mut ordered {
            version.files = walk.files(version, how, &unverified)?;
        }
        unverified.report(session.progress);
    }
    owned::name(&mut ordered);
    Ok(ordered)
}

/// Decides between the local store and the registry: the place that has the version of `location`, or any version if it
/// names none.
fn place(session: &Session<'_>, location: &Location, place: Lookup) -> Result<Lookup, Error> {
    let reference = match location {
        Location::Artifact(reference) if place == Lookup::Anywhere => reference,
        _ => return Ok(place),
    };
    let is_here = if let Some(name) = reference.selector() {
        session.store.find(&Names::Of(reference.clone()), &name)?.is_some()
    } else {
        let repository = reference.full_repository();
        let index = session.store.index()?;
        let mut found = index.entries().iter().filter_map(Entry::reference);
        found.any(|found| found.full_repository() == repository)
    };
    if is_here && !reference.is_local() && reference.digest.is_none() {
        session.progress.report(&Event::FromLocalStore { name: &reference.to_string() });
    }
    Ok(if is_here || reference.is_local() { Lookup::Local } else { Lookup::Remote })
}

struct Walk<'a> {
    session: &'a Session<'a>,
    location: &'a Location,
    options: &'a LogOptions,
    /// The number of layers of all versions.
    layers: AtomicUsize,
    /// The size of the Kitfiles that are kept.
    kitfile_bytes: AtomicU64,
}

impl Walk<'_> {
    fn tagged(&self, failures: &mut Failures) -> Result<(Box<dyn Source>, Vec<Tagged>), Error> {
        match self.location {
            Location::Layout { path, .. } => {
                let layout = self.session.store.open_layout(path)?;
                layout.expect_layout()?;
                let mut entries = layout.entries()?;
                entries.retain(|entry| entry.companion().is_none());
                let mut tagged = group(&entries, |entry| entry.name().map(str::to_owned));
                self.cut_off(&mut tagged);
                Ok((Box::new(layout.reader(Names::Tags)?), tagged))
            }
            Location::Artifact(reference) if self.options.place == Lookup::Remote => {
                self.tagged_remotely(reference, failures)
            }
            Location::Artifact(reference) => self.tagged_here(reference),
        }
    }

    fn tagged_here(&self, reference: &Reference) -> Result<(Box<dyn Source>, Vec<Tagged>), Error> {
        let repository = reference.full_repository();
        let mut entries = self.session.store.entries()?;
        entries.retain(|entry| entry.reference().is_some_and(|found| found.full_repository() == repository));
        let mut tagged =
            group(&entries, |entry| entry.reference().and_then(|found| Some(found.tag.as_ref()?.to_string())));
        if tagged.is_empty() {
            return Err(not_here(&self.session.store, reference));
        }
        self.cut_off(&mut tagged);
        Ok((Box::new(self.session.store.reader(Names::Of(reference.clone()))?), tagged))
    }

    fn tagged_remotely(
        &self,
        reference: &Reference,
        failures: &mut Failures,
    ) -> Result<(Box<dyn Source>, Vec<Tagged>), Error> {
        if reference.is_local() {
            return Err(Error::NoRegistry(reference.clone()));
        }
        let repository = self.session.client.repository(reference);
        let mut tags = repository.tags()?;
        tags.sort();
        if tags.len() > limits::LOG_VERSIONS {
            tags.truncate(limits::LOG_VERSIONS);
            self.warn_of_more(reference);
        }
        let source = ReadOnce::new(repository).with(self.session.store.fetched_documents());
        let tagged = resolve_tags(&source, tags, self.options.jobs, failures)?;
        Ok((Box::new(source), tagged))
    }

    /// Leaves out the versions that entered the index first, if there are too many.
    fn cut_off(&self, tagged: &mut Vec<Tagged>) {
        if tagged.len() > limits::LOG_VERSIONS {
            tagged.drain(..tagged.len() - limits::LOG_VERSIONS);
            self.warn_of_more(&self.location);
        }
    }

    /// Returns the version that the log begins with, if the location names one.
    fn first(&self, source: &dyn Source) -> Result<Option<Descriptor>, Error> {
        let name = match self.location {
            Location::Artifact(reference) => reference.selector(),
            Location::Layout { selector, .. } => selector.clone(),
        };
        let is_here = self.options.place != Lookup::Remote;
        let find = |name: String| match (source.resolve(&name), self.location) {
            (Err(ContentError::NotFound(_)), Location::Artifact(reference)) if is_here => {
                Err(find_here(&self.session.store, reference)
                    .err()
                    .unwrap_or_else(|| not_here(&self.session.store, reference)))
            }
            (found, _) => found.map_err(|error| Error::reading(&format!("`{name}`"), error)),
        };
        name.map(find).transpose()
    }

    /// Reads versions. Leaves out artifacts that are not ModelKits.
    fn read(&self, source: &dyn Source, tagged: &[Tagged], failures: &mut Failures) -> Result<Vec<Version>, Error> {
        let versions = workers::run(self.options.jobs, tagged, |(descriptor, tags)| {
            Ok::<_, Error>(match read(source, descriptor.clone(), &descriptor.digest.to_string()) {
                // The documents are not needed any more.
                Ok(inspected) if self.may_hold(&inspected) => Ok(Some(self.version(source, &inspected, tags))),
                Ok(_)
                | Err(
                    Error::NotAModelKit { .. }
                    | Error::Index(IndexError::IsIndex { .. })
                    | Error::NotAManifest(_)
                    | Error::InvalidModelKit(_),
                ) => Ok(None),
                Err(error) => Err(error),
            })
        })?;
        let named = versions.into_iter().zip(tagged);
        let read = named.filter_map(|(version, (descriptor, tags))| {
            let name = if tags.is_empty() { descriptor.digest.to_string() } else { tags.join(", ") };
            failures.take(&name, version)
        });
        Ok(read.flatten().collect())
    }

    /// Counts the layers of a version. Returns false, after a warning, if there are too many together.
    fn may_hold(&self, inspected: &Inspected) -> bool {
        let count = inspected.modelkit.layers.len();
        let before = self.layers.fetch_add(count, Ordering::Relaxed);
        let limit = limits::LOG_LAYERS;
        if before <= limit && before + count > limit {
            let name = &self.location.to_string();
            self.session.progress.warn(&Warning::VersionsCutOff { name, what: "layers in all versions", limit });
        }
        before + count <= limit
    }

    fn version(&self, source: &dyn Source, inspected: &Inspected, tags: &[String]) -> Version {
        let History { records, promotions, notices, listed } =
            history(source, &inspected.descriptor, self.session.progress);
        let Promotions { arrivals: mut promotions, departures } = promotions;
        let owned = OwnedVersion::read(source, inspected, &listed, &self.kitfile_bytes, self.session.progress);
        let evaluations = evaluations(source, &inspected.descriptor, &listed, self.session.progress);
        promotions.reverse();
        let departures = departures.iter().filter(|promotion| self.is_about(promotion));
        let replaced_by = departures.map(|promotion| promotion.subject).collect();
        let (record, is_late) = combined(records).unzip();
        let mut tags = tags.to_vec();
        tags.sort();
        let (before, kitfile_changed, layers, files) = (None, false, Vec::new(), Vec::new());
        let (descriptor, kitfile) = (inspected.descriptor.clone(), &inspected.modelkit.config.kitfile);
        let author = kitfile.package.authors.first().cloned();
        let declared = declared_metrics(kitfile.model.as_ref().and_then(|model| model.parameters.as_ref()));
        let declared_metrics = declared.into_iter().take(limits::LOG_METRICS).collect();
        let size = inspected.modelkit.manifest.layers.iter().map(|layer| layer.size).fold(0, u64::saturating_add);
        let (kitfile, contents) = (kitfile_digest(kitfile), contents(inspected));
        Version {
            descriptor,
            size,
            declared_metrics,
            author,
            tags,
            record,
            is_late: is_late.unwrap_or_default(),
            promotions,
            notices,
            before,
            kitfile_changed,
            layers,
            files,
            evaluations,
            metrics: MetricsDiff::default(),
            owners: None,
            owned,
            replaced_by,
            kitfile,
            contents,
        }
    }

    fn warn_of_more(&self, name: &dyn std::fmt::Display) {
        let name = &name.to_string();
        self.session.progress.warn(&Warning::VersionsCutOff { name, what: "versions", limit: limits::LOG_VERSIONS });
    }

    /// The versions before and after `version`, by its attestation and by the promotions in this repository.
    fn neighbours(&self, version: &Version) -> Vec<Digest> {
        let recorded = version.record.as_ref().and_then(|record| record.previous);
        let promotions = version.promotions.iter().filter(|promotion| self.is_about(promotion));
        let replaced = promotions.filter_map(|promotion| promotion.previous);
        recorded.into_iter().chain(replaced).chain(version.replaced_by.iter().copied()).collect()
    }

    /// Returns true if a promotion moved a tag of this repository. Records travel with the ModelKit to others.
    fn is_about(&self, promotion: &Promotion) -> bool {
        let Location::Artifact(reference) = self.location else { return true };
        let target = promotion.target.parse::<Reference>();
        target.is_ok_and(|target| target.full_repository() == reference.full_repository())
    }

    /// Adds versions that no longer have a tag but are named in attestations or promotions, if they still exist.
    fn add_replaced(
        &self,
        source: &dyn Source,
        versions: &mut Vec<Version>,
        failures: &mut Failures,
    ) -> Result<(), Error> {
        let mut asked = HashSet::new();
        loop {
            asked.extend(versions.iter().map(|version| version.descriptor.digest));
            let previous = versions.iter().flat_map(|version| self.neighbours(version));
            let mut missing: Vec<_> = previous.filter(|digest| asked.insert(*digest)).collect();
            let left = limits::LOG_VERSIONS.saturating_sub(versions.len());
            if missing.len() > left {
                missing.truncate(left);
                self.warn_of_more(&self.location);
            }
            let found =
                workers::run(self.options.jobs, &missing, |digest| match source.resolve(&digest.to_string()) {
                    Ok(descriptor) => Ok::<_, Error>(Ok(Some((descriptor, Vec::new())))),
                    Err(ContentError::NotFound(_)) => Ok(Ok(None)),
                    Err(error) => Ok(Err(Error::reading(&format!("`{digest}`"), error))),
                })?;
            let found = found.into_iter().zip(&missing);
            let found: Vec<_> =
                found.filter_map(|(found, digest)| failures.take(&digest.to_string(), found)?).collect();
            let more = self.read(source, &found, failures)?;
            if more.is_empty() {
                return Ok(());
            }
            versions.extend(more);
        }
    }

    fn files(&self, version: &Version, how: &DiffOptions, unverified: &Unverified) -> Result<Vec<FileDiff>, Error> {
        let Some(before) = version.before else { return Ok(Vec::new()) };
        let (before, after) = (self.open(&before)?, self.open(&version.descriptor.digest)?);
        let both = (Comparable::ModelKit(before), Comparable::ModelKit(after));
        Ok(diff::compare(self.session, both, how, unverified)?.files)
    }

    fn open(&self, digest: &Digest) -> Result<Located, Error> {
        let location = match self.location {
            Location::Artifact(reference) => {
                Location::Artifact(Reference { digest: Some(*digest), ..reference.without_selector() })
            }
            Location::Layout { path, .. } => {
                Location::Layout { path: path.clone(), selector: Some(digest.to_string()) }
            }
        };
        self.session.find(&location, self.options.place)
    }
}

fn group(entries: &[Entry], name: impl Fn(&Entry) -> Option<String>) -> Vec<Tagged> {
    let mut tagged = Vec::new();
    for entry in entries.iter().filter(|entry| entry.subject().is_none()) {
        enter(&mut tagged, entry.descriptor.clone(), name(entry));
    }
    tagged
}
