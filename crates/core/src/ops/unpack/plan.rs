//! The plan of unpacking, made without writing anything.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use super::choice::{Choice, Wanted, warn_of_other_layers, warn_of_remote_datasets};
use super::dropped::{lacks_record, plan_earlier, warn_of_no_record};
use super::into_folder::UnpackOptions;
use super::layers::is_same_kitfile;
use super::ledger::repository;
use super::space::check_disk_space;
use crate::archive::{Conflict, Existing, Obstacle, Overwrite, Preview};
use crate::kitfile::{self, FILE_NAMES};
use crate::limits;
use crate::modelkit::Layer;
use crate::oci::Source;
use crate::ops::artifact::check_paths;
use crate::ops::error::Error;
use crate::ops::files::{Headers, Held, Member, buffer, digest, skim};
use crate::ops::remote_data::RemoteFile;
use crate::ops::session::{Located, Session};
use crate::ops::workers;
use crate::progress::Silent;
use crate::relative_path::RelativePath;

/// The changes that unpacking would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackPlan {
    /// The files of the ModelKit, sorted by path.
    pub files: Vec<PlannedFile>,
    /// The files of an earlier version that would be deleted, sorted.
    pub deleted: Vec<RelativePath>,
    /// The reasons why nothing would be unpacked, sorted by path.
    pub conflicts: Vec<Conflict>,
}

/// A file that would be unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// The path below the folder.
    pub path: RelativePath,
    /// The size in bytes; `None` for a compressed layer that consists of this one file.
    pub bytes: Option<u64>,
    /// The treatment of the file.
    pub action: PlannedAction,
}

/// The treatment of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannedAction {
    /// It is new.
    Write,
    /// It exists with the same content; of a remote dataset that has no digest, only the size is compared.
    Exists,
    /// It replaces a file with other content.
    Replace,
    /// A file with other content is kept.
    Keep,
    /// Something else exists at its path, so that nothing is unpacked.
    Conflict,
}

/// Returns the changes that [`unpack`](super::unpack) would make. Of uncompressed layers only the file headers are
/// read, and the content of files that exist with the same size; compressed layers are read completely.
pub fn plan_unpack(
    session: &Session<'_>,
    found: &Located,
    name: &str,
    options: &UnpackOptions,
) -> Result<UnpackPlan, Error> {
    let choice = Choice::read(session, found, name, options)?;
    choice.admit(session, (found, &*found.source), &options.folder)?;
    let wanted = choice.wanted(&*found.source, name, options, session.progress)?;
    check_disk_space(&wanted, &choice.remotes.files, options)?;
    warn_of_remote_datasets(&choice.child.modelkit, options, session.progress);
    warn_of_other_layers(&choice.child.modelkit, options, session.progress);
    let planner = Planner::new(options)?;
    let layers = wanted.iter().flat_map(|Wanted { source, layers, .. }| layers.iter().map(|layer| (*source, *layer)));
    let layers: Vec<_> = layers.collect();
    let listed = workers::run(options.jobs.small, &layers, |(source, layer)| planner.layer(*source, layer))?;
    let mut files: Vec<_> = listed.into_iter().flatten().collect();
    if options.selection.takes_kitfile() {
        files.extend(planner.kitfile(&kitfile::to_yaml(&choice.child.modelkit.config.kitfile))?);
    }
    for file in &choice.remotes.files {
        files.extend(planner.remote_file(file)?);
    }
    check_paths(&options.paths, &options.selection, name)?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    if lacks_record(session, &repository(name), options) {
        warn_of_no_record(options, session.progress);
    }
    let deleted = plan_earlier(session, &repository(name), (&*found.source, &choice.child), options, &files)?;
    Ok(UnpackPlan { files, deleted, conflicts: planner.conflicts() })
}

/// Compares the files of a ModelKit with those in the folder. Several threads may use it at once.
struct Planner<'a> {
    options: &'a UnpackOptions,
    preview: Preview,
    held: Held,
    conflicts: Mutex<BTreeMap<RelativePath, Obstacle>>,
}

impl<'a> Planner<'a> {
    fn new(options: &'a UnpackOptions) -> Result<Self, Error> {
        let preview = Preview::open(&options.folder, &options.unsafe_paths)?;
        Ok(Self { options, preview, held: Held::new(limits::LISTED_FILES), conflicts: Mutex::default() })
    }

    /// Returns the files in `layer`.
    fn layer(&self, source: &dyn Source, layer: &Layer) -> Result<Vec<PlannedFile>, Error> {
        let mut files = Vec::new();
        let done = skim(source, layer, Headers::Compare, &mut |member, content| {
            if !self.options.paths.may_match_at_or_below(&member.path) {
                return Ok(ControlFlow::Continue(()));
            }
            if member.is_directory {
                if self.options.paths.take(&member.path) {
                    self.preview.directory(&member.path)?.into_iter().for_each(|conflict| self.note(conflict));
                }
                return Ok(ControlFlow::Continue(()));
            }
            self.held.add(&member.path)?;
            let is_equal = |file: &mut File| is_equal(member, content, file);
            files.extend(self.file(&member.path, member.size, is_equal)?);
            Ok(ControlFlow::Continue(()))
        });
        done.map(|_| files)
    }

    fn kitfile(&self, yaml: &str) -> Result<Option<PlannedFile>, Error> {
        let path = RelativePath::root().child(FILE_NAMES[0]).expect("the name of a Kitfile is a name");
        if !self.options.paths.take(&path) {
            return Ok(None);
        }
        let bytes = Some(yaml.len() as u64);
        if let Existing::File { file, .. } = self.preview.file(&path)? {
            let mut existing = Vec::new();
            file.take(limits::KITFILE_BYTES + 1).read_to_end(&mut existing)?;
            if is_same_kitfile(existing, yaml) {
                return Ok(Some(PlannedFile { path, bytes, action: PlannedAction::Exists }));
            }
        }
        self.file(&path, bytes, |file| {
            let mut existing = Vec::new();
            file.take(limits::KITFILE_BYTES).read_to_end(&mut existing)?;
            Ok(existing == yaml.as_bytes())
        })
    }

    fn remote_file(&self, remote: &RemoteFile) -> Result<Option<PlannedFile>, Error> {
        self.file(&remote.path, Some(remote.size), |file| match remote.digest {
            Some(expected) => Ok(digest(file, &mut buffer(Some(remote.size)), &Silent)?.0 == expected),
            None => Ok(true),
        })
    }

    /// Plans the file at `path`, unless it is not selected. `is_equal` compares it with an existing file of its size.
    fn file(
        &self,
        path: &RelativePath,
        bytes: Option<u64>,
        is_equal: impl FnOnce(&mut File) -> Result<bool, Error>,
    ) -> Result<Option<PlannedFile>, Error> {
        if !self.options.paths.take(path) {
            return Ok(None);
        }
        let action = match self.preview.file(path)? {
            Existing::Nothing => PlannedAction::Write,
            Existing::Conflict(conflict) => {
                self.note(conflict);
                PlannedAction::Conflict
            }
            Existing::File { mut file, size } => {
                if bytes.is_none_or(|bytes| bytes == size) && is_equal(&mut file)? {
                    PlannedAction::Exists
                } else {
                    self.over(path, Obstacle::OtherContent { existing_size: size, new_size: bytes.unwrap_or(size) })
                }
            }
        };
        Ok(Some(PlannedFile { path: path.clone(), bytes, action }))
    }

    /// The treatment of a file with other content at `path`.
    fn over(&self, path: &RelativePath, obstacle: Obstacle) -> PlannedAction {
        match self.options.overwrite {
            Overwrite::Replace => PlannedAction::Replace,
            Overwrite::Keep => PlannedAction::Keep,
            Overwrite::Refuse => {
                self.note(Conflict { path: path.clone(), obstacle });
                PlannedAction::Conflict
            }
        }
    }

    fn note(&self, Conflict { path, obstacle }: Conflict) {
        self.conflicts.lock().unwrap_or_else(PoisonError::into_inner).insert(path, obstacle);
    }

    fn conflicts(self) -> Vec<Conflict> {
        let conflicts = self.conflicts.into_inner().unwrap_or_else(PoisonError::into_inner);
        conflicts.into_iter().map(|(path, obstacle)| Conflict { path, obstacle }).collect()
    }
}

/// Returns true if `member` with this `content` equals the existing `file`.
fn is_equal(member: &Member, content: &mut dyn Read, file: &mut File) -> Result<bool, Error> {
    let mut buffer = buffer(member.size);
    let (existing, _) = digest(file, &mut buffer, &Silent)?;
    let incoming = match member.digest {
        Some(digest) => digest,
        None => digest(content, &mut buffer, &Silent).map_err(|error| member.failed(error))?.0,
    };
    Ok(existing == incoming)
}
