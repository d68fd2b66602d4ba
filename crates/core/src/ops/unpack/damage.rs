//! The files in a folder that this program unpacked and that a crash of the machine can have damaged.
//!
//! A file of the user must never be taken for one of them. So a file counts only if it has the traces of the recorded
//! run and none of a later change: the time of the last change of the content and that of the file itself, which
//! programs cannot set, are within the run, and the file is not larger than what was written. A crash leaves old
//! times, every later change a new one.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use fs_err as fs;

use crate::digest::Digest;
use crate::relative_path::RelativePath;
use crate::store::{Store, TimeSpan, UnpackEntry, UnpackRun, UnpackTimes, UnpackedFile};
use crate::sys::{self, Metadata, Timestamp};

/// The layers, and files without a layer, that are unpacked or verified now, each by digest and path.
pub(crate) type Parts = HashSet<(Digest, RelativePath)>;

/// The time after the beginning of placing within which an interrupted run gave files their names. Folders are placed
/// as a whole, so this takes seconds only if 100,000 files are replaced.
const PLACED_WITHIN_SECONDS: i64 = 10;

/// The files that can be damaged, with what is known about each.
#[derive(Debug, Default)]
pub(crate) struct Damage(HashMap<RelativePath, Written>);

/// A file as a run of another run of the system wrote it.
#[derive(Debug, Clone, Copy)]
struct Written {
    size: u64,
    modified: Timestamp,
    span: TimeSpan,
}

impl Damage {
    /// Reads the records about `folder`. Only files of `parts` are included: the content of others may differ for
    /// another reason. Without usable records there are none.
    pub(crate) fn read(store: &Store, folder: &Path, parts: &Parts) -> Self {
        let Ok(folder) = fs::canonicalize(folder) else { return Self::default() };
        // Times of another machine cannot be compared.
        if !sys::is_on_local_disk(&folder) {
            return Self::default();
        }
        let Ok(records) = store.all_unpack_entries(&folder) else { return Self::default() };
        let mut files = HashMap::new();
        for record in records {
            let mut reading = Reading { parts, current: store.run_of_system(), run: None };
            files.extend(record.filter_map(|entry| reading.take(entry)));
        }
        Self(files)
    }

    /// Returns true if a crash can have damaged the file `found`, which differs from the one to be unpacked.
    pub(crate) fn includes(&self, path: &RelativePath, found: &Metadata) -> bool {
        self.0.get(path).is_some_and(|written| {
            let TimeSpan { begun, end } = written.span;
            let begun = Timestamp { seconds: begun, nanoseconds: 0 };
            found.size <= written.size
                && (begun..=written.modified).contains(&found.modified)
                && (begun..=end).contains(&found.changed)
        })
    }
}

/// A record that is being read.
struct Reading<'a> {
    parts: &'a Parts,
    current: Option<&'a str>,
    /// None for a run whose files cannot be damaged.
    run: Option<Run>,
}

/// A run in a record.
struct Run {
    begun: i64,
    /// For each path of a part, true if all parts with it are unpacked now.
    parts: HashMap<RelativePath, bool>,
    span: Option<TimeSpan>,
}

impl Reading<'_> {
    fn take(&mut self, entry: UnpackEntry) -> Option<(RelativePath, Written)> {
        match (entry, &mut self.run) {
            (UnpackEntry::Run(run), _) => self.run = self.begin_run(*run),
            (UnpackEntry::Times(times), Some(run)) => run.span = span(run.begun, times),
            (UnpackEntry::File(UnpackedFile { path, size, modified, written }), Some(run)) => {
                let path = path.parse().ok().filter(|path| run.is_same_now(path))?;
                return Some((path, Written { size, modified, span: written.or(run.span)? }));
            }
            (_, None) => {}
        }
        None
    }

    /// Returns the run if a crash may have come after it. As long as the system runs, it has all bytes.
    fn begin_run(&self, run: UnpackRun) -> Option<Run> {
        if run.boot.is_none() || self.current.is_none() || run.boot.as_deref() == self.current {
            return None;
        }
        let mut parts = HashMap::new();
        for part in run.parts {
            let path: RelativePath = part.path.parse().ok()?;
            let is_same = part.digest.is_some_and(|digest| self.parts.contains(&(digest, path.clone())));
            *parts.entry(path).or_insert(true) &= is_same;
        }
        Some(Run { begun: run.begun, parts, span: None })
    }
}

impl Run {
    /// Returns true if the file can only come from parts that are unpacked now as well.
    fn is_same_now(&self, path: &RelativePath) -> bool {
        let places = path.ancestors().chain([RelativePath::root(), path.clone()]);
        let mut is_same = places.filter_map(|place| self.parts.get(&place)).peekable();
        is_same.peek().is_some() && is_same.all(|is_same| *is_same)
    }
}

/// Returns the time in which a run wrote its files. None if it gave none of them its name.
pub(super) fn span(begun: i64, UnpackTimes { placing, done }: UnpackTimes) -> Option<TimeSpan> {
    let interrupted =
        placing.map(|time| Timestamp { seconds: time.seconds.saturating_add(PLACED_WITHIN_SECONDS), ..time });
    done.or(interrupted).map(|end| TimeSpan { begun, end })
}
