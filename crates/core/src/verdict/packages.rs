//! Compares versions of Python and of packages, from the lines of lock files.

use std::collections::BTreeMap;

use super::fact::{Fact, Level};
use super::profile::{Pair, Profile, pairs};
use super::reason::Reason;
use super::words::{arrow, listed};

/// A reader of a lock file, which returns the version of each package.
type ReadLock = fn(&str) -> BTreeMap<String, String>;

/// The files that pin packages, each with the reader of its lines.
const LOCKS: [(&str, ReadLock); 11] = [
    ("Pipfile.lock", of_pipfile),
    ("conda.yaml", of_requirements),
    ("environment.yaml", of_requirements),
    ("environment.yml", of_requirements),
    ("pdm.lock", of_tables),
    ("poetry.lock", of_tables),
    ("pylock.toml", of_tables),
    ("python_env.yaml", of_requirements),
    ("requirements.lock", of_requirements),
    ("requirements.txt", of_requirements),
    ("uv.lock", of_tables),
];

/// The files that state a version of Python.
const PYTHON: [&str; 10] = [
    ".python-version",
    "conda.yaml",
    "environment.yaml",
    "environment.yml",
    "poetry.lock",
    "pylock.toml",
    "pyproject.toml",
    "python_env.yaml",
    "runtime.txt",
    "uv.lock",
];

/// Returns the versions in the lock file called `name`, by the normalized names of packages; none if it is not a lock
/// file.
pub(crate) fn locked_packages(name: &str, text: &str) -> BTreeMap<String, String> {
    LOCKS.iter().find(|(lock, _)| *lock == name).map(|(_, read)| read(text)).unwrap_or_default()
}

pub(super) fn compare(sides: (&Profile, &Profile)) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (name, read) in LOCKS {
        reasons.extend(pairs(sides, name).iter().filter_map(|pair| packages(pair, read)));
    }
    for name in PYTHON {
        reasons.extend(pairs(sides, name).iter().filter_map(python));
    }
    reasons
}

fn packages(pair: &Pair<'_>, read: ReadLock) -> Option<Reason> {
    let read = |text: Option<&str>| text.map(read).unwrap_or_default();
    let (before, after) = (read(pair.before), read(pair.after));
    let gone = before
        .iter()
        .filter(|(name, _)| !after.contains_key(*name))
        .map(|(name, version)| format!("{name} {}", arrow(Some(version), None)));
    let others = after.iter().filter(|(name, version)| before.get(*name) != Some(version));
    let others = others.map(|(name, version)| format!("{name} {}", arrow(before.get(name), Some(version))));
    let changes: Vec<_> = others.chain(gone).collect();
    let text = listed(&changes);
    (!changes.is_empty()).then(|| Reason::of_file(Fact::Packages, Level::Changed, pair.path.as_str(), text))
}

fn python(pair: &Pair<'_>) -> Option<Reason> {
    let name = pair.path.file_name().unwrap_or_default();
    let (before, after) = (python_version(name, pair.before?)?, python_version(name, pair.after?)?);
    let text = arrow(Some(&before), Some(&after));
    let is_patch = minor(&before).is_some() && minor(&before) == minor(&after);
    let level = if is_patch { Level::Changed } else { Level::Breaking };
    (before != after).then(|| Reason::of_file(Fact::Python, level, pair.path.as_str(), text))
}

/// The first two numbers of a version.
fn minor(version: &str) -> Option<(&str, &str)> {
    let mut numbers = version.trim_start_matches(|sign: char| !sign.is_ascii_digit()).split('.');
    Some((numbers.next()?, numbers.next()?))
}

/// The version of Python that the file called `name` states.
fn python_version(name: &str, text: &str) -> Option<String> {
    const KEYS: [&str; 6] = ["requires-python", "python-versions", "python:", "- python", "python-", "python ="];
    if name == ".python-version" {
        return text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned);
    }
    let value = |line: &str| {
        let rest = KEYS.iter().find_map(|key| line.trim().strip_prefix(key))?;
        let version = rest.trim_matches(|sign: char| sign.is_whitespace() || "=:\"'".contains(sign));
        version.contains(|sign: char| sign.is_ascii_digit()).then(|| version.to_owned())
    };
    text.lines().find_map(value)
}

/// Reads lines such as `name==1.2; marker \`, also as items of a list.
fn of_requirements(text: &str) -> BTreeMap<String, String> {
    let package = |line: &str| {
        let line = line.split(['#', ';']).next()?.trim().trim_start_matches("- ").trim_end_matches('\\').trim();
        let (name, version) = line.split_once("==").or_else(|| line.split_once('='))?;
        let name = name.split('[').next()?.trim();
        let version = version.split_whitespace().next()?.trim_matches(['"', '\'']);
        (is_name(name) && name != "python" && !version.is_empty()).then(|| (normalized(name), version.to_owned()))
    };
    text.lines().filter_map(package).collect()
}

/// Reads the `name` and `version` of each table `[[package]]` or `[[packages]]` of a lock file in TOML.
fn of_tables(text: &str) -> BTreeMap<String, String> {
    let (mut packages, mut name, mut is_package) = (BTreeMap::new(), None, false);
    for line in text.lines() {
        if line.starts_with('[') {
            (name, is_package) = (None, matches!(line.trim(), "[[package]]" | "[[packages]]"));
        }
        let value = |key: &str| {
            let rest = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
            Some(rest.trim().trim_matches(['"', '\'']).to_owned()).filter(|_| is_package)
        };
        name = value("name").or(name);
        if let Some((name, version)) = name.clone().zip(value("version")) {
            packages.insert(normalized(&name), version);
        }
    }
    packages
}

fn of_pipfile(text: &str) -> BTreeMap<String, String> {
    let file: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let packages = ["default", "develop"].into_iter().filter_map(|group| file[group].as_object()).flatten();
    let version = |version: &serde_json::Value| Some(version.as_str()?.trim_start_matches('=').to_owned());
    packages.filter_map(|(name, package)| Some((normalized(name), version(&package["version"])?))).collect()
}

fn is_name(text: &str) -> bool {
    let is_inner = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    text.starts_with(|sign: char| sign.is_ascii_alphanumeric()) && text.chars().all(is_inner)
}

/// The name by which package indexes compare names (`PyPA`, "Names and normalization").
pub(crate) fn normalized(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace(['_', '.'], "-");
    name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(packages: BTreeMap<String, String>) -> String {
        packages.into_iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_lines_of_lock_files_are_read() {
        let requirements =
            "# c\ntorch==2.3.0 \\\n    --hash=sha256:aa\nNumPy==1.26.4 ; python_version < '4'\nx>=1\n-e .\na[b]==1\n";
        assert_eq!(shown(of_requirements(requirements)), "a 1, numpy 1.26.4, torch 2.3.0");
        let conda = "name: env\ndependencies:\n- python=3.10.12\n- scikit_learn=1.4.0\n- pip:\n  - mlflow==2.9\n";
        assert_eq!(shown(of_requirements(conda)), "mlflow 2.9, scikit-learn 1.4.0");
        let uv = "version = 1\nrequires-python = \">=3.12\"\n\n[[package]]\nname = \"torch\"\nversion = \"2.3.0\"\n\
                  [package.metadata]\nversion = \"x\"\n[[package]]\nname = \"a\"\n";
        assert_eq!(shown(of_tables(uv)), "torch 2.3.0");
        assert_eq!(shown(of_pipfile(r#"{"default":{"A_b":{"version":"==1.0"},"c":{}}}"#)), "a-b 1.0");
    }

    #[test]
    fn versions_of_python_are_read() {
        for (name, text, expected) in [
            (".python-version", "# c\n3.12\n", Some("3.12")),
            ("python_env.yaml", "python: 3.10.12\nbuild_dependencies:\n", Some("3.10.12")),
            ("conda.yaml", "dependencies:\n- python=3.10\n", Some("3.10")),
            ("uv.lock", "requires-python = \">=3.12\"\n", Some(">=3.12")),
            ("runtime.txt", "python-3.11.4\n", Some("3.11.4")),
            ("pyproject.toml", "[project]\nname = 'x'\n", None),
        ] {
            assert_eq!(python_version(name, text).as_deref(), expected, "{text}");
        }
    }
}
