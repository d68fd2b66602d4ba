//! The error that a path of the Kitfile does not exist, with what the author may have meant.

use std::path::Path;

use fs_err as fs;

use crate::archive::error::Error;
use crate::problem::closest;
use crate::relative_path::RelativePath;
use crate::sys::name_of;

/// Returns the error that nothing is at `path` in the folder `root`.
pub(super) fn missing(root: &Path, path: &RelativePath) -> Error {
    let meant = || existing(root, path).map(|meant| format!("did you mean `{meant}`?"));
    Error::MissingPath { path: path.clone(), advice: of_pattern(path).or_else(meant) }
}

/// Returns the path that exists and is like `path`.
fn existing(root: &Path, path: &RelativePath) -> Option<RelativePath> {
    let mut found = RelativePath::root();
    for name in path.components() {
        let whole = found.child(name).ok()?;
        found = if whole.join_to(root).exists() { whole } else { found.child(&neighbour(root, &found, name)?).ok()? };
    }
    Some(found)
}

/// Returns the entry of `folder` whose name is most like `name`.
fn neighbour(root: &Path, folder: &RelativePath, name: &str) -> Option<String> {
    let entries = fs::read_dir(folder.join_to(root)).ok()?;
    let names: Vec<_> = entries.filter_map(|entry| name_of(&entry.ok()?)).collect();
    closest(name, &names.iter().map(String::as_str).collect::<Vec<_>>()).map(str::to_owned)
}

/// The advice for a pattern, which a Kitfile cannot have.
fn of_pattern(path: &RelativePath) -> Option<String> {
    let is_pattern = |name: &str| name.contains(['*', '?', '[']);
    let fixed: Vec<_> = path.components().take_while(|name| !is_pattern(name)).collect();
    let folder = if fixed.is_empty() { ".".to_owned() } else { fixed.join("/") };
    is_pattern(path.as_str()).then(|| format!("patterns are not supported: list the folder `{folder}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_named() {
        let root = tempfile::tempdir().unwrap();
        for path in ["models/churn.pkl", "data/a.csv"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        for (path, expected) in [
            ("models/chrun.pkl", Some("did you mean `models/churn.pkl`?")),
            ("model/churn.pkl", Some("did you mean `models/churn.pkl`?")),
            ("modles", Some("did you mean `models`?")),
            ("models/other.bin", None),
            ("other/churn.pkl", None),
            ("data/*.csv", Some("patterns are not supported: list the folder `data`")),
            ("*/a.csv", Some("patterns are not supported: list the folder `.`")),
        ] {
            let Error::MissingPath { advice, .. } = missing(root.path(), &path.parse().unwrap()) else { panic!() };
            assert_eq!(advice.as_deref(), expected, "{path}");
        }
    }
}
