//! Crashes of the machine at every moment, simulated as ALICE does (Pillai et al., "All File Systems Are Not Created
//! Equal", OSDI 2014): from the recorded events of some commands, folders are built as a file system may leave them.
//!
//! A file system keeps what was synced. Of the rest it may keep everything, or lose any single name, removal or change
//! of a mark although later ones are kept; and files that were not synced may be whole, empty, cut off or zeros, all of
//! them or any single one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::durability::in_run;
use super::sandbox::{Place, artifact, names, place_without_waiting, untag};
use crate::digest::Digest;
use crate::oci::{Descriptor, Manifest, Source};
use crate::store::durability::disk::log::{self, Event, Snapshot};
use crate::store::layout::{Names, Store};
use crate::sys::{self, FileIdentity};

/// The state of an unsynced file after the crash.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Empty,
    Half,
    Zeros,
}

const DAMAGES: [Damage; 3] = [Damage::Empty, Damage::Half, Damage::Zeros];

/// The losses of one crash: the step that is lost, and the file whose bytes are, or all files.
#[derive(Debug, Clone, Copy)]
struct Loss {
    step: Option<usize>,
    file: Option<usize>,
    damage: Option<Damage>,
}

/// An event before a crash. Files have numbers, because a file system uses an inode again.
enum Step {
    Named(usize, PathBuf),
    Removed(PathBuf),
    Unmarked(usize),
    Synced(usize),
    SyncedFolder(PathBuf),
}

/// The files of the events before a crash.
#[derive(Default)]
struct Files {
    snapshots: Vec<Option<Snapshot>>,
    current: HashMap<FileIdentity, usize>,
    names: BTreeMap<PathBuf, usize>,
}

impl Files {
    /// Returns the number of the file that now has this inode.
    fn number(&mut self, identity: FileIdentity) -> usize {
        let is_alive =
            |file: &&usize| self.snapshots[**file].is_none() || self.names.values().any(|other| other == *file);
        if let Some(file) = self.current.get(&identity).filter(is_alive) {
            return *file;
        }
        self.snapshots.push(None);
        self.current.insert(identity, self.snapshots.len() - 1);
        self.snapshots.len() - 1
    }

    fn name(&mut self, file: &Snapshot, path: &Path) -> usize {
        let number = self.number(file.identity);
        self.snapshots[number].get_or_insert_with(|| file.clone());
        self.names.insert(path.to_owned(), number);
        number
    }
}

struct Trace<'a> {
    root: &'a Path,
    steps: Vec<Step>,
    files: Vec<Option<Snapshot>>,
    synced: HashSet<usize>,
}

impl<'a> Trace<'a> {
    fn new(store: &'a Store, events: &[Event]) -> Self {
        let folders = [store.root().to_owned(), store.blobs(), store.private("index")];
        let folders = folders.into_iter().filter(|path| path.exists());
        let folders: HashMap<_, _> = folders.map(|path| (log::identity(&path), path)).collect();
        let (mut files, mut steps) = (Files::default(), Vec::new());
        for event in events {
            steps.push(match event {
                Event::Named(file, path) => Step::Named(files.name(file, path), path.clone()),
                Event::Removed(path) => {
                    files.names.remove(path);
                    Step::Removed(path.clone())
                }
                Event::Unmarked(file) => Step::Unmarked(files.number(*file)),
                Event::Synced(file) => match folders.get(file) {
                    Some(folder) => Step::SyncedFolder(folder.clone()),
                    None => Step::Synced(files.number(*file)),
                },
            });
        }
        let synced = steps.iter().filter_map(|step| if let Step::Synced(file) = step { Some(*file) } else { None });
        Self { root: store.root(), synced: synced.collect(), files: files.snapshots, steps }
    }

    /// Returns true if the crash may lose the step: no later sync makes it durable.
    fn is_volatile(&self, step: usize) -> bool {
        let syncs = |parent: Option<&Path>| {
            self.steps[step..]
                .iter()
                .any(|step| matches!(step, Step::SyncedFolder(folder) if Some(&**folder) == parent))
        };
        match &self.steps[step] {
            Step::Named(_, path) | Step::Removed(path) => !syncs(path.parent()),
            Step::Unmarked(_) => true,
            Step::Synced(_) | Step::SyncedFolder(_) => false,
        }
    }

    /// Every loss that the simulation tries.
    fn losses(&self) -> Vec<Loss> {
        let mut losses = Vec::new();
        for step in (0..self.steps.len()).filter(|step| self.is_volatile(*step)).map(Some).chain([None]) {
            let damages = [None, Some(Damage::Empty), Some(Damage::Zeros)];
            losses.extend(damages.map(|damage| Loss { step, file: None, damage }));
        }
        for file in (0..self.files.len()).filter(|file| !self.synced.contains(file)) {
            let file = Some(file);
            losses.extend(DAMAGES.map(|damage| Loss { step: None, file, damage: Some(damage) }));
        }
        losses
    }

    /// Builds the folder that the crash leaves.
    fn crash(&self, loss: Loss, target: &Path) {
        let (mut names, mut unmarked) = (BTreeMap::new(), HashSet::new());
        for (_, step) in self.steps.iter().enumerate().filter(|(number, _)| Some(*number) != loss.step) {
            match step {
                Step::Named(file, path) => drop(names.insert(path, *file)),
                Step::Removed(path) => drop(names.remove(path)),
                Step::Unmarked(file) => drop(unmarked.insert(*file)),
                Step::Synced(_) | Step::SyncedFolder(_) => {}
            }
        }
        for folder in ["blobs/sha256", ".kit/ingest", ".kit/index"] {
            fs::create_dir_all(target.join(folder)).unwrap();
        }
        for (path, number) in names {
            let file = self.files[number].as_ref().unwrap();
            let is_lost = !self.synced.contains(&number) && loss.file.is_none_or(|lost| lost == number);
            let content = match loss.damage.filter(|_| is_lost) {
                None => file.content.clone(),
                Some(Damage::Empty) => Vec::new(),
                Some(Damage::Half) => file.content[..file.content.len() / 2].to_vec(),
                Some(Damage::Zeros) => vec![0; file.content.len()],
            };
            let path = target.join(path.strip_prefix(self.root).unwrap());
            fs::write(&path, content).unwrap();
            let mark = if file.is_pending && !unmarked.contains(&number) { sys::MARK } else { 0 };
            sys::set_mode(&path, 0o644 | mark).unwrap();
        }
    }
}

/// Opens the crashed store in the next run. No wrong byte may be served, every incomplete ModelKit has to be reported,
/// and those in `durable` have to be complete.
fn check(folder: &Path, durable: &[&str], state: &str) {
    let (store, lost) = in_run(&Store::open(folder).unwrap(), "after");
    let entries = store.entries().unwrap_or_else(|error| panic!("{state}: {error:?}"));
    let mut complete = Vec::new();
    for entry in &entries {
        let name = entry.name().unwrap_or_default().to_owned();
        let is_complete = read_all(&store, &entry.descriptor, state);
        assert!(is_complete || lost.lock().unwrap().contains(&name), "{state}: `{name}` is silently incomplete");
        if is_complete {
            complete.push(name);
        }
    }
    for name in durable {
        assert!(complete.iter().any(|found| found == name), "{state}: `{name}` is lost");
    }
    // Whatever was lost can be stored again.
    for layer in [&b"first layer"[..], b"second layer"] {
        let manifest = artifact(&store, "demo", Some("again"), layer);
        assert!(read_all(&store, &manifest, state), "{state}");
    }
}

/// Reads everything that a manifest leads to, and returns true if nothing is missing.
fn read_all(store: &Store, manifest: &Descriptor, state: &str) -> bool {
    let reader = store.reader(Names::Of("demo".parse().unwrap())).unwrap();
    let Ok(bytes) = reader.manifest(manifest) else { return false };
    let manifest = Manifest::parse(&bytes).unwrap();
    let mut is_complete = true;
    for blob in manifest.blobs() {
        let mut found = Vec::new();
        match reader.blob(blob).open_at(0) {
            Ok(mut content) => {
                content.read_to_end(&mut found).unwrap();
                assert_eq!(Digest::of(&found), blob.digest, "{state}: wrong bytes are served");
            }
            Err(_) => is_complete = false,
        }
    }
    is_complete
}

/// Crashes at every moment of the events since `from`, which are those of `store`.
fn crash_everywhere(store: &Store, events: &[Event], from: usize, durable: &[&str]) {
    for end in from..=events.len() {
        let trace = Trace::new(store, &events[..end]);
        for loss in trace.losses() {
            let folder = folder_in_memory();
            trace.crash(loss, folder.path());
            check(folder.path(), durable, &format!("after {end} of {} events, {loss:?}", events.len()));
        }
    }
    // The events of the checks.
    log::take();
}

/// A folder in which syncing takes no time, if the system has one.
fn folder_in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn a_crash_during_the_first_commands_serves_no_wrong_byte() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    let (store, _) = in_run(store, "before");
    log::take();
    drop(store.writer(names("demo")).unwrap());
    let mut events = log::take();
    let from = events.len();
    artifact(&store, "demo", Some("v1"), b"first layer");
    events.extend(log::take());
    crash_everywhere(&store, &events, from, &[]);
}

#[test]
fn a_crash_keeps_what_was_waited_for_and_what_was_settled() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    log::take();
    artifact(&store.clone().waiting_for_disk(true), "demo", Some("v1"), b"first layer");
    let mut events = log::take();
    let from = events.len();
    let (store, _) = in_run(store, "before");
    artifact(&store, "demo", Some("v2"), b"second layer");
    store.settle_now().unwrap();
    events.extend(log::take());
    crash_everywhere(&store, &events, from, &["demo:v1"]);
    let settled = events.len();
    artifact(&store, "demo", Some("v3"), b"first layer");
    events.extend(log::take());
    crash_everywhere(&store, &events, settled, &["demo:v1", "demo:v2"]);
}

#[test]
fn a_crash_during_a_command_that_waits_keeps_what_earlier_ones_waited_for() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    let store = &store.clone().waiting_for_disk(true);
    log::take();
    artifact(store, "demo", Some("v1"), b"first layer");
    let mut events = log::take();
    let from = events.len();
    artifact(store, "demo", Some("v2"), b"second layer");
    events.extend(log::take());
    crash_everywhere(store, &events, from, &["demo:v1"]);
    crash_everywhere(store, &events, events.len(), &["demo:v1", "demo:v2"]);
}

#[test]
fn a_crash_after_a_collection_brings_no_removed_modelkit_back() {
    let Some(Place { store, .. }) = &place_without_waiting() else { return };
    log::take();
    artifact(&store.clone().waiting_for_disk(true), "demo", Some("v1"), b"first layer");
    artifact(&store.clone().waiting_for_disk(true), "demo", Some("v2"), b"second layer");
    let mut events = log::take();
    let from = events.len();
    let (store, _) = in_run(store, "before");
    untag(&store, "demo:v1");
    store.collect().unwrap();
    events.extend(log::take());
    crash_everywhere(&store, &events, from, &["demo:v2"]);
}
