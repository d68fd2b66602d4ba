//! The state of a watch: what was seen last, and the events that are still to be delivered.
//!
//! Both are one document, so that an event is never lost between them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::WatchError;
use super::event::WatchEvent;
use crate::digest::Digest;
use crate::limits;
use crate::sys;

const VERSION: u32 = 1;

/// The document.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The version of this format. A document without it is something else.
    version: u32,
    /// The repositories.
    #[serde(default)]
    pub(super) repositories: BTreeMap<String, Seen>,
    /// The events to be delivered, the oldest first.
    #[serde(default)]
    pub(super) queue: VecDeque<Queued>,
}

/// The tags and referrers that were seen in a repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Seen {
    /// Set if all tags were seen at least once, so that any other tag is new.
    pub(super) listed: bool,
    /// The versions of the tags; `None` for a tag that did not exist.
    pub(super) tags: BTreeMap<String, Option<Digest>>,
    /// The referrers of the versions.
    pub(super) attached: BTreeMap<Digest, BTreeSet<Digest>>,
}

/// An event to be delivered.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Queued {
    pub(super) event: WatchEvent,
    /// The names of the sinks that have not taken it yet.
    pub(super) sinks: BTreeSet<String>,
}

/// The file of the state, which only this process uses.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    _lock: fs_err::File,
}

impl StateFile {
    /// Opens the file at `path`, and returns it with its content, which is empty if the file does not exist.
    pub(super) fn open(path: PathBuf) -> Result<(Self, State), WatchError> {
        let lock = sys::try_lock_for_change(&path).map_err(WatchError::ReadState)?;
        let lock = lock.ok_or_else(|| WatchError::InUse(path.clone()))?;
        let state = match sys::read_regular(&path, limits::WATCH_STATE_BYTES) {
            Ok(bytes) => State::parse(&bytes).map_err(|source| WatchError::NotAState { path: path.clone(), source })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(WatchError::ReadState(error)),
        };
        Ok((Self { path, _lock: lock }, state))
    }

    /// Replaces the content of the file, which only its user may read.
    pub(super) fn save(&self, state: &State) -> Result<(), WatchError> {
        let text = serde_json::to_vec(state).map_err(io::Error::from).map_err(WatchError::WriteState)?;
        sys::replace_private_file(&self.path, &text).map_err(WatchError::WriteState)
    }
}

impl Default for State {
    fn default() -> Self {
        Self { version: VERSION, repositories: BTreeMap::new(), queue: VecDeque::new() }
    }
}

impl State {
    fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let state: Self = serde_json::from_slice(bytes)?;
        if state.version == VERSION {
            return Ok(state);
        }
        Err(serde::de::Error::custom(format!("version {} of it is not supported", state.version)))
    }

    /// The number of events that the sink `name` has not taken yet.
    pub(super) fn waiting_for(&self, name: &str) -> usize {
        self.queue.iter().filter(|queued| queued.sinks.contains(name)).count()
    }

    /// The number of events that any of the sinks `names` has not taken yet.
    pub(super) fn waiting_for_any(&self, names: &BTreeSet<String>) -> usize {
        self.queue.iter().filter(|queued| !queued.sinks.is_disjoint(names)).count()
    }

    /// Adds events for the sinks `names`.
    pub(super) fn enqueue(&mut self, events: Vec<WatchEvent>, names: &BTreeSet<String>) {
        self.queue.extend(events.into_iter().map(|event| Queued { event, sinks: names.clone() }));
    }

    /// Records that the sink `name` has taken the event at `position`. Returns true if that was the last sink, and the
    /// event is removed.
    pub(super) fn taken(&mut self, position: usize, name: &str) -> bool {
        let Some(queued) = self.queue.get_mut(position) else { return false };
        queued.sinks.remove(name);
        let is_done = queued.sinks.is_empty();
        if is_done {
            self.queue.remove(position);
        }
        is_done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::watch::EventKind;

    #[test]
    fn the_state_is_read_again_and_used_by_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/state.json");
        let (file, mut state) = StateFile::open(path.clone()).unwrap();
        assert_eq!(state, State::default());
        let seen = state.repositories.entry("kit.example/a".to_owned()).or_default();
        seen.tags.insert("v1".to_owned(), Some(Digest::of(b"v1")));
        seen.attached.insert(Digest::of(b"v1"), BTreeSet::from([Digest::of(b"signature")]));
        let event =
            WatchEvent::new(EventKind::TagRemoved, "kit.example/a", vec!["v0".to_owned()], jiff::Timestamp::now());
        state.enqueue(vec![event.identified()], &["exec", "webhook"].map(str::to_owned).into());
        file.save(&state).unwrap();
        assert!(matches!(StateFile::open(path.clone()), Err(WatchError::InUse(_))));
        drop(file);
        let (file, mut again) = StateFile::open(path.clone()).unwrap();
        assert_eq!(again, state);
        assert!(!again.taken(0, "exec") && again.waiting_for("exec") == 0 && again.waiting_for("webhook") == 1);
        assert!(again.taken(0, "webhook") && again.queue.is_empty());
        drop(file);
        for other in ["[]", "{}", r#"{"version":2}"#] {
            fs_err::write(&path, other).unwrap();
            assert!(matches!(StateFile::open(path.clone()), Err(WatchError::NotAState { .. })), "{other}");
        }
    }
}
