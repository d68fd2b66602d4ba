//! Runs git so that nothing in the repository can make it start another program, and only for a limited time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::error::Error;
use crate::limits;
use crate::sys::{Leftover, LeftoverKind};

/// Longer than git takes in all but the largest repositories.
const PATIENCE: Duration = Duration::from_secs(2);
/// Settings that override the configuration of the repository: no file system monitor, no hooks, no implicit bare
/// repository.
const SAFE: [&str; 6] =
    ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit"];

/// Variables of this process that would make git use another repository (git, "The Git Repository").
const MISLEADING: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"];

/// Returns the output of git, if it succeeds within the time limit.
pub(super) fn output(folder: &Path, args: &[&str]) -> Option<String> {
    let (mut child, read) = start(folder, args, limits::GIT_OUTPUT_BYTES)?;
    let bytes = read.recv_timeout(PATIENCE).ok();
    if bytes.is_none() {
        drop(child.kill());
    }
    let is_good = child.wait().ok()?.success();
    bytes.filter(|_| is_good).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Returns the first bytes of the output of git: empty if it prints nothing and succeeds.
pub(super) fn first_bytes(folder: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let (mut child, read) = start(folder, args, 1)?;
    let bytes = read.recv_timeout(PATIENCE).ok();
    if bytes.as_ref().is_none_or(|bytes| !bytes.is_empty()) {
        // The rest is not needed. git may have exited at this very moment.
        drop(child.kill());
        drop(child.wait());
        return bytes;
    }
    child.wait().ok()?.success().then_some(bytes).flatten()
}

/// Returns what `choose` makes of each entry in the output of git, if it succeeds. Each entry ends with a NUL.
pub(super) fn entries_of_output(
    folder: &Path,
    args: &[&str],
    choose: fn(&str) -> Option<String>,
) -> Option<Vec<String>> {
    let mut child = start_reading(folder, args)?;
    let _child = Leftover::new(LeftoverKind::Child(child.id()));
    let entries = BufReader::new(child.stdout.take()?).split(0).map_while(Result::ok);
    let chosen = entries.filter_map(|entry| choose(str::from_utf8(&entry).ok()?)).collect();
    child.wait().ok()?.success().then_some(chosen)
}

/// Returns the output of git, without a time limit: it may fetch over a network. It never prompts.
pub(super) fn run(folder: &Path, args: &[&str], attempt: &str) -> Result<Vec<u8>, Error> {
    let done = || {
        let mut git = git(folder, args);
        let child = git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let _child = Leftover::new(LeftoverKind::Child(child.id()));
        child.wait_with_output()
    };
    finish(done(), attempt)
}

/// Does the same for a git command that reads `input`, which must be short, before it prints.
pub(super) fn run_with(folder: &Path, args: &[&str], input: &str, attempt: &str) -> Result<Vec<u8>, Error> {
    let piped = || {
        let mut git = git(folder, args);
        let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let _child = Leftover::new(LeftoverKind::Child(child.id()));
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
    // A directory above the folder may be an unrelated repository.
    command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
    // The other transports of git run programs that the address names.
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file").env("LC_ALL", "C");
    command
}

/// Starts git, and reads up to `limit` bytes of its output.
fn start(folder: &Path, args: &[&str], limit: u64) -> Option<(Child, Receiver<Vec<u8>>)> {
    let mut child = start_reading(folder, args)?;
    let read = read(child.stdout.take()?, limit);
    Some((child, read))
}

/// Starts git, which only reads the repository.
fn start_reading(folder: &Path, args: &[&str]) -> Option<Child> {
    let mut command = git(folder, args);
    // No lock that another git process would run into, no prompt, and no transport at all.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("GIT_ALLOW_PROTOCOL", "none");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
}

fn read(stdout: ChildStdout, limit: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    let started = std::thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        if stdout.take(limit).read_to_end(&mut bytes).is_ok() {
            // The receiver is gone if git took too long.
            drop(sender.send(bytes));
        }
    });
    // Without a thread the channel is closed, so the output counts as unreadable.
    drop(started);
    receiver
}
