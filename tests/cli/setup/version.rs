//! The commit that `kit version` shows.

#[path = "../../../build/checkout.rs"]
mod checkout;

use std::path::Path;
use std::process::Command;

use checkout::Checkout;
use kit_testkit::sandbox::Sandbox;

/// Runs git in `folder` without the configuration of the user.
fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@kit.example", "-c", "commit.gpgSign=false"]);
    command.args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.env("GIT_COMMITTER_DATE", "2026-01-02T04:05:06+01:00").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Makes a repository of a package in `repository` of the sandbox.
fn repository(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.write("repository/Cargo.toml", "[package]\n");
    let folder = sandbox.path("repository");
    git(&folder, &["init", "--quiet", "--initial-branch", "main"]);
    git(&folder, &["add", "Cargo.toml"]);
    git(&folder, &["commit", "--quiet", "-m", "first"]);
    folder
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_checkout_and_a_linked_worktree_have_the_commit_and_its_time_in_utc() {
    let sandbox = Sandbox::new();
    let folder = repository(&sandbox);
    git(&folder, &["worktree", "add", "--quiet", "../linked"]);
    for folder in [folder, sandbox.path("linked")] {
        let checkout = Checkout::read(&folder).unwrap();
        assert_eq!(checkout.commit, git(&folder, &["rev-parse", "--short=12", "HEAD"]));
        assert_eq!(checkout.committed_at, "2026-01-02T03:05:06Z");
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_new_commit_changes_a_watched_file() {
    let sandbox = Sandbox::new();
    let folder = repository(&sandbox);
    git(&folder, &["worktree", "add", "--quiet", "../linked"]);
    git(&folder, &["pack-refs", "--all"]);
    for folder in [folder, sandbox.path("linked")] {
        let checkout = Checkout::read(&folder).unwrap();
        let read = || checkout.git_files.iter().map(|path| fs_err::read(path).unwrap()).collect::<Vec<_>>();
        let before = read();
        git(&folder, &["commit", "--quiet", "--allow-empty", "-m", "second"]);
        assert_ne!(read(), before, "{:?}", checkout.git_files);
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn a_folder_that_its_repository_does_not_track_has_no_commit() {
    let sandbox = Sandbox::new();
    let folder = repository(&sandbox);
    sandbox.write("repository/vendor/kit/Cargo.toml", "[package]\n");
    assert!(Checkout::read(&folder.join("vendor/kit")).is_none());
    sandbox.write("outside/Cargo.toml", "[package]\n");
    assert!(Checkout::read(&sandbox.path("outside")).is_none());
}

#[test]
#[cfg_attr(windows, ignore = "reads the checkout in which it was compiled, which may be on another system")]
fn the_program_shows_the_commit_of_its_checkout_and_its_compiler() {
    let checkout = Checkout::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    let (commit, built) = checkout
        .map_or(("release".to_owned(), "release".to_owned()), |checkout| (checkout.commit, checkout.committed_at));
    let sandbox = Sandbox::new();
    let shown = sandbox.kit(&["version"]).ok().stdout;
    let lines: Vec<_> = shown.lines().collect();
    let version = format!("Version: {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(lines[..3], [version, format!("Commit: {commit}"), format!("Built: {built}")]);
    assert_eq!(lines[3], "Go version: none (written in Rust)");
    assert!(lines[4].starts_with("Compiler: rustc 1."), "{shown}");
    assert_eq!(lines.len(), 5, "{shown}");
    assert_eq!(
        sandbox.kit(&["version", "--format", "{{.Version}}"]).ok().stdout,
        format!("{}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(!sandbox.path("kit").exists(), "the command must not create the local store");
}
