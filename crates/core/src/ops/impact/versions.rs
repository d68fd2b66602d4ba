//! The versions that are searched: their manifests and configs.

use std::collections::HashSet;
use std::convert::Infallible;

use super::found::{Unknown, UnknownReason};
use super::search::ImpactOptions;
use crate::digest::Digest;
use crate::limits;
use crate::modelkit::{ModelKitIndex, Variant};
use crate::oci::{Descriptor, Reference, Referrer, Source};
use crate::ops::artifact::{Artifact, Inspected, Tagged, enter};
use crate::ops::error::{Error, reason};
use crate::ops::read_once::ReadOnce;
use crate::ops::session::{Location, Session, not_here};
use crate::ops::workers;
use crate::progress::Warning;
use crate::store::{Entry, Names};

/// A repository or an image layout that is searched.
pub(super) struct Place {
    pub(super) name: String,
    /// The repository; an image layout has none.
    pub(super) repository: Option<Reference>,
    pub(super) source: Box<dyn Source>,
    pub(super) is_remote: bool,
}

/// A ModelKit in a place.
pub(super) struct Version {
    /// The index of its place.
    pub(super) place: usize,
    pub(super) tags: Vec<String>,
    pub(super) inspected: Box<Inspected>,
}

/// The places and their versions.
#[derive(Default)]
pub(super) struct Candidates {
    pub(super) places: Vec<Place>,
    pub(super) versions: Vec<Version>,
    pub(super) unreadable: Vec<Unknown>,
    /// The number of requests for lists of tags.
    pub(super) list_requests: u64,
}

impl Version {
    /// The name of the version in `place`.
    pub(super) fn name(&self, place: &Place) -> String {
        full_name(place, &self.tags, &self.inspected.descriptor)
    }
}

fn full_name(place: &Place, tags: &[String], descriptor: &Descriptor) -> String {
    match tags.first() {
        Some(tag) => format!("{}:{tag}", place.name),
        None => format!("{}@{}", place.name, descriptor.digest),
    }
}

impl Candidates {
    /// Reads the versions of `locations`; without any, those of the whole local store.
    pub(super) fn read(session: &Session<'_>, locations: &[Location], options: &ImpactOptions) -> Result<Self, Error> {
        let mut read = Self::default();
        if locations.is_empty() {
            read.add_store(session, None, options)?;
        }
        for location in locations {
            match location {
                Location::Layout { path, selector } => {
                    let layout = session.store.open_layout(path)?;
                    layout.expect_layout()?;
                    let mut tagged = Vec::new();
                    for entry in layout.entries()?.iter().filter(|entry| is_wanted(entry, selector.as_deref())) {
                        enter(&mut tagged, entry.descriptor.clone(), entry.name().map(str::to_owned));
                    }
                    let (name, source) = (format!("oci:{}", path.display()), Box::new(layout.reader(Names::Tags)?));
                    read.add(Place { name, repository: None, source, is_remote: false }, tagged, options);
                }
                Location::Artifact(reference) if reference.is_local() || options.is_local => {
                    read.add_store(session, Some(reference), options)?;
                }
                Location::Artifact(reference) => read.add_repository(session, reference, options)?,
            }
        }
        Ok(read)
    }

    /// Adds the versions of the local store: all of them, or those that match `wanted`.
    fn add_store(
        &mut self,
        session: &Session<'_>,
        wanted: Option<&Reference>,
        options: &ImpactOptions,
    ) -> Result<(), Error> {
        let mut places: Vec<(Reference, Vec<Tagged>)> = Vec::new();
        for entry in session.store.entries()?.iter().filter(|entry| entry.subject().is_none()) {
            let Some(reference) = entry.reference().filter(|found| wanted.is_none_or(|it| is_meant(it, found, entry)))
            else {
                continue;
            };
            let repository = reference.full_repository();
            let known = places.iter().position(|(place, _)| place.full_repository() == repository);
            let index = known.unwrap_or(places.len());
            if known.is_none() {
                places.push((reference.without_selector(), Vec::new()));
            }
            let tag = reference.tag.as_ref().map(ToString::to_string);
            enter(&mut places[index].1, entry.descriptor.clone(), tag);
        }
        if let (Some(wanted), true) = (wanted, places.is_empty()) {
            return Err(not_here(&session.store, wanted));
        }
        for (reference, tagged) in places {
            let source = Box::new(session.store.reader(Names::Of(reference.clone()))?);
            let name = reference.to_string();
            let place = Place { name, repository: Some(reference), source, is_remote: false };
            self.add(place, tagged, options);
        }
        Ok(())
    }

    fn add_repository(
        &mut self,
        session: &Session<'_>,
        reference: &Reference,
        options: &ImpactOptions,
    ) -> Result<(), Error> {
        let repository = session.client.repository(reference);
        let before = session.client.requests();
        let mut tags = match reference.selector() {
            Some(name) => vec![name],
            None => repository.tags()?,
        };
        self.list_requests += session.client.requests() - before;
        // They list referrers, and are not versions.
        tags.retain(|tag| !Referrer::is_tag(tag));
        tags.sort();
        if tags.len() > limits::LOG_VERSIONS {
            tags.truncate(limits::LOG_VERSIONS);
            let name = &reference.to_string();
            session.progress.warn(&Warning::VersionsCutOff { name, what: "versions", limit: limits::LOG_VERSIONS });
        }
        let source = ReadOnce::new(repository).with(session.store.fetched_documents());
        let place = Place {
            name: reference.without_selector().to_string(),
            repository: Some(reference.without_selector()),
            source: Box::new(source),
            is_remote: true,
        };
        let Ok(found) = workers::run(options.jobs, &tags, |tag| Ok::<_, Infallible>(place.source.resolve(tag)));
        let mut tagged = Vec::new();
        for (found, tag) in found.into_iter().zip(tags) {
            match found {
                Ok(descriptor) => enter(&mut tagged, descriptor, Some(tag).filter(|_| reference.digest.is_none())),
                Err(error) if reference.selector().is_some() => return Err(Error::reading("the manifest", error)),
                Err(error) => self.fail(format!("{}:{tag}", place.name), &Error::reading(&tag, error)),
            }
        }
        self.add(place, tagged, options);
        Ok(())
    }

    /// Adds the ModelKits of `place` and those in its indexes.
    fn add(&mut self, place: Place, mut tagged: Vec<Tagged>, options: &ImpactOptions) {
        let index = self.places.len();
        let mut seen: HashSet<_> = tagged.iter().map(|(descriptor, _)| descriptor.digest).collect();
        while !tagged.is_empty() {
            let Ok(read) = workers::run(options.jobs, &tagged, |(descriptor, _)| {
                let name = descriptor.digest.to_string();
                Ok::<_, Infallible>(Artifact::read(&*place.source, descriptor.clone(), &name))
            });
            let mut members = Vec::new();
            for (read, (descriptor, mut tags)) in read.into_iter().zip(tagged) {
                tags.sort();
                match read {
                    Ok(Artifact::ModelKit(inspected)) => self.versions.push(Version { place: index, tags, inspected }),
                    Ok(Artifact::Index(found)) => members.extend(members_of(&found.index, &mut seen)),
                    Err(Error::NotAModelKit { .. } | Error::NotAManifest(_) | Error::InvalidModelKit(_)) => {}
                    Err(error) => self.fail(full_name(&place, &tags, &descriptor), &error),
                }
            }
            tagged = members;
        }
        self.places.push(place);
    }

    fn fail(&mut self, name: String, error: &Error) {
        self.unreadable.push(Unknown { name, reason: UnknownReason::Unreadable(reason(error)) });
    }
}

/// The ModelKits of an index that were not `seen` before.
fn members_of(index: &ModelKitIndex, seen: &mut HashSet<Digest>) -> Vec<Tagged> {
    let members = index.variants().iter().map(Variant::descriptor);
    members.filter(|member| seen.insert(member.digest)).map(|member| (member, Vec::new())).collect()
}

fn is_wanted(entry: &Entry, selector: Option<&str>) -> bool {
    let is_selected = |name: &str| entry.name() == Some(name) || entry.descriptor.digest.to_string() == name;
    entry.subject().is_none() && selector.is_none_or(is_selected)
}

fn is_meant(wanted: &Reference, reference: &Reference, entry: &Entry) -> bool {
    wanted.full_repository() == reference.full_repository()
        && match wanted.digest {
            Some(digest) => digest == entry.descriptor.digest,
            None => wanted.tag.is_none() || wanted.tag == reference.tag,
        }
}
