//! A commit of another repository: its files as git stores them, without its history.

use std::path::{Path, PathBuf};

use super::command::run;
use super::error::Error;

/// The contents of a commit, checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The name of the commit in hexadecimal digits.
    pub commit: String,
    /// The files, in the order of their paths.
    pub files: Vec<TreeFile>,
    /// Symbolic links and submodules, which are not checked out.
    pub others: Vec<String>,
}

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// The path in the repository, separated by slashes.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// Set if the file is executable.
    pub is_executable: bool,
}

/// Attributes that check files out byte for byte as git stores them: no filter runs, so large files of LFS stay
/// pointers, and line endings do not change. This file takes precedence over every other attributes file
/// (gitattributes).
const ATTRIBUTES: &str = "* -text -eol -filter -ident -working-tree-encoding\n";

/// Checks the commit of `revision`, or else of HEAD, at `remote` out into `folder`, which must be new.
///
/// Nothing from the repository is run. Messages contain `shown` instead of `remote`, which may contain a secret.
pub fn fetch((remote, shown): (&str, &str), revision: Option<&str>, folder: &Path) -> Result<Tree, Error> {
    let attempt = || format!("fetch `{}`", revision.unwrap_or("HEAD"));
    run(folder, &["init", "--quiet", "--template="], "make a repository")?;
    let information = folder.join(".git/info");
    fs_err::create_dir_all(&information)?;
    fs_err::write(information.join("attributes"), ATTRIBUTES)?;
    let fetch = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", remote];
    run(folder, &[&fetch[..], &[revision.unwrap_or("HEAD")]].concat(), &attempt()).map_err(|error| match error {
        Error::Refused { attempt, words } => Error::Refused { attempt, words: words.replace(remote, shown) },
        error => error,
    })?;
    let commit = run(folder, &["rev-parse", "--verify", "FETCH_HEAD^{commit}"], &attempt())?;
    // Writing through a symbolic link in a path could leave the folder.
    let checkout = ["-c", "core.symlinks=false", "checkout", "--quiet", "--detach", "FETCH_HEAD"];
    run(folder, &checkout, "check the files out")?;
    let listed = run(folder, &["ls-tree", "-r", "-z", "-l", "--full-tree", "FETCH_HEAD"], "list the files")?;
    let (files, others) = parse(&listed)?;
    Ok(Tree { commit: String::from_utf8_lossy(&commit).trim().to_owned(), files, others })
}

/// `mode SP type SP name SP size TAB path NUL` for each (git-ls-tree, "OUTPUT FORMAT").
fn parse(listed: &[u8]) -> Result<(Vec<TreeFile>, Vec<String>), Error> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let unreadable = || Error::Unreadable(String::from_utf8_lossy(line).into_owned());
        let (about, path) =
            std::str::from_utf8(line).ok().and_then(|line| line.split_once('\t')).ok_or_else(unreadable)?;
        let about: Vec<&str> = about.split_whitespace().collect();
        match about[..] {
            [mode @ ("100644" | "100755" | "100664"), "blob", _, size] => {
                let size = size.parse().map_err(|_| unreadable())?;
                files.push(TreeFile { path: path.to_owned(), size, is_executable: mode == "100755" });
            }
            [_, _, _, _] => others.push(path.to_owned()),
            _ => return Err(unreadable()),
        }
    }
    Ok((files, others))
}

/// The directory of LFS objects of the repository in `folder`, bare or not; `None` if it is not a repository.
pub fn lfs_folder(folder: &Path) -> Option<PathBuf> {
    let there = [folder.join(".git"), folder.to_owned()].into_iter().find(|place| place.join("objects").is_dir())?;
    Some(there.join("lfs/objects"))
}

/// The value of `key` in the file `name` of `folder`, which has the format of git's configuration files.
pub fn setting_in(folder: &Path, name: &str, key: &str) -> Option<String> {
    folder.join(name).exists().then_some(())?;
    let value = run(folder, &["config", "--no-includes", "--file", name, "--get", key], "read a setting").ok()?;
    Some(String::from_utf8(value).ok()?.trim().to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_submodules_are_not_files() {
        let lines: [&[u8]; 4] = [
            b"100644 blob aa     12\ta b",
            b"100755 blob bb 3\tbin/run",
            b"120000 blob cc 4\tlink",
            b"160000 commit dd       -\tsub",
        ];
        let (files, others) = parse(&lines.join(&0)).unwrap();
        let file = |path: &str, size, is_executable| TreeFile { path: path.to_owned(), size, is_executable };
        assert_eq!(files, [file("a b", 12, false), file("bin/run", 3, true)]);
        assert_eq!(others, ["link", "sub"]);
        for broken in
            [&b"100644 blob aa 12 no tab\0"[..], b"100644 blob aa -\ta\0", b"100644 blob aa 1\t\xff\0", b"x\ta\0"]
        {
            assert!(parse(broken).is_err(), "{}", String::from_utf8_lossy(broken));
        }
    }
}
