//! Copying a file or a folder out of a ModelKit.

use std::ffi::OsStr;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf, is_separator};

use super::members::{Member, distinct, kitfile, open_whole, read_through, skim};
use super::tables::Headers;
use crate::archive::{Destination, Overwrite, Placed, SingleFile, UnsafePaths, extract_file};
use crate::compression::Compression;
use crate::modelkit::{Layer, ModelKit, label};
use crate::oci::Source;
use crate::ops::error::Error;
use crate::ops::workers::Jobs;
use crate::progress::{Phase, Progress, Silent, Task};
use crate::relative_path::RelativePath;

/// Options of [`cp`].
#[derive(Debug, Clone)]
pub struct CpOptions {
    /// The directory to copy into, if it is a directory or ends in `/`; otherwise the name of the copy in a directory.
    /// The directory must exist, as for cp(1) and `docker cp`.
    pub destination: PathBuf,
    /// The treatment of a directory that is copied into another one.
    pub nesting: Nesting,
    /// The treatment of existing files that differ.
    pub overwrite: Overwrite,
    /// The treatment of paths that other programs execute or trust.
    pub unsafe_paths: UnsafePaths,
    /// The number of layers that are read at the same time.
    pub jobs: Jobs,
}

/// The place of the files of a directory that is copied into another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// Below the name of the copied directory.
    Named,
    /// In the other directory itself, as for `SOURCE/.` of cp(1) and `docker cp`.
    Contents,
}

/// Copies the file or directory that `unpack` would place at `path`, and reports the changes to files.
///
/// Files get their final names only after all of them are complete. A layer that has to be read completely, because it
/// is wanted as a whole or is compressed, is verified first; of any other layer only the wanted ranges are read, and
/// ranges cannot be verified.
pub fn cp(
    source: &dyn Source,
    modelkit: &ModelKit,
    path: &RelativePath,
    options: &CpOptions,
    progress: &dyn Progress,
) -> Result<Placed, Error> {
    let (folder, base) = place(path, options.nesting, &options.destination)?;
    // A path with a spelling mistake should not become a folder.
    if !folder.is_dir() {
        return Err(Error::NoFolder(folder.components().collect()));
    }
    let destination = Destination::open(&folder, options.overwrite)?.with_unsafe_paths(&options.unsafe_paths);
    let nesting = options.nesting;
    let copier = Copier { source, path, base, nesting, destination: &destination, progress };
    let may_hold = |layer: &&Layer| layer.path.starts_with(path) || path.starts_with(&layer.path);
    let layers = distinct(modelkit.layers.iter().filter(may_hold));
    let was_there = options.jobs.run(&layers, |layer| layer.descriptor.size, |layer| copier.copy_from(layer))?;
    let kitfile = kitfile(modelkit).filter(|(file, _)| file.path.starts_with(path));
    if let Some((file, yaml)) = &kitfile {
        copier.copy(file, &mut yaml.as_bytes(), &Silent)?;
    }
    if kitfile.is_none() && !was_there.contains(&true) && !path.is_root() {
        return Err(Error::NoSuchFile(path.clone()));
    }
    Ok(destination.commit()?)
}

/// The directory to write to, and the name of `path` in it.
fn place(path: &RelativePath, nesting: Nesting, destination: &Path) -> Result<(PathBuf, RelativePath), Error> {
    let name = path.file_name().filter(|_| nesting == Nesting::Named);
    let (folder, name) = match (is_folder(destination), name) {
        (true, None) => return Ok((destination.to_owned(), RelativePath::root())),
        (true, Some(name)) => (destination, Some(name)),
        (false, _) => {
            (destination.parent().unwrap_or_else(|| Path::new("")), destination.file_name().and_then(OsStr::to_str))
        }
    };
    let base = name.and_then(|name| RelativePath::root().child(name).ok());
    Ok((folder.to_owned(), base.ok_or_else(|| Error::NotAName(destination.to_owned()))?))
}

/// Returns true if [`cp`] copies into `destination`: it is a directory or ends in a separator.
pub fn is_folder(destination: &Path) -> bool {
    destination.is_dir() || ends_in_separator(destination)
}

fn ends_in_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|byte| is_separator(char::from(*byte)))
}

struct Copier<'a> {
    source: &'a dyn Source,
    /// The path that is copied.
    path: &'a RelativePath,
    /// The name of that path in the destination.
    base: RelativePath,
    nesting: Nesting,
    destination: &'a Destination,
    progress: &'a dyn Progress,
}

impl Copier<'_> {
    /// Copies the files of `layer` at the path. Returns true if the layer contains the path.
    fn copy_from(&self, layer: &Layer) -> Result<bool, Error> {
        let blob = self.source.blob(&layer.descriptor);
        let task = self.progress.start(Phase::Copying, &label(&layer.descriptor), None);
        let mut is_there = false;
        let mut visit = |member: &Member, content: &mut dyn Read, is_skimmed: bool| {
            if !member.path.starts_with(self.path) {
                return Ok(ControlFlow::Continue(()));
            }
            is_there = true;
            match (member.is_directory, is_skimmed) {
                (true, _) => {}
                (false, true) => self.copy(member, &mut *open_whole(&*blob, layer, member, content)?, &*task)?,
                (false, false) => self.copy(member, content, &*task)?,
            }
            let is_all = !member.is_directory && member.path == *self.path;
            Ok(if is_all { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        if layer.compression != Compression::None || layer.path.starts_with(self.path) {
            read_through(self.source, layer, &mut |member, content| visit(member, content, false))?;
        } else {
            skim(self.source, layer, Headers::Leave, &mut |member, content| visit(member, content, true)).map(drop)?;
        }
        Ok(is_there)
    }

    fn copy(&self, member: &Member, content: &mut dyn Read, task: &dyn Task) -> Result<(), Error> {
        if self.nesting == Nesting::Contents && member.path == *self.path {
            return Err(Error::NotADirectory(member.path.clone()));
        }
        let mut below = member.path.components().skip(self.path.components().count());
        let to = below.try_fold(self.base.clone(), |folder, name| folder.child(name));
        let to = to.expect("the names of a clean path are normal");
        let file = SingleFile { path: &to, mode: member.mode, size: member.size, original: None };
        member.check_size(extract_file(content, file, self.destination, task)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_testkit::platform::IS_WINDOWS;

    #[test]
    fn a_directory_is_copied_into_and_another_path_is_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().to_str().unwrap();
        for (path, destination, expected_folder, base) in [
            ("a/b", there.to_owned(), there.to_owned(), "b"),
            (".", there.to_owned(), there.to_owned(), "."),
            ("a/b", format!("{there}/c"), there.to_owned(), "c"),
            (".", format!("{there}/c"), there.to_owned(), "c"),
            ("a/b", format!("{there}/c/"), format!("{there}/c/"), "b"),
        ] {
            let found = place(&path.parse().unwrap(), Nesting::Named, Path::new(&destination)).unwrap();
            assert_eq!(found, (expected_folder.into(), base.parse().unwrap()), "{path} {destination}");
        }
        let contents = |destination: &Path| place(&"a/b".parse().unwrap(), Nesting::Contents, destination).unwrap();
        assert_eq!(contents(folder.path()), (folder.path().to_owned(), RelativePath::root()));
        assert_eq!(contents(&folder.path().join("c")), (folder.path().to_owned(), "c".parse().unwrap()));
        // Windows takes `c/..` out of the path before it looks for `c`.
        let through_nothing = place(&"a".parse().unwrap(), Nesting::Named, &folder.path().join("c/.."));
        assert_eq!(through_nothing.is_ok(), IS_WINDOWS);
    }
}
