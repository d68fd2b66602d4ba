//! Signals that ask a command to end: one line, the right exit code, and nothing left behind.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};

use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const MODEL: usize = 30_000_000;

/// A registry with a ModelKit of one large model, whose download takes half a minute, and its name.
fn slow(sandbox: &Sandbox) -> (FakeRegistry, String) {
    let registry = FakeRegistry::start();
    let name = format!("{}/team/big:v1", registry.host());
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    sandbox.write("project/m", vec![1; MODEL]);
    sandbox.kit(&["pack", "project", "-t", &name, "--compression", "none"]).ok();
    sandbox.kit(&["push", &name, PLAIN]).ok();
    fs::remove_dir_all(sandbox.path("kit")).unwrap();
    registry.fail_later("GET", "/blobs/", 0, usize::MAX, Fault::SlowAnswer(1_000_000));
    (registry, name)
}

/// Waits until `is_reached`, which must happen soon.
#[track_caller]
fn wait_until(mut is_reached: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_reached() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the command does not get there");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    sandbox.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends `signal` and returns the exit code and standard error of the process, which must end promptly.
#[track_caller]
fn interrupt(child: Child, signal: Signal) -> (Option<i32>, String) {
    let begun = Instant::now();
    kill_process(Pid::from_child(&child), signal).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Returns the size of the largest file in `folder`.
fn longest(folder: &Path) -> u64 {
    let sizes = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().metadata().unwrap().len());
    sizes.max().unwrap_or_default()
}

/// Returns the bytes of disk space that the files below `folder` take.
fn space(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
    let one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => space(&entry.path()),
        found => found.map_or(0, |metadata| metadata.blocks() * 512),
    };
    entries.map(one).sum()
}

#[test]
fn an_interrupted_unpack_leaves_the_folder_as_it_was() {
    let sandbox = Sandbox::new();
    let (_registry, name) = slow(&sandbox);
    for (signal, code, word) in
        [(Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM"), (Signal::HUP, 129, "SIGHUP")]
    {
        for folder in ["new/inner", "old"] {
            sandbox.write("old/mine", "mine");
            let child = start(&sandbox, &["unpack", &name, "-d", folder, PLAIN, "-q"]);
            wait_until(|| space(&sandbox.path(folder)) > 100_000);
            let (found, stderr) = interrupt(child, signal);
            assert_eq!((found, stderr), (Some(code), format!("kit: interrupted by {word}\n")), "{folder}");
            assert_eq!(sandbox.names("old"), ["mine"]);
            assert!(!sandbox.path("new").exists());
        }
    }
}

#[test]
fn an_interrupted_pull_is_resumed() {
    let sandbox = Sandbox::new();
    let (registry, name) = slow(&sandbox);
    let ingest = sandbox.store().join(".kit/ingest");
    let child = start(&sandbox, &["pull", &name, PLAIN, "--progress", "json"]);
    wait_until(|| longest(&ingest) > 4_000_000);
    let (code, stderr) = interrupt(child, Signal::TERM);
    let last: serde_json::Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    assert_eq!(code, Some(143));
    assert_eq!(last["type"], "interrupted", "{stderr}");
    assert_eq!(last["signal"], "SIGTERM");
    assert_eq!(last["text"], "interrupted by SIGTERM; the next run resumes the transfer");
    assert!(!stderr.contains("\"error\""), "{stderr}");
    let temporary = |name: &String| name.contains("tmp-");
    assert!(!sandbox.names("kit").iter().any(temporary), "{:?}", sandbox.names("kit"));
    let held = fs::read_dir(&ingest).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    let held: Vec<_> = held.map(|metadata| (metadata.len(), metadata.blocks() * 512)).collect();
    assert!(held.iter().any(|(size, _)| *size > 4_000_000), "{held:?}");
    assert!(held.iter().all(|(size, space)| *space <= size + 65_536), "space is still reserved: {held:?}");
    registry.heal();
    sandbox.kit(&["pull", &name, PLAIN]).ok();
    sandbox.kit(&["fsck"]).ok();
}

#[test]
fn a_command_that_waits_for_a_lock_is_interrupted_as_well() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    let lock = fs::File::open(sandbox.store().join(".kit/index.lock")).unwrap();
    lock.file().lock().unwrap();
    sandbox.write("project/weights/model.bin", "other");
    let blobs = || fs::read_dir(sandbox.store().join("blobs/sha256")).unwrap().count();
    let before = blobs();
    let child = start(&sandbox, &["pack", "project", "-t", "a:v2"]);
    wait_until(|| blobs() >= before + 3);
    let (code, stderr) = interrupt(child, Signal::INT);
    assert_eq!(code, Some(130));
    assert_eq!(stderr.lines().last(), Some("kit: interrupted by SIGINT"));
    drop(lock);
    let run = sandbox.kit(&["list"]).ok();
    assert!(run.stdout.contains("v1") && !run.stdout.contains("v2"), "{}", run.stdout);
    sandbox.kit(&["fsck"]).ok();
}

#[test]
fn a_signal_that_the_parent_ignores_stays_ignored() {
    let sandbox = Sandbox::new();
    let (registry, name) = slow(&sandbox);
    let child = std::process::Command::new("nohup")
        .arg(env!("CARGO_BIN_EXE_kit"))
        .args(["unpack", &name, "-d", "out", PLAIN])
        .env("KIT_HOME", sandbox.path("kit"))
        .current_dir(sandbox.path("."))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| space(&sandbox.path("out")) > 100_000);
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    registry.heal();
    let (code, stderr) = interrupt(child, Signal::TERM);
    assert_eq!(code, Some(143), "{stderr}");
}

#[test]
fn a_file_that_is_too_large_for_the_process_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    sandbox.write("project/m", vec![1; MODEL]);
    let limited = |args: &[&str]| -> Run {
        let mut command = std::process::Command::new("bash");
        command.args(["-c", "ulimit -f 8000; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_kit")]).args(args);
        command.env("KIT_HOME", sandbox.path("kit")).current_dir(sandbox.path("."));
        sandbox.run(&mut command)
    };
    limited(&["pack", "project", "-t", "a:v1", "--compression", "none"])
        .fails()
        .says("File too large")
        .says("/kit/store/");
    sandbox.kit(&["pack", "project", "-t", "a:v1", "--compression", "none"]).ok();
    limited(&["unpack", "a:v1", "-d", "out"]).fails().says("cannot unpack `m`").says("File too large");
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_child_process_ends_with_the_command() {
    let sandbox = Sandbox::new();
    let script = "trap 'touch \"$MARK.ended\"; exit 1' TERM; touch \"$MARK\"; while :; do sleep 0.05; done";
    let git = sandbox.write("bin/git", format!("#!/bin/sh\n{script}\n"));
    kit_testkit::platform::set_mode(&git, 0o755);
    let path = format!("{}:/usr/bin:/bin", sandbox.path("bin").display());
    let mut command = sandbox.command(&["import", "http://127.0.0.1:9/ada/net.git"]);
    let (begun, ended) = (sandbox.path("mark"), sandbox.path("mark.ended"));
    command.env("PATH", path).env("MARK", &begun).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until(|| begun.exists());
    let (code, stderr) = interrupt(child, Signal::TERM);
    assert_eq!((code, stderr.lines().last()), (Some(143), Some("kit: interrupted by SIGTERM")));
    wait_until(|| ended.exists());
    assert_eq!(fs::read_dir(sandbox.path("kit/imports")).unwrap().count(), 0);
}

#[test]
fn a_terminal_that_takes_no_more_does_not_delay_the_end() {
    let sandbox = Sandbox::new();
    let (_registry, name) = slow(&sandbox);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let child =
        sandbox.command(&["unpack", &name, "-d", "out", PLAIN, "-q"]).stderr(writer.try_clone().unwrap()).spawn();
    let mut child = child.unwrap();
    wait_until(|| space(&sandbox.path("out")) > 100_000);
    let filling = std::thread::spawn(move || while std::io::Write::write(&mut writer, &[b'x'; 4096]).is_ok() {});
    // Long enough to fill 64 KiB.
    std::thread::sleep(Duration::from_millis(200));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(!sandbox.path("out").exists());
    drop(reader);
    filling.join().unwrap();
}
