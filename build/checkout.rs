//! The git commit of a checkout, for `build.rs` and its tests.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The commit that a checkout is at.
pub(crate) struct Checkout {
    /// The first 12 digits of its hash.
    pub(crate) commit: String,
    /// The time of the commit in UTC. A time of the build would make every build different.
    pub(crate) committed_at: String,
    /// The files of git that change when the commit changes.
    pub(crate) git_files: Vec<PathBuf>,
}

impl Checkout {
    /// Reads the commit of the repository that tracks `Cargo.toml` in `folder`.
    ///
    /// Returns `None` without git, outside of a repository, and if the repository around `folder` is a different
    /// project, for example one that vendors this package without tracking it.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        git(folder, &["ls-files", "--error-unmatch", "Cargo.toml"])?;
        let commit = git(folder, &["rev-parse", "--short=12", "HEAD"])?;
        let date = "--date=format-local:%Y-%m-%dT%H:%M:%SZ";
        let committed_at = git(folder, &["-c", "log.showSignature=false", "log", "-1", date, "--format=%cd"])?;
        Some(Self { commit, committed_at, git_files: git_files(folder) })
    }
}

/// `HEAD`, its log, which grows with each commit, and the loose or packed branch that it points to. In a linked
/// worktree these are in different directories, so git is asked for each path.
fn git_files(folder: &Path) -> Vec<PathBuf> {
    let branch = git(folder, &["rev-parse", "--symbolic-full-name", "HEAD"]).filter(|branch| branch != "HEAD");
    let names = ["HEAD", "logs/HEAD", "packed-refs"].into_iter().map(str::to_owned).chain(branch);
    let paths = names.filter_map(|name| git(folder, &["rev-parse", "--git-path", &name]));
    // Cargo rebuilds every time if a path does not exist.
    paths.map(|path| folder.join(path)).filter(|path| path.exists()).collect()
}

fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).current_dir(folder).env("TZ", "UTC").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
