//! Running git so that nothing in the repository makes it run something else, and not for long.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::error::Error;

/// Longer than git takes in all but the largest repositories.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than the settings of any repository.
const OUTPUT_LIMIT: u64 = 256 * 1024;

/// Whatever the configuration of the repository says: no monitor, no hooks, no transports.
const SAFE: [&str; 6] =
    ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit"];

/// Those of the process that would lead git to another repository (git, "The Git Repository").
const MISLEADING: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"];

/// What git prints, if it succeeds in time.
pub(super) fn output(folder: &Path, args: &[&str]) -> Option<String> {
    let (mut child, read) = start(folder, args, OUTPUT_LIMIT)?;
    let bytes = read.recv_timeout(PATIENCE).ok();
    if bytes.is_none() {
        drop(child.kill());
    }
    let is_good = child.wait().ok()?.success();
    bytes.filter(|_| is_good).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// The beginning of what git prints: empty if it prints nothing and succeeds.
pub(super) fn first_bytes(folder: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let (mut child, read) = start(folder, args, 1)?;
    let bytes = read.recv_timeout(PATIENCE).ok();
    if bytes.as_ref().is_none_or(|bytes| !bytes.is_empty()) {
        // The rest is of no use. It may have ended this very moment.
        drop(child.kill());
        drop(child.wait());
        return bytes;
    }
    child.wait().ok()?.success().then_some(bytes).flatten()
}

/// What git prints, however long it takes: it may fetch over a network. It asks nobody anything.
pub(super) fn run(folder: &Path, args: &[&str], attempt: &str) -> Result<Vec<u8>, Error> {
    finish(git(folder, args).stdin(Stdio::null()).output(), attempt)
}

/// The same for a git that reads `input`, which is short, before it prints.
pub(super) fn run_with(folder: &Path, args: &[&str], input: &str, attempt: &str) -> Result<Vec<u8>, Error> {
    let piped = || {
        let mut git = git(folder, args);
        let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let written = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        written.transpose()?;
        child.wait_with_output()
    };
    finish(piped(), attempt)
}

fn finish(output: io::Result<Output>, attempt: &str) -> Result<Vec<u8>, Error> {
    let output = output.map_err(Error::NotThere)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Err(Error::Refused { attempt: attempt.to_owned(), words: words.join("; ") })
}

fn git(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(SAFE).arg("--no-pager").args(args).current_dir(folder);
    for name in MISLEADING {
        command.env_remove(name);
    }
    // Above the folder may be a repository that has nothing to do with this.
    command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
    // What else git can fetch with runs programs that an address names.
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file").env("LC_ALL", "C");
    command
}

/// Starts git, and reads up to `limit` bytes of what it prints.
fn start(folder: &Path, args: &[&str], limit: u64) -> Option<(Child, Receiver<Vec<u8>>)> {
    let mut command = git(folder, args);
    // No lock that another git would run into, no question to anybody, and no transport at all.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("GIT_ALLOW_PROTOCOL", "none");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let read = read(child.stdout.take()?, limit);
    Some((child, read))
}

fn read(stdout: ChildStdout, limit: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if stdout.take(limit).read_to_end(&mut bytes).is_ok() {
            // Nobody waits any more if it took too long.
            drop(sender.send(bytes));
        }
    });
    receiver
}
