//! The packages of a notebook with their versions: those of a lock file, or else those that are installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::limits;
use crate::notebook::{Facts, distribution};
use crate::sys::read_regular;
use crate::verdict::{locked_packages, normalized_package};

/// A package that a notebook needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The name of the package.
    pub package: String,
    /// The version, if it is known.
    pub version: Option<String>,
}

/// Lock files, the most exact ones first.
const LOCK_FILES: [&str; 11] = [
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile.lock",
    "requirements.lock",
    "requirements.txt",
    "environment.yml",
    "environment.yaml",
    "conda.yaml",
    "python_env.yaml",
];

/// Folders of a project that may be virtual environments.
const ENVIRONMENTS: [&str; 2] = [".venv", "venv"];

impl Requirement {
    /// The line for a `requirements.txt`.
    pub fn line(&self) -> String {
        self.version.as_ref().map_or_else(|| self.package.clone(), |version| format!("{}=={version}", self.package))
    }
}

/// Returns the lock files in `folder`.
pub(super) fn lock_files(folder: &Path) -> Vec<&'static str> {
    LOCK_FILES.into_iter().filter(|name| folder.join(name).is_file()).collect()
}

/// Returns the packages of a notebook in `folder` by name, without the modules in `own`, which belong to the project.
/// `environments` are folders of Python environments besides those in `folder`.
pub(super) fn requirements(
    facts: &Facts,
    own: &BTreeSet<String>,
    folder: &Path,
    environments: &[PathBuf],
) -> Vec<Requirement> {
    let locked = locked(folder);
    let installed = Installed::read(folder, environments);
    let mut found = BTreeMap::new();
    for install in &facts.installs {
        let name = install.split(['=', '<', '>', '!', '~', '[', '@', ' ']).next().unwrap_or_default();
        let version = install.split_once("==").map(|(_, version)| version.to_owned());
        let known = locked.get(&normalized_package(name)).cloned();
        let package = name.to_owned();
        found.insert(normalized_package(name), Requirement { package, version: known.or(version) });
    }
    for module in facts.modules.iter().filter(|module| !own.contains(*module)) {
        let package = installed.package(module).unwrap_or_else(|| distribution(module).to_owned());
        let key = normalized_package(&package);
        let version = locked.get(&key).or_else(|| installed.versions.get(&key)).cloned();
        let requirement = found.entry(key).or_insert(Requirement { package, version: None });
        requirement.version = version.or(requirement.version.take());
    }
    found.into_values().collect()
}

/// The versions of all lock files, by normalized name.
fn locked(folder: &Path) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for name in lock_files(folder) {
        // A lock file that cannot be read has no versions; the requirements are a draft.
        let Ok(bytes) = read_regular(&folder.join(name), limits::PROJECT_TEXT_BYTES) else { continue };
        for (package, version) in locked_packages(name, &String::from_utf8_lossy(&bytes)) {
            versions.entry(package).or_insert(version);
        }
    }
    versions
}

/// The packages that are installed in Python environments.
#[derive(Default)]
struct Installed {
    /// The versions, by normalized name.
    versions: BTreeMap<String, String>,
    /// The packages by module, if their names differ.
    packages: BTreeMap<String, String>,
}

impl Installed {
    /// Reads the names of `NAME-VERSION.dist-info` (`PyPA`, "Recording installed projects"), and the modules in them.
    fn read(folder: &Path, environments: &[PathBuf]) -> Self {
        let mut installed = Self::default();
        let own = ENVIRONMENTS.map(|name| folder.join(name));
        for environment in own.iter().chain(environments) {
            for packages in site_packages(environment) {
                installed.add(&packages);
            }
        }
        installed
    }

    fn add(&mut self, packages: &Path) {
        for name in names(packages) {
            let Some((package, version)) = name.strip_suffix(".dist-info").and_then(|name| name.rsplit_once('-'))
            else {
                continue;
            };
            self.versions.entry(normalized_package(package)).or_insert_with(|| version.to_owned());
            let top_level = packages.join(&name).join("top_level.txt");
            let Ok(bytes) = read_regular(&top_level, limits::MODEL_CONFIG_BYTES) else { continue };
            for module in String::from_utf8_lossy(&bytes).lines().filter(|module| *module != package) {
                self.packages.entry(module.to_owned()).or_insert_with(|| package.replace('_', "-"));
            }
        }
    }

    /// Returns the installed package that has the module, if it has another name and is not well known.
    fn package(&self, module: &str) -> Option<String> {
        let known = normalized_package(distribution(module));
        if self.versions.contains_key(&known) || distribution(module) != module {
            return None;
        }
        self.packages.get(module).cloned()
    }
}

/// The folders with packages of an environment, on Unix and on Windows.
fn site_packages(environment: &Path) -> Vec<PathBuf> {
    let lib = environment.join("lib");
    let versions = names(&lib).into_iter().filter(|name| name.starts_with("python"));
    let unix = versions.map(|name| lib.join(name).join("site-packages"));
    unix.chain([environment.join("Lib").join("site-packages")]).collect()
}

/// The names in a folder, sorted; none if it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(facts: &Facts, folder: &Path) -> Vec<String> {
        let own = BTreeSet::from(["helpers".to_owned()]);
        requirements(facts, &own, folder, &[]).iter().map(Requirement::line).collect()
    }

    #[test]
    fn versions_come_from_lock_files_and_then_from_environments() {
        let folder = tempfile::tempdir().unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let modules = texts(&["sklearn", "numpy", "helpers", "odd", "pandas"]);
        let facts = Facts { modules, installs: texts(&["einops==0.7", "numpy"]), ..Facts::default() };
        assert_eq!(lines(&facts, folder.path()), ["einops==0.7", "numpy", "odd", "pandas", "scikit-learn"]);
        let packages = folder.path().join(".venv/lib/python3.12/site-packages");
        for (name, module) in [("odd_package-2.0", "odd"), ("numpy-2.1.0", "numpy"), ("pandas-2.2.0", "pandas")] {
            let place = packages.join(format!("{name}.dist-info"));
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("top_level.txt"), module).unwrap();
        }
        fs::write(folder.path().join("uv.lock"), "[[package]]\nname = \"scikit-learn\"\nversion = \"1.4.0\"\n")
            .unwrap();
        fs::write(folder.path().join("requirements.txt"), "numpy==1.26.4\nscikit-learn==1.0\n").unwrap();
        let expected = ["einops==0.7", "numpy==1.26.4", "odd-package==2.0", "pandas==2.2.0", "scikit-learn==1.4.0"];
        assert_eq!(lines(&facts, folder.path()), expected);
    }
}
