//! Unpacking all or part of a ModelKit into a directory.

use std::path::PathBuf;
use std::sync::Arc;

use super::choice::{Choice, warn_of_other_layers, warn_of_remote_datasets};
use super::dropped::{lacks_record, settle_earlier, warn_of_no_record};
use super::layers::{Unpacker, report_layers};
use super::ledger::{FolderLedger, repository};
use super::space::check_disk_space;
use crate::archive::{Destination, Overwrite, PathPatterns, Placed, UnsafePaths};
use crate::modelkit::Selection;
use crate::oci::Descriptor;
use crate::ops::artifact::check_paths;
use crate::ops::disk_space;
use crate::ops::error::Error;
use crate::ops::remote_data::RemoteData;
use crate::ops::session::{Located, Session};
use crate::ops::transfer::{DeltaSource, Older, Taken};
use crate::ops::workers::{self, Jobs};
use crate::progress::Warning;
use crate::relative_path::RelativePath;
use crate::sys;

/// Options of [`unpack`].
#[derive(Debug, Clone)]
pub struct UnpackOptions {
    /// The directory to unpack into. It is created if it does not exist.
    pub folder: PathBuf,
    /// The treatment of existing files that differ.
    pub overwrite: Overwrite,
    /// The treatment of paths that other programs execute or trust.
    pub unsafe_paths: UnsafePaths,
    /// The parts to unpack.
    pub selection: Selection,
    /// The files and folders to unpack of these parts.
    pub paths: Arc<PathPatterns>,
    /// The treatment of remote datasets.
    pub remote: RemoteData,
    /// The treatment of files that an earlier version left in the folder.
    pub dropped: DroppedFiles,
    /// The number of layers that are unpacked at the same time.
    pub jobs: Jobs,
}

/// The treatment of unchanged files of an earlier version from the same repository that the ModelKit does not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DroppedFiles {
    /// They are left in the folder, and a warning lists the first ones.
    #[default]
    Keep,
    /// They are deleted.
    Delete,
}

/// The result of unpacking.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// The manifest of the ModelKit.
    pub manifest: Descriptor,
    /// The changes to files.
    pub placed: Placed,
    /// The number of unpacked layers, including those of parents, and of remote datasets that are files.
    pub layers: usize,
    /// The files of an earlier version that were deleted, sorted.
    pub deleted: Vec<RelativePath>,
    /// The content that was read from existing files instead of being fetched.
    pub taken: Taken,
}

/// Unpacks the selected parts of a ModelKit, of the ModelKits that its model refers to, and of its remote datasets.
///
/// From a registry, only the content that the files in the directory do not contain is fetched, if that is likely to be
/// faster.
///
/// If only a small part of a layer is selected by path, only the ranges of these files are read, and verified by the
/// table of contents. Any other layer is read once, verified, and staged until all are verified and no existing file
/// conflicts; only then do files get their final names. An error before that leaves the directory unchanged. As with
/// `cp`, the operating system decides when the files are written to disk, unless the store waits for the disk; after a
/// power failure a second run replaces the files that were damaged.
pub fn unpack(session: &Session<'_>, found: &Located, name: &str, options: &UnpackOptions) -> Result<Unpacked, Error> {
    let unpacked = unpack_whole(session, found, name, options).map_err(|error| error.of_place(found.is_remote));
    unpacked.map_err(|error| disk_space::explain(&options.folder, error))
}

fn unpack_whole(
    session: &Session<'_>,
    found: &Located,
    name: &str,
    options: &UnpackOptions,
) -> Result<Unpacked, Error> {
    let choice = Choice::read(session, found, name, options)?;
    let Choice { child, remotes, .. } = &choice;
    let delta = DeltaSource::new(&*found.source, Older::Tree(&options.folder));
    let source = if found.is_remote { &delta } else { &*found.source };
    choice.admit(session, (found, source), &options.folder)?;
    let wanted = choice.wanted(source, name, options, session.progress)?;
    check_disk_space(&wanted, &remotes.files, options)?;

    warn_of_remote_datasets(&child.modelkit, options, session.progress);
    warn_of_other_layers(&child.modelkit, options, session.progress);
    let layer_sizes = wanted.iter().flat_map(|wanted| &wanted.layers).map(|layer| layer.descriptor.size);
    let sizes: Vec<u64> = layer_sizes.chain(remotes.files.iter().map(|file| file.size)).collect();
    let fill = |destination: &Destination, by_pieces: bool| -> Result<(), Stop> {
        let _whole = session.progress.overall(sizes.iter().copied().fold(0, u64::saturating_add));
        let unpacker = Unpacker::new(destination, session.progress, options, by_pieces);
        if options.selection.takes_kitfile() {
            unpacker.write_kitfile(&child.modelkit)?;
        }
        wanted.iter().try_for_each(|wanted| unpacker.unpack_layers(wanted))?;
        Ok(workers::run(options.jobs.large, &remotes.files, |file| unpacker.unpack_file(file)).map(drop)?)
    };
    let lacks_record = lacks_record(session, &repository(name), options);
    let mut by_pieces = true;
    let (outcome, ledger) = loop {
        let destination = Destination::open(&options.folder, options.overwrite)?;
        let destination = destination.with_unsafe_paths(&options.unsafe_paths).with_paths(&options.paths);
        let ledger = Arc::new(FolderLedger::begin(session, (&choice, &wanted), name, options)?);
        let destination = destination.with_ledger(ledger.clone());
        match fill(&destination, by_pieces) {
            Ok(()) => {
                check_paths(&options.paths, &options.selection, name)?;
                break (destination.commit()?, ledger);
            }
            Err(Stop::Refuted) => {}
            Err(Stop::Doubted) => by_pieces = false,
            Err(Stop::Failed(error)) => return Err(error),
        }
    };
    if session.store.waits_for_disk() {
        sys::sync_tree(&options.folder)?;
        sys::flush_disk(&options.folder)?;
    }
    let earlier = ledger.finish();
    report_layers(&wanted, outcome.files, session.progress);
    if outcome.repaired > 0 {
        session.progress.warn(&Warning::DamagedFilesReplaced { files: outcome.repaired });
    }
    if lacks_record {
        warn_of_no_record(options, session.progress);
    }
    let deleted = settle_earlier(earlier, (&*found.source, child), options, session.progress)?;
    let (manifest, taken) = (child.descriptor.clone(), delta.taken());
    Ok(Unpacked { manifest, placed: outcome, layers: sizes.len(), deleted, taken })
}

/// The reason why filling a destination stopped.
pub(super) enum Stop {
    /// A layer did not match its digest and is now read from another source. Its staged files must be deleted; all
    /// other staged files are deleted with them, which costs the time to read them again, once for each broken mirror.
    Refuted,
    /// A layer does not match its table of contents, or an error occurred while its chunks were read. Reading it
    /// sequentially finds the error, or shows that only the table is wrong.
    Doubted,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
