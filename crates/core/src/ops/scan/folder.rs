//! Scanning a folder or a file.

use std::collections::BTreeSet;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::first_bytes::FirstBytes;
use super::licenses::{LicenseFile, license_file, licenses};
use super::result::{ScanOptions, Scanned, code_among_weights};
use crate::archive::{IgnoreRules, LayerSource, Links, Modes, Notebooks};
use crate::file_kind::is_model_file;
use crate::kitfile::{Entry, FILE_NAMES, Kitfile, Section};
use crate::limits;
use crate::modelkit::InvalidModelKit;
use crate::oci::ContentError;
use crate::ops::artifact::check_filters;
use crate::ops::error::Error;
use crate::ops::files::{Held, read_ignore_rules};
use crate::ops::workers;
use crate::progress::{Phase, Progress};
use crate::relative_path::RelativePath;
use crate::scan::{self, Report};
use crate::sys;

/// A folder to scan.
#[derive(Debug, Clone)]
pub struct ScannedFolder {
    /// The folder.
    pub path: PathBuf,
    /// Its Kitfile, if it has one.
    pub kitfile: Option<Kitfile>,
    /// The treatment of symbolic links.
    pub links: Links,
    /// The treatment of notebooks: their outputs are not scanned if they are not going to be packed.
    pub notebooks: Notebooks,
    /// The choice of files.
    pub files: FolderFiles,
}

/// The files of a folder that are scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderFiles {
    /// The files that `.kitignore` does not exclude, and those that it does if the Kitfile lists them.
    All,
    /// The files that would be packed.
    Packed,
}

/// Scans files of a folder. With a selection, only the files of the selected entries of the Kitfile. The result calls
/// the folder `name`.
pub fn scan_folder(
    folder: &ScannedFolder,
    name: &str,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Scanned, Error> {
    let files = files_of(folder, name, options, progress)?;
    let bytes = files.iter().map(|file| file.size).sum();
    let task = progress.start(Phase::Scanning, name, Some(bytes));
    let reports = workers::run(options.jobs, &files, |file| {
        let path = file.path.join_to(&folder.path);
        let report = scan_path(&path, &file.path, (file.path.as_str(), folder.notebooks), options);
        task.advance(file.size);
        report.map_err(|error| Error::reading(&format!("`{}`", file.path), ContentError::from(error)))
    })?;
    let mut scanned = Scanned::new(name, options);
    for (file, ScannedPath { size, report, license, first }) in files.iter().zip(reports) {
        scanned.license_files.extend(license);
        if matches!(file.section, Section::Model | Section::ModelPart) {
            scanned.model_files.push((file.path.to_string(), first));
        }
        let findings = report.findings.into_iter().chain(code_among_weights(&file.path, file.section)).collect();
        scanned.add(file.path.as_str(), size, Report { findings, ..report });
    }
    if let Some(kitfile) = &folder.kitfile {
        scanned.licenses = licenses(kitfile, &scanned.license_files);
    }
    Ok(scanned)
}

/// Scans the file `path`, which the result calls `name`.
pub fn scan_file(path: &Path, name: &str, options: &ScanOptions) -> Result<Scanned, Error> {
    let scan = scan_path(path, &RelativePath::root(), (name, Notebooks::AsTheyAre), options);
    let ScannedPath { size, report, .. } =
        scan.map_err(|error| Error::reading(&format!("`{name}`"), ContentError::from(error)))?;
    let mut scanned = Scanned::new(name, options);
    scanned.add(name, size, report);
    Ok(scanned)
}

/// A file that was scanned.
struct ScannedPath {
    size: u64,
    report: Report,
    license: Option<LicenseFile>,
    first: FirstBytes,
}

/// Scans a file, which is `inside` the folder. A file that changes meanwhile is an error: parts
/// of it were not scanned.
fn scan_path(
    path: &Path,
    inside: &RelativePath,
    (name, notebooks): (&str, Notebooks),
    options: &ScanOptions,
) -> io::Result<ScannedPath> {
    let mut file = sys::open_regular(path)?;
    let before = file.metadata()?;
    let size = before.len();
    let report = match notebooks.read_stripped(name, &mut file, size)? {
        Some(stripped) => scan::scan_file(&mut Cursor::new(&stripped), stripped.len() as u64, name, &options.rules)?,
        None => scan::scan_file(&mut file, size, name, &options.rules)?,
    };
    let license = license_file(&mut file, size, inside)?;
    let first = FirstBytes::read(&mut file)?;
    let after = file.metadata()?;
    if (after.len(), after.modified()?) != (size, before.modified()?) {
        return Err(io::Error::other("it changed while it was scanned"));
    }
    Ok(ScannedPath { size, report, license, first })
}

/// A file to scan.
struct File {
    path: RelativePath,
    size: u64,
    section: Section,
}

/// Returns the files to scan, by path.
fn files_of(
    folder: &ScannedFolder,
    name: &str,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Vec<File>, Error> {
    let entries = entries_of(folder)?;
    let named: Vec<_> =
        entries.iter().map(|(entry, path)| (entry.section, [entry.name, entry.path], path.clone())).collect();
    check_filters(&options.selection, name, &named, progress)?;
    let ignore = read_ignore_rules(&folder.path)?;
    let none = IgnoreRules::parse("")?;
    let is_selected = |(entry, path): &&(Entry<'_>, RelativePath)| {
        options.selection.takes_entry(entry.section, [entry.name, entry.path], path)
    };
    let mut files = Files { folder, found: BTreeSet::new(), held: Held::new(limits::LISTED_FILES) };
    let is_whole_folder = options.selection.is_everything() && folder.files == FolderFiles::All;
    if is_whole_folder {
        files.collect(&RelativePath::root(), &ignore)?;
    }
    for (_, path) in entries.iter().filter(is_selected) {
        if !is_whole_folder {
            files.collect(path, &ignore)?;
        }
        if folder.files == FolderFiles::All && files.is_ignored(path, &ignore)? {
            files.collect(path, &none)?;
        }
    }
    if options.selection.takes_kitfile() {
        files.add_kitfile()?;
    }
    let found = files.found;
    let folders: BTreeSet<_> = found
        .iter()
        .filter(|(path, _)| path.file_name().is_some_and(is_model_file))
        .filter_map(|(path, _)| path.parent())
        .collect();
    // The entry of a file is the one with the longest path. Without a Kitfile, code beside weights belongs to them.
    let section_of = |path: &RelativePath| match entries
        .iter()
        .filter(|(_, entry)| path.starts_with(entry))
        .max_by_key(|(_, entry)| entry.as_str().len())
    {
        Some((entry, _)) => entry.section,
        None if folder.kitfile.is_none() && path.parent().is_some_and(|parent| folders.contains(&parent)) => {
            Section::Model
        }
        None => Section::Code,
    };
    Ok(found.iter().map(|(path, size)| File { path: path.clone(), size: *size, section: section_of(path) }).collect())
}

/// Returns the entries of the Kitfile that have files in the folder.
fn entries_of(folder: &ScannedFolder) -> Result<Vec<(Entry<'_>, RelativePath)>, Error> {
    let Some(kitfile) = &folder.kitfile else { return Ok(Vec::new()) };
    let model = kitfile.model.as_ref();
    let is_file = model.is_some_and(|model| fs::symlink_metadata(folder.path.join(&model.path)).is_ok());
    let entries = if is_file { kitfile.entries_with_model_file() } else { kitfile.entries() };
    let with_path = |entry: Entry<'_>| {
        let path = entry.relative_path();
        path.map_err(|source| InvalidModelKit::Path { place: entry.place(), source })
    };
    entries.into_iter().map(|entry| Ok((entry, with_path(entry)?))).collect()
}

/// Collects the files of a folder.
struct Files<'a> {
    folder: &'a ScannedFolder,
    found: BTreeSet<(RelativePath, u64)>,
    held: Held,
}

impl Files<'_> {
    fn source<'s>(&'s self, path: &RelativePath, ignore: &'s IgnoreRules) -> LayerSource<'s> {
        let ScannedFolder { path: root, links, notebooks, .. } = self.folder;
        let (path, links, notebooks) = (path.clone(), *links, *notebooks);
        LayerSource { root, path, excluded: Vec::new(), ignore, links, modes: Modes::default(), notebooks }
    }

    /// Adds the files at and below `path` that `ignore` does not exclude.
    fn collect(&mut self, path: &RelativePath, ignore: &IgnoreRules) -> Result<(), Error> {
        let mut found = Vec::new();
        self.source(path, ignore).visit_files(&mut |path, size| found.push((path.clone(), size)))?;
        for file in found {
            self.held.add(&file.0)?;
            self.found.insert(file);
        }
        Ok(())
    }

    /// Adds the Kitfile, which is not in a layer.
    fn add_kitfile(&mut self) -> Result<(), Error> {
        for name in FILE_NAMES {
            if let Ok(metadata) = fs::metadata(self.folder.path.join(name)) {
                let path = name.parse().map_err(io::Error::other)?;
                self.found.insert((path, metadata.len()));
                break;
            }
        }
        Ok(())
    }

    /// Returns true if `ignore` excludes `path` itself.
    fn is_ignored(&self, path: &RelativePath, ignore: &IgnoreRules) -> Result<bool, Error> {
        Ok(self.source(path, ignore).measure(&mut |_, _| {})?.path_is_ignored)
    }
}
