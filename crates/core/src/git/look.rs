//! The commit, the branch and the remote of a folder, and whether its files were changed.

use std::path::Path;

use super::command::{first_bytes, output};

/// The commit that a folder was checked out from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The name of the commit in hexadecimal digits.
    pub commit: String,
    /// The branch; `None` if HEAD is detached.
    pub branch: Option<String>,
    /// The URL of `origin`, or of the first remote, as git stores it, including any credentials in it.
    pub remote: Option<String>,
    /// Set if files of the folder differ from the commit or are untracked and not ignored. `None` if that cannot be
    /// determined safely or in time.
    pub is_dirty: Option<bool>,
}

/// Inspects the folder with `git`. Returns `None` if neither it nor a folder above it is a repository, or if git is
/// missing or fails.
///
/// The repository's own configuration is not trusted, since the folder may come from an untrusted source: see
/// `is_harmless`.
pub fn look(folder: &Path) -> Option<Checkout> {
    // Without a repository not even a process is started.
    folder.ancestors().find(|above| above.join(".git").exists())?;
    let head = output(folder, &["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"])?;
    let mut lines = head.lines();
    let commit =
        lines.next().filter(|id| id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))?.to_owned();
    let branch = lines.next().and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned);
    // Exit code 1 if there is no such setting.
    let settings = output(folder, &["config", "--show-scope", "-z", "--get-regexp", WANTED]).unwrap_or_default();
    let settings = parse(&settings);
    let is_dirty = if is_harmless(&settings) { is_dirty(folder) } else { None };
    Some(Checkout { commit, branch, remote: remote(&settings), is_dirty })
}

/// The name that git would write into a commit in the folder, from the repository or from the settings of the user.
/// `None` if there is none, or if git is missing.
pub fn user_name(folder: &Path) -> Option<String> {
    let name = output(folder, &["config", "--get", "user.name"])?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// The settings that are read.
const WANTED: &str = r"^(remote\..+\.(url|promisor)|filter\..+)$";

/// The scope of a setting, its key and its value.
type Setting<'a> = (&'a str, &'a str, &'a str);

/// `scope NUL key LF value NUL` for each (git-config, "-z").
fn parse(output: &str) -> Vec<Setting<'_>> {
    let mut parts = output.split('\0');
    let mut settings = Vec::new();
    while let (Some(scope), Some(setting)) = (parts.next(), parts.next()) {
        let (key, value) = setting.split_once('\n').unwrap_or((setting, ""));
        settings.push((scope, key, value));
    }
    settings
}

fn remote(settings: &[Setting<'_>]) -> Option<String> {
    let remotes = || settings.iter().filter(|(_, key, _)| is_url(key));
    let found = remotes().find(|(_, key, _)| *key == "remote.origin.url").or_else(|| remotes().next());
    found.map(|(_, _, url)| (*url).to_owned())
}

/// Returns true if comparing files runs nothing that the repository itself names: its filters are programs that git
/// runs on changed files, and a partial clone fetches missing objects. Settings of the user and of the system are
/// trusted.
fn is_harmless(settings: &[Setting<'_>]) -> bool {
    let is_own = |scope: &str| !matches!(scope, "global" | "system" | "command");
    settings.iter().all(|(scope, key, _)| is_url(key) || !is_own(scope))
}

fn is_url(key: &str) -> bool {
    key.strip_prefix("remote.").is_some_and(|rest| rest.rsplit('.').next() == Some("url"))
}

fn is_dirty(folder: &Path) -> Option<bool> {
    let status =
        ["status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=all", "--no-renames", "--", "."];
    first_bytes(folder, &status).map(|found| !found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_their_scope() {
        let output = "global\0filter.lfs.clean\ngit-lfs clean\0\
                      local\0remote.up.url\nhttps://up\0local\0remote.origin.url\nhttps://o\0";
        let settings = parse(output);
        assert_eq!(remote(&settings).as_deref(), Some("https://o"));
        assert_eq!(remote(&settings[..2]).as_deref(), Some("https://up"));
        assert!(is_harmless(&settings));
        for own in
            ["local\0filter.x.clean\nrm", "worktree\0filter.x.process\nrm", "local\0remote.origin.promisor\ntrue"]
        {
            assert!(!is_harmless(&parse(&format!("{own}\0"))), "{own}");
        }
        assert_eq!((parse(""), parse("local")), (Vec::new(), Vec::new()));
    }
}
