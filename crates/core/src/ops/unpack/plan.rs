//! The plan of unpacking, made without writing anything.

use std::ops::ControlFlow;

use super::choice::{Choice, Wanted, warn_of_other_layers, warn_of_remote_datasets};
use super::into_folder::UnpackOptions;
use crate::kitfile::{self, FILE_NAMES};
use crate::limits;
use crate::modelkit::Layer;
use crate::oci::Source;
use crate::ops::artifact::check_paths;
use crate::ops::error::Error;
use crate::ops::files::{Headers, Held, skim};
use crate::ops::session::{Located, Session};
use crate::ops::workers;
use crate::relative_path::RelativePath;

/// A file that unpacking would write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// The path below the folder.
    pub path: RelativePath,
    /// The size in bytes; `None` for a compressed layer that consists of this one file.
    pub bytes: Option<u64>,
    /// True if something exists at the path. Unpacking compares it with the file, which the plan does not.
    pub exists: bool,
}

/// Returns the files that [`unpack`](super::unpack) would write, sorted by path. Of uncompressed layers only the file
/// headers are read, compressed layers are read completely.
pub fn plan_unpack(
    session: &Session<'_>,
    found: &Located,
    name: &str,
    options: &UnpackOptions,
) -> Result<Vec<PlannedFile>, Error> {
    let choice = Choice::read(session, found, name, options)?;
    let wanted = choice.wanted(&*found.source, name, options, session.progress)?;
    warn_of_remote_datasets(&choice.child.modelkit, options, session.progress);
    warn_of_other_layers(&choice.child.modelkit, options, session.progress);
    let held = Held::new(limits::LISTED_FILES);
    let layers = wanted.iter().flat_map(|Wanted { source, layers, .. }| layers.iter().map(|layer| (*source, *layer)));
    let layers: Vec<_> = layers.collect();
    let listed = workers::run(options.jobs.small, &layers, |(source, layer)| list(*source, layer, options, &held))?;
    let mut files: Vec<_> = listed.into_iter().flatten().collect();
    if options.selection.takes_kitfile() {
        let path = RelativePath::root().child(FILE_NAMES[0]).expect("the name of a Kitfile is a name");
        files.push((path, Some(kitfile::to_yaml(&choice.child.modelkit.config.kitfile).len() as u64)));
    }
    files.extend(choice.remotes.files.iter().map(|file| (file.path.clone(), Some(file.size))));
    files.retain(|(path, _)| options.paths.take(path));
    check_paths(&options.paths, name)?;
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files.dedup_by(|one, other| one.0 == other.0);
    let planned = files.into_iter().map(|(path, bytes)| {
        let exists = path.join_to(&options.folder).symlink_metadata().is_ok();
        PlannedFile { path, bytes, exists }
    });
    Ok(planned.collect())
}

/// Returns the files in `layer` with their sizes.
fn list(
    source: &dyn Source,
    layer: &Layer,
    options: &UnpackOptions,
    held: &Held,
) -> Result<Vec<(RelativePath, Option<u64>)>, Error> {
    let mut files = Vec::new();
    let done = skim(source, layer, Headers::Compare, &mut |member, _| {
        if !member.is_directory && options.paths.may_match_at_or_below(&member.path) {
            held.add(&member.path)?;
            files.push((member.path.clone(), member.size));
        }
        Ok(ControlFlow::Continue(()))
    });
    done.map(|_| files)
}
