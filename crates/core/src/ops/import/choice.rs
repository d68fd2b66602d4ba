//! Selects the files of a repository that a Kitfile names, and assigns them to layers.

use super::error::ImportError;
use crate::archive::IgnoreRules;
use crate::kitfile::{Dataset, Entry, Kitfile};
use crate::ops::init::draft;
use crate::ops::pack::clean_path;
use crate::relative_path::RelativePath;
use crate::upstream::{Upstream, UpstreamFile};

/// The files of a repository that may be in a layer, and a Kitfile for them.
pub(super) struct Choice<'a> {
    /// The Kitfile.
    pub(super) kitfile: Kitfile,
    ignore: IgnoreRules,
    /// The files that the repository's `.kitignore` does not exclude, sorted by path.
    files: Vec<&'a UpstreamFile>,
    /// The paths of the layers. At least one file is at or below each.
    paths: Vec<RelativePath>,
}

const IGNORE_FILE: &str = ".kitignore";

impl<'a> Choice<'a> {
    /// Selects files by `kitfile`, or else by the repository's own Kitfile, or else by a draft. An entry without any
    /// file is an error.
    pub(super) fn of(upstream: &'a dyn Upstream, kitfile: Option<&Kitfile>, depth: usize) -> Result<Self, ImportError> {
        let ignore = ignore_rules(upstream)?;
        let files: Vec<_> = upstream.files().iter().filter(|file| !ignore.is_ignored(&file.path)).collect();
        let kitfile = kitfile.or(upstream.about().kitfile.as_ref()).cloned();
        let is_drafted = |file: &&UpstreamFile| !ignore.leaves_out(&RelativePath::root(), &file.path, None);
        let drafted = || draft(upstream, &files.iter().copied().filter(is_drafted).collect::<Vec<_>>(), depth);
        let kitfile = kitfile.map_or_else(drafted, Ok)?;
        let paths = entries(upstream, &kitfile).iter().map(clean_path).collect::<Result<Vec<_>, _>>()?;
        let is_missing = |path: &&RelativePath| !files.iter().any(|file| file.path.starts_with(path));
        match paths.iter().find(is_missing) {
            Some(path) => Err(ImportError::NotInRepository(path.clone())),
            None => Ok(Self { kitfile, ignore, files, paths }),
        }
    }

    /// Returns the files that belong to a layer.
    pub(super) fn wanted(&self) -> Vec<&'a UpstreamFile> {
        self.files.iter().filter(|file| self.layer_of(file).is_some()).copied().collect()
    }

    /// Returns the Kitfile with one entry for each file, so that each layer is a single file.
    pub(super) fn single_files(self) -> Result<Kitfile, ImportError> {
        let mut single = self.kitfile.clone();
        if let Some(model) = &mut single.model {
            let path = layer_path(&model.path).filter(|path| self.paths.contains(path));
            if let Some(path) = path.filter(|path| !self.files.iter().any(|file| file.path == *path)) {
                return Err(ImportError::FolderAsFile(path));
            }
            self.spread(&mut model.parts, |part| &mut part.path);
        }
        let (mut datasets, elsewhere): (Vec<Dataset>, Vec<_>) =
            single.datasets.into_iter().partition(|dataset| dataset.remote_path.is_empty());
        self.spread(&mut datasets, |dataset| &mut dataset.path);
        datasets.extend(elsewhere);
        single.datasets = datasets;
        self.spread(&mut single.code, |code| &mut code.path);
        self.spread(&mut single.docs, |docs| &mut docs.path);
        self.spread(&mut single.prompts, |prompt| &mut prompt.path);
        Ok(single)
    }

    /// Replaces each entry by one entry for each of its files.
    fn spread<T: Clone>(&self, entries: &mut Vec<T>, path: impl Fn(&mut T) -> &mut String) {
        for mut entry in std::mem::take(entries) {
            let text = path(&mut entry).clone();
            let is_own =
                |file: &&&UpstreamFile| self.layer_of(file).is_some_and(|layer| text.parse().as_ref() == Ok(layer));
            for file in self.files.iter().filter(is_own) {
                path(&mut entry).replace_range(.., file.path.as_str());
                entries.push(entry.clone());
            }
        }
    }

    /// Returns the path of the layer that a file belongs to: the innermost one, if there are several. Files of tools
    /// belong to none, as in packing.
    fn layer_of(&self, file: &UpstreamFile) -> Option<&RelativePath> {
        let around = self.paths.iter().filter(|path| file.path.starts_with(path));
        let layer = around.max_by_key(|path| path.components().count());
        layer.filter(|layer| !self.ignore.leaves_out(layer, &file.path, None))
    }
}

/// Returns the entries that have a layer. A model path that looks like a reference is still a file if that file exists.
pub(super) fn entries<'k>(upstream: &dyn Upstream, kitfile: &'k Kitfile) -> Vec<Entry<'k>> {
    let path = kitfile.model.as_ref().and_then(|model| layer_path(&model.path));
    let is_file = path.is_some_and(|path| upstream.files().iter().any(|file| file.path.starts_with(&path)));
    if is_file { kitfile.entries_with_model_file() } else { kitfile.entries() }
}

/// Returns the path of a model, if `text` can be a path.
fn layer_path(text: &str) -> Option<RelativePath> {
    text.parse().ok().filter(|_| !text.is_empty())
}

/// Returns the rules in the `.kitignore` of the commit, which `kit pack` would apply as well.
fn ignore_rules(upstream: &dyn Upstream) -> Result<IgnoreRules, ImportError> {
    let rules = upstream.files().iter().find(|file| file.path.as_str() == IGNORE_FILE);
    let Some(file) = rules else { return Ok(IgnoreRules::default()) };
    Ok(IgnoreRules::parse(&String::from_utf8_lossy(&upstream.read(file)?))?)
}
