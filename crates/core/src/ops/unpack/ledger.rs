//! Writes the unpack record of a run, and finds the files of earlier runs.
//!
//! A record is a help for later commands: if it cannot be read or written, unpacking does without it.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use fs_err as fs;
use tracing::debug;

use super::choice::{Choice, Wanted};
use super::damage::{Damage, Parts, span};
use super::dropped::{Earlier, Fate, FoundEarlier};
use super::into_folder::UnpackOptions;
use crate::archive::{Ledger, Received};
use crate::kitfile::FILE_NAMES;
use crate::modelkit::{Layer, kitfile_digest};
use crate::ops::session::{Location, Session};
use crate::relative_path::RelativePath;
use crate::store::{Recorded, Recording, Store, UnpackEntry, UnpackRun, UnpackedFile, UnpackedPart};
use crate::sys::{Metadata, Timestamp, real_path};

/// The ledger of a folder into which a ModelKit is unpacked.
#[derive(Debug)]
pub(super) struct FolderLedger {
    store: Store,
    /// The canonical path of the folder.
    folder: PathBuf,
    repository: String,
    parts: Parts,
    options: UnpackOptions,
    /// Read when a file differs.
    damage: OnceLock<Damage>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Writing(Recording),
    /// The files get their names.
    Placing(Recorded, FoundEarlier),
    /// There is no record of this run.
    Off(FoundEarlier),
}

impl FolderLedger {
    /// Begins the ledger of a run that unpacks `wanted` of `choice`. `folder` exists.
    pub(super) fn begin(
        session: &Session<'_>,
        (choice, wanted): (&Choice, &[Wanted<'_>]),
        name: &str,
        options: &UnpackOptions,
    ) -> io::Result<Self> {
        let store = session.store.clone();
        let folder = fs::canonicalize(&options.folder)?;
        let repository = repository(name);
        let run = UnpackRun {
            reference: name.to_owned(),
            manifest: choice.child.descriptor.digest,
            boot: store.run_of_system().map(str::to_owned),
            begun: Timestamp::now().seconds,
            parts: parts(choice, wanted, options),
        };
        let of_part = |part: &UnpackedPart| Some((part.digest?, part.path.parse().ok()?));
        let parts = run.parts.iter().filter_map(of_part).collect();
        let state = match store.record_unpacking(&folder, &repository, run) {
            Ok(recording) => State::Writing(recording),
            Err(error) => off(&error),
        };
        let (damage, state) = (OnceLock::new(), Mutex::new(state));
        Ok(Self { store, folder, repository, parts, options: options.clone(), damage, state })
    }

    /// Notes that all files have their names. Returns what was found of earlier versions.
    pub(super) fn finish(&self) -> FoundEarlier {
        match std::mem::replace(&mut *self.state(), State::Off(FoundEarlier::default())) {
            State::Writing(_) => FoundEarlier::default(),
            State::Off(earlier) => earlier,
            State::Placing(recorded, earlier) => {
                if let Err(error) = recorded.finish() {
                    debug!(%error, "cannot complete the unpack record");
                }
                earlier
            }
        }
    }

    /// Adds the entries of earlier runs to the record, except for files that this run writes or that no longer exist,
    /// and gives it its name. Returns what was found of them.
    fn publish(&self, mut recording: Recording, received: &Received) -> (io::Result<Recorded>, FoundEarlier) {
        let mut earlier = Earlier::new(&self.folder, &self.options);
        let carried = self.carry_shared(&mut recording, &mut earlier, received).and_then(|are_others| {
            if are_others { self.carry_others(&mut recording, &mut earlier, received) } else { Ok(()) }
        });
        (carried.and_then(|()| recording.publish()), earlier.into_found())
    }

    /// Adds the files that the current run contains as well, as files of this run. Returns true if there are others.
    fn carry_shared(
        &self,
        recording: &mut Recording,
        earlier: &mut Earlier<'_>,
        received: &Received,
    ) -> io::Result<bool> {
        let (mut begun, mut written, mut are_others) = (0, None, false);
        for entry in self.earlier_entries()? {
            match entry {
                UnpackEntry::Run(run) => begun = run.begun,
                UnpackEntry::Times(times) => written = span(begun, times),
                UnpackEntry::File(file) => match earlier.fate(&file, received) {
                    Fate::Shared => {
                        let written = file.written.or(written);
                        recording.write(&UnpackEntry::File(UnpackedFile { written, ..file }))?;
                    }
                    Fate::Replaced => earlier.note_replaced(&file, |path, found| self.damage().includes(path, found)),
                    Fate::Other => are_others = true,
                },
            }
        }
        Ok(are_others)
    }

    /// Adds the other files, as files of their runs. A run without a file is forgotten.
    fn carry_others(
        &self,
        recording: &mut Recording,
        earlier: &mut Earlier<'_>,
        received: &Received,
    ) -> io::Result<()> {
        let mut head = Vec::new();
        for entry in self.earlier_entries()? {
            match &entry {
                UnpackEntry::Run(run) => {
                    earlier.begin_run(run);
                    head = vec![entry];
                }
                UnpackEntry::Times(_) => head.push(entry),
                UnpackEntry::File(file) => {
                    if earlier.fate(file, received) == Fate::Other && earlier.keeps(file, received) {
                        head.drain(..).chain([entry]).try_for_each(|entry| recording.write(&entry))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn earlier_entries(&self) -> io::Result<impl Iterator<Item = UnpackEntry>> {
        self.store.unpack_entries(&self.folder, &self.repository)
    }

    fn damage(&self) -> &Damage {
        self.damage.get_or_init(|| Damage::read(&self.store, &self.folder, &self.parts))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for FolderLedger {
    fn is_damaged(&self, path: &RelativePath, found: &Metadata) -> bool {
        self.damage().includes(path, found)
    }

    fn note(&self, path: &RelativePath, written: &Metadata) {
        let mut state = self.state();
        let State::Writing(recording) = &mut *state else { return };
        let Metadata { size, modified, .. } = *written;
        let file = UnpackedFile { path: path.as_str().to_owned(), size, modified, written: None };
        if let Err(error) = recording.write(&UnpackEntry::File(file)) {
            *state = off(&error);
        }
    }

    fn begin_placing(&self, received: &Received) {
        let mut state = self.state();
        let State::Writing(recording) = std::mem::replace(&mut *state, State::Off(FoundEarlier::default())) else {
            return;
        };
        let (published, earlier) = self.publish(recording, received);
        *state = match published {
            Ok(recorded) => State::Placing(recorded, earlier),
            Err(error) => {
                debug!(%error, "there is no unpack record");
                State::Off(earlier)
            }
        };
    }
}

fn off(error: &io::Error) -> State {
    debug!(%error, "there is no unpack record");
    State::Off(FoundEarlier::default())
}

/// Returns the name of the repository, all versions of which have one record. For a layout, it is its path.
pub(super) fn repository(name: &str) -> String {
    match name.parse() {
        Ok(Location::Artifact(reference)) => reference.full_repository(),
        Ok(Location::Layout { path, .. }) => format!("oci:{}", real_path(&path).unwrap_or(path).display()),
        Err(_) => name.to_owned(),
    }
}

/// Returns what is unpacked. Only the layers of the ModelKit itself have sections.
fn parts(choice: &Choice, wanted: &[Wanted<'_>], options: &UnpackOptions) -> Vec<UnpackedPart> {
    let mut parts = Vec::new();
    for Wanted { other, layers, .. } in wanted {
        parts.extend(layers.iter().map(|layer| part_of(layer, other.is_none())));
    }
    for file in &choice.remotes.files {
        let path = file.path.as_str().to_owned();
        parts.push(UnpackedPart { path, digest: file.digest, section: None, name: String::new() });
    }
    if options.selection.takes_kitfile() {
        let digest = Some(kitfile_digest(&choice.child.modelkit.config.kitfile));
        parts.push(UnpackedPart { path: FILE_NAMES[0].to_owned(), digest, section: None, name: String::new() });
    }
    parts
}

fn part_of(layer: &Layer, is_own: bool) -> UnpackedPart {
    UnpackedPart {
        path: layer.path.as_str().to_owned(),
        digest: Some(layer.descriptor.digest),
        section: is_own.then(|| layer.section.key().to_owned()),
        name: layer.name.clone(),
    }
}
