//! One poll of a repository: what differs from what was seen before.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::event::{AttachedKind, EventKind, WatchEvent};
use super::plan::Plan;
use super::state::Seen;
use crate::digest::Digest;
use crate::oci::{Descriptor, Referrer};
use crate::ops::workers;
use crate::registry::{Client, Error, Repository, TagLookup};

/// The polls of one repository.
pub(super) struct Poller {
    pub(super) plan: Plan,
    repository: Repository,
    lookup: TagLookup,
    /// Set if the referrers of the tags' versions are watched as well.
    has_attached: bool,
    jobs: usize,
}

/// The result of a poll.
#[derive(Debug)]
pub(super) struct Polled {
    /// The tags and referrers now. After a failure, those that could not be asked for are as before.
    pub(super) seen: Seen,
    /// The differences.
    pub(super) events: Vec<WatchEvent>,
    /// The first failure.
    pub(super) failure: Option<Error>,
    /// The number of tags that were looked at.
    pub(super) tags: usize,
    /// The number of versions whose referrers were listed.
    pub(super) versions: usize,
}

impl Poller {
    pub(super) fn new(client: &Client, plan: Plan, has_attached: bool) -> Self {
        let (repository, jobs) = (client.repository(&plan.reference), client.concurrency(&plan.reference.registry));
        Self { lookup: repository.tag_lookup(), repository, plan, has_attached, jobs }
    }

    /// The repository with its registry.
    pub(super) fn name(&self) -> String {
        self.plan.reference.full_repository()
    }

    /// Asks the registry: for the list of tags if all are watched, for each tag, and for the referrers of each version
    /// that is watched. After a failure nothing more is asked.
    pub(super) fn poll(&self, before: &Seen, time: Timestamp) -> Polled {
        let seen = before.clone();
        let mut poll = Poll { poller: self, before, seen, events: Vec::new(), failure: None, time };
        let tags = poll.tags_to_look_at().unwrap_or_default();
        if poll.failure.is_none() {
            poll.look_at(&tags);
        }
        let versions = poll.versions();
        if poll.failure.is_none() {
            poll.list_attached(&versions);
        }
        let Poll { seen, events, failure, .. } = poll;
        let events = events.into_iter().map(WatchEvent::identified).collect();
        Polled { seen, events, failure, tags: tags.len(), versions: versions.len() }
    }
}

struct Poll<'a> {
    poller: &'a Poller,
    before: &'a Seen,
    seen: Seen,
    events: Vec<WatchEvent>,
    failure: Option<Error>,
    time: Timestamp,
}

impl Poll<'_> {
    /// The tags to look at; `None` if they cannot be listed.
    fn tags_to_look_at(&mut self) -> Option<BTreeSet<String>> {
        let plan = &self.poller.plan;
        if !plan.is_whole {
            return Some(plan.tags.clone());
        }
        let listed: BTreeSet<String> = match self.poller.repository.tags() {
            Ok(tags) => tags.into_iter().collect(),
            // A repository that does not exist yet. One that had tags before is more likely to be a failure.
            Err(error) if is_missing(&error) && self.before.tags.values().all(Option::is_none) => BTreeSet::new(),
            Err(error) => {
                self.failure = Some(error);
                return None;
            }
        };
        let removed = self.seen.tags.keys().filter(|tag| !listed.contains(*tag) && !plan.tags.contains(*tag));
        for tag in removed.cloned().collect::<Vec<_>>() {
            self.found(&tag, None);
            self.seen.tags.remove(&tag);
        }
        Some(listed.union(&plan.tags).cloned().collect())
    }

    fn look_at(&mut self, tags: &BTreeSet<String>) {
        let tags: Vec<_> = tags.iter().collect();
        let found = self.ask(&tags, |poller, tag| poller.lookup.digest_of(tag));
        for (tag, digest) in found {
            self.found(tag, digest);
        }
        if self.failure.is_none() && self.poller.plan.is_whole {
            self.seen.listed = true;
        }
    }

    /// Asks for all `items` at the same time, until one fails.
    fn ask<'i, I: Sync + ?Sized, T: Send>(
        &mut self,
        items: &[&'i I],
        question: impl Fn(&Poller, &I) -> Result<T, Error> + Sync,
    ) -> Vec<(&'i I, T)> {
        let (poller, has_failed) = (self.poller, AtomicBool::new(false));
        let Ok(answers) = workers::run(poller.jobs, items, |item| {
            let answer = (!has_failed.load(Ordering::Relaxed)).then(|| question(poller, item));
            if matches!(answer, Some(Err(_))) {
                has_failed.store(true, Ordering::Relaxed);
            }
            Ok::<_, Infallible>(answer)
        });
        let mut found = Vec::new();
        for (item, answer) in items.iter().zip(answers) {
            match answer {
                Some(Ok(answer)) => found.push((*item, answer)),
                Some(Err(error)) => self.failure = self.failure.take().or(Some(error)),
                None => {}
            }
        }
        found
    }

    /// Compares the version of `tag` with the one that was seen before.
    fn found(&mut self, tag: &str, digest: Option<Digest>) {
        let known = self.before.tags.get(tag).copied();
        let is_new = known == Some(None) || known.is_none() && self.before.listed && self.poller.plan.is_whole;
        let kind = match (known.flatten(), digest) {
            (Some(before), Some(now)) if before != now => Some(EventKind::TagMoved),
            (Some(_), None) => Some(EventKind::TagRemoved),
            (None, Some(_)) if is_new => Some(EventKind::VersionAppeared),
            _ => None,
        };
        if let Some(kind) = kind {
            let event = WatchEvent::new(kind, &self.poller.name(), vec![tag.to_owned()], self.time);
            self.events.push(WatchEvent { digest, previous: known.flatten(), ..event });
        }
        self.seen.tags.insert(tag.to_owned(), digest);
    }

    /// The versions whose referrers are watched, with their tags.
    fn versions(&self) -> BTreeMap<Digest, Vec<String>> {
        let plan = &self.poller.plan;
        let mut versions: BTreeMap<_, _> = plan.versions.iter().map(|version| (*version, Vec::new())).collect();
        let is_watched = |tag: &String| plan.is_whole || plan.tags.contains(tag);
        for (tag, digest) in self.seen.tags.iter().filter(|(tag, _)| is_watched(tag)) {
            let Some(digest) = digest else { continue };
            if let Some(tags) = versions.get_mut(digest) {
                tags.push(tag.clone());
            } else if self.poller.has_attached {
                versions.insert(*digest, vec![tag.clone()]);
            }
        }
        versions
    }

    fn list_attached(&mut self, versions: &BTreeMap<Digest, Vec<String>>) {
        let subjects: Vec<_> = versions.keys().collect();
        let before = self.before;
        let found = self.ask(&subjects, |poller, subject| {
            let listed = poller.repository.referrers_at_registry(subject)?;
            let known = before.attached.get(subject);
            // Of a version that is seen for the first time, only a recall is news.
            let is_looked_at = |entry: &&Descriptor| known.is_none_or(|known| !known.contains(&entry.digest));
            let new = listed
                .iter()
                .filter(is_looked_at)
                .map(|entry| poller.attached(entry))
                .collect::<Result<Vec<_>, _>>()?;
            Ok((listed.iter().map(|entry| entry.digest).collect::<BTreeSet<_>>(), new))
        });
        for (subject, (listed, new)) in found {
            for attached in new {
                self.found_attached(*subject, &versions[subject], attached);
            }
            self.seen.attached.insert(*subject, listed);
        }
        if self.failure.is_none() {
            self.seen.attached.retain(|subject, _| versions.contains_key(subject));
        }
    }

    fn found_attached(&mut self, subject: Digest, tags: &[String], attached: AttachedKind) {
        let kind = attached.event_kind();
        let is_first_poll = self.before.tags.is_empty() && self.before.attached.is_empty() && !self.before.listed;
        let is_known = self.before.attached.contains_key(&subject);
        if is_known || kind == EventKind::RecallAttached && !is_first_poll {
            let event = WatchEvent::new(kind, &self.poller.name(), tags.to_vec(), self.time);
            self.events.push(WatchEvent { digest: Some(subject), attached: Some(attached), ..event });
        }
    }
}

impl Poller {
    /// The kind of a referrer. If the list does not contain it, its manifest does.
    fn attached(&self, entry: &Descriptor) -> Result<AttachedKind, Error> {
        let listed = AttachedKind::of(entry);
        if !listed.is_incomplete() {
            return Ok(listed);
        }
        match self.repository.manifest_at_registry(entry) {
            Ok(bytes) => Ok(Referrer::read(entry, &bytes).map_or(listed, |read| AttachedKind::of(&read.descriptor))),
            Err(error) if is_missing(&error) => Ok(listed),
            Err(error) => Err(error),
        }
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error.failure(), Error::NotFound { .. })
}
