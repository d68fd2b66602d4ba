//! The cache of the Hugging Face libraries: `models--OWNER--NAME/snapshots/REVISION`, where each file is a link to a
//! blob (huggingface.co/docs/huggingface_hub/guides/manage-cache).

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::kitfile::Package;

/// A snapshot of a repository in the cache, identified by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedSnapshot {
    /// The owner of the repository, if it has one.
    pub owner: Option<String>,
    /// The name of the repository, without its owner.
    pub name: String,
    /// The commit.
    pub revision: String,
    /// The page of the repository on the public hub.
    pub url: String,
}

/// A folder of the cache that holds the snapshots of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheFolder {
    /// The snapshots in it, sorted by name.
    pub snapshots: Vec<PathBuf>,
    /// The snapshot of the branch `main`, or the only one.
    pub current: Option<PathBuf>,
}

/// The largest length of a file in `refs`, which contains a commit.
const REF_BYTES: u64 = 256;

impl CachedSnapshot {
    /// Identifies a folder in the cache by its absolute path.
    pub fn of(folder: &Path) -> Option<Self> {
        let name = |folder: &Path| Some(folder.file_name()?.to_str()?.to_owned());
        let (revision, snapshots) = (name(folder)?, folder.parent()?);
        let repository = name(snapshots.parent()?).filter(|_| snapshots.ends_with("snapshots"))?;
        let (kind, repository) = repository.split_once("--")?;
        let kind = ["models", "datasets", "spaces"].into_iter().find(|known| *known == kind)?;
        let (owner, name) = match repository.split_once("--") {
            Some((owner, name)) => (Some(owner.to_owned()), name.to_owned()),
            None => (None, repository.to_owned()),
        };
        let path = repository.replacen("--", "/", 1);
        let section = if kind == "models" { String::new() } else { format!("{kind}/") };
        Some(Self { owner, name, revision, url: format!("https://huggingface.co/{section}{path}") })
    }

    /// The command that downloads the files of the snapshot that are missing (documentation of
    /// `huggingface_hub`, "hf download").
    pub(super) fn download(&self) -> String {
        let path = self.url.trim_start_matches("https://huggingface.co/");
        let (path, kind) = match path.split_once('/') {
            Some(("datasets", path)) => (path, " --repo-type dataset"),
            Some(("spaces", path)) => (path, " --repo-type space"),
            _ => (path, ""),
        };
        format!("hf download {path}{kind} --revision {}", self.revision)
    }

    /// Fills empty fields of the package with the name and the source of the repository.
    pub fn describe(&self, package: &mut Package) {
        if package.name.is_empty() {
            package.name.clone_from(&self.name);
        }
        if package.authors.is_empty() {
            package.authors.extend(self.owner.clone());
        }
        if package.description.is_empty() {
            package.description = format!("From {} at {}", self.url, self.revision);
        }
    }
}

impl CacheFolder {
    /// Recognizes the folder of a repository in the cache by its name and by the folder `snapshots` in it.
    pub fn of(folder: &Path) -> Option<Self> {
        let snapshots = folder.join("snapshots");
        let entries = fs::read_dir(&snapshots).ok()?;
        let mut snapshots: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        snapshots.retain(|snapshot| CachedSnapshot::of(snapshot).is_some() && snapshot.is_dir());
        snapshots.sort();
        let main = main_revision(folder).map(|revision| folder.join("snapshots").join(revision));
        let current = main.filter(|main| snapshots.contains(main));
        let only = if let [only] = &snapshots[..] { Some(only.clone()) } else { None };
        (!snapshots.is_empty()).then(|| Self { current: current.or(only), snapshots })
    }
}

fn main_revision(folder: &Path) -> Option<String> {
    let file = folder.join("refs/main");
    fs::metadata(&file).ok().filter(|metadata| metadata.is_file() && metadata.len() <= REF_BYTES)?;
    Some(fs::read_to_string(file).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_identified_by_its_path() {
        let snapshot = |path: &str| CachedSnapshot::of(Path::new(path));
        let found = snapshot("/c/hub/models--org--tiny--net/snapshots/0123").unwrap();
        let mut package = Package::default();
        found.describe(&mut package);
        assert_eq!((&*package.name, &*package.authors), ("tiny--net", &["org".to_owned()][..]));
        assert_eq!(package.description, "From https://huggingface.co/org/tiny--net at 0123");
        assert_eq!(snapshot("/c/models--gpt2/snapshots/1").unwrap().url, "https://huggingface.co/gpt2");
        assert_eq!(found.download(), "hf download org/tiny--net --revision 0123");
        let dataset = snapshot("/c/datasets--a--b/snapshots/1").unwrap();
        assert_eq!(dataset.download(), "hf download a/b --repo-type dataset --revision 1");
        assert_eq!(dataset.url, "https://huggingface.co/datasets/a/b");
        for other in ["/", "/c/models--a--b/blobs/1", "/c/things--a--b/snapshots/1", "/c/models/snapshots/1"] {
            assert_eq!(snapshot(other), None, "{other}");
        }
    }

    #[test]
    fn a_repository_in_the_cache_has_a_current_snapshot() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("models--a--b");
        assert_eq!(CacheFolder::of(&folder), None);
        let make = |revision: &str| {
            fs::create_dir_all(folder.join("snapshots").join(revision)).unwrap();
            CacheFolder::of(&folder).unwrap().current
        };
        assert_eq!(make("one"), Some(folder.join("snapshots/one")));
        assert_eq!(make("two"), None);
        fs::create_dir_all(folder.join("refs")).unwrap();
        fs::write(folder.join("refs/main"), "two\n").unwrap();
        assert_eq!(CacheFolder::of(&folder).unwrap().current, Some(folder.join("snapshots/two")));
        assert_eq!(CacheFolder::of(cache.path()), None);
    }
}
