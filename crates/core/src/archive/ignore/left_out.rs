//! Files and folders of tools that are not packed unless the Kitfile or the `.kitignore` names them: version control,
//! caches, virtual environments and swap files of editors.

use std::path::Path;

use super::rules::IgnoreRules;
use crate::relative_path::RelativePath;

const GIT: &str = ".git";

/// Names of files and folders that tools leave behind.
const NAMES: [&str; 7] = [GIT, ".hg", ".svn", ".DS_Store", "__pycache__", ".ipynb_checkpoints", ".venv"];

/// Names that virtual environments of Python usually have besides `.venv`.
const ENVIRONMENTS: [&str; 3] = ["venv", "env", "virtualenv"];

/// The file that makes a folder a virtual environment (PEP 405).
const ENVIRONMENT_FILE: &str = "pyvenv.cfg";

/// Returns true if a tool has left the file or folder at `place`, whose name is `name`.
pub fn is_left_by_tool(name: &str, place: &Path) -> bool {
    if name == GIT {
        return is_git(place);
    }
    has_name_of_tool(name) || ENVIRONMENTS.contains(&name) && place.join(ENVIRONMENT_FILE).is_file()
}

/// Returns true for a repository, by what git requires of one (`is_git_directory` in git's setup.c), and for the file
/// that leads to the repository of a worktree or of a submodule. Another folder of that name is packed.
fn is_git(place: &Path) -> bool {
    place.is_file() || ["HEAD", "objects", "refs"].iter().all(|name| place.join(name).exists())
}

pub(super) fn has_name_of_tool(name: &str) -> bool {
    let is_swap_file = name.rsplit_once('.').is_some_and(|(_, end)| ["swp", "swo"].contains(&end));
    // Emacs: locks, and files that are saved automatically.
    let is_of_emacs = name.starts_with(".#") || name.len() > 1 && name.starts_with('#') && name.ends_with('#');
    NAMES.contains(&name) || name.starts_with(".kit-") || is_swap_file || is_of_emacs
}

impl IgnoreRules {
    /// Returns true if `path` is, or is below, something that a tool has left in the layer at `layer`.
    ///
    /// A `!` line includes it if its pattern matches that name or something below it. A layer whose own path contains
    /// such a name has everything that is there. `root` is the folder that the paths are relative to; without it, only
    /// names count.
    pub fn leaves_out(&self, layer: &RelativePath, path: &RelativePath, root: Option<&Path>) -> bool {
        if layer.components().any(has_name_of_tool) {
            return false;
        }
        let text = path.as_str();
        let mut end = if layer.is_root() { 0 } else { layer.as_str().len() };
        for name in path.components().skip(layer.components().count()) {
            end += usize::from(end > 0) + name.len();
            let is_of_tool = match root {
                Some(root) => is_left_by_tool(name, &root.join(&text[..end])),
                None => has_name_of_tool(name),
            };
            if is_of_tool && !self.keeps_from(text, end) {
                return true;
            }
        }
        false
    }

    /// Returns true if a `!` line matches `path`, or a folder above it that has at least `shortest` bytes.
    fn keeps_from(&self, path: &str, shortest: usize) -> bool {
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        let mut paths = folders.filter(|folder| folder.len() >= shortest).chain([path]);
        paths.any(|path| self.keeps(path))
    }
}

/// The files and folders that were left out: the first ones, and the number of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The first paths; a folder counts as one.
    pub paths: Vec<RelativePath>,
    /// The number of paths that are not in `paths`.
    pub more: usize,
}

impl LeftOut {
    /// The number of paths that are kept.
    const KEPT: usize = 5;

    /// Adds a path.
    pub(crate) fn add(&mut self, path: &RelativePath) {
        if self.paths.len() < Self::KEPT {
            self.paths.push(path.clone());
        } else {
            self.more += 1;
        }
    }

    /// Adds everything that was left out of another layer.
    pub fn extend(&mut self, other: &Self) {
        other.paths.iter().for_each(|path| self.add(path));
        self.more += other.more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves_out(rules: &str, layer: &str, path: &str) -> bool {
        let rules = IgnoreRules::parse(rules).unwrap();
        rules.leaves_out(&layer.parse().unwrap(), &path.parse().unwrap(), None)
    }

    #[test]
    fn names_of_tools_are_left_out_unless_they_are_named() {
        for (rules, layer, path, expected) in [
            ("", ".", ".git/HEAD", true),
            ("", ".", "a/.git", true),
            ("", ".", "a/git", false),
            ("", "a", "a/b/__pycache__/x.pyc", true),
            ("", "a", "a/.x.swp", true),
            ("", "a", "a/#x#", true),
            ("", "a", "a/#x", false),
            ("", ".", ".gitignore", false),
            ("", ".git", ".git/HEAD", false),
            ("", "a/.git/hooks", "a/.git/hooks/x.swp", false),
            ("!.git", ".", ".git/HEAD", false),
            ("!.git/config", ".", ".git/config", false),
            ("!.git/config", ".", ".git/HEAD", true),
            ("!**/__pycache__", ".", "a/b/__pycache__/x", false),
            ("!a", ".", "a/__pycache__/x", true),
            ("!a/**", ".", "a/__pycache__/x", false),
            (".git", ".", ".git/HEAD", true),
        ] {
            assert_eq!(leaves_out(rules, layer, path), expected, "{rules:?} {layer} {path}");
        }
    }

    #[test]
    fn a_folder_is_a_virtual_environment_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["venv/pyvenv.cfg", "env/x", "a/env/pyvenv.cfg"] {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        }
        let rules = IgnoreRules::default();
        for (path, expected) in [("venv/lib/x", true), ("a/env", true), ("env/x", false), ("virtualenv", false)] {
            let found = rules.leaves_out(&RelativePath::root(), &path.parse().unwrap(), Some(folder.path()));
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn only_the_first_paths_are_kept() {
        let mut left_out = LeftOut::default();
        for number in 0..7 {
            left_out.add(&format!("{number}").parse().unwrap());
        }
        let mut all = left_out.clone();
        all.extend(&left_out);
        assert_eq!((left_out.paths.len(), left_out.more, all.paths.len(), all.more), (5, 2, 5, 9));
    }
}
