//! A pull that was killed resumes when it is run again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

/// `Settings::default().piece_bytes`
const PIECE: u64 = 4 * 1024 * 1024;
const MODEL: usize = 96 * 1024 * 1024;

/// A registry with a ModelKit that has one large layer.
fn scene(sandbox: &Sandbox) -> (FakeRegistry, String) {
    let registry = FakeRegistry::start();
    let name = format!("{}/team/model:v1", registry.host());
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    let content: Vec<u8> = (0..MODEL).map(|place| u8::try_from(place / 4093 % 251).unwrap()).collect();
    sandbox.write("project/m", content);
    sandbox.kit(&["pack", "project", "-t", &name]).ok();
    sandbox.kit(&["push", &name, "--plain-http"]).ok();
    registry.forget_requests();
    (registry, name)
}

fn pull(sandbox: &Sandbox, name: &str) -> Command {
    let mut command = sandbox.command(&["pull", name, "--plain-http"]);
    command.env("KIT_HOME", sandbox.path("other"));
    command
}

/// The number of bytes of the layer on the disk.
fn partial_bytes(sandbox: &Sandbox) -> u64 {
    let folder = sandbox.path("other/store/.kit/ingest");
    let files = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    files.max().unwrap_or_default()
}

fn wait_until(is_reached: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_reached() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came so far");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_pull_fetches_at_most_one_piece_per_connection_again() {
    let sandbox = Sandbox::new();
    let (registry, name) = scene(&sandbox);
    registry.configure(|options| options.bytes_per_second = Some(8_000_000));
    let mut kept = 0;
    for sent in [20_000_000, 55_000_000] {
        let mut child = pull(&sandbox, &name).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let before = registry.paced_bytes();
        wait_until(|| registry.paced_bytes() >= sent);
        child.kill().unwrap();
        child.wait().unwrap();
        let (now, connections) = (partial_bytes(&sandbox), registry.most_at_once() as u64);
        // The connections may have taken more since we looked, so the registry is asked afterwards.
        let lost = (registry.paced_bytes() - before).saturating_sub(now - kept);
        assert!(lost <= connections * PIECE + 500_000, "{lost} bytes are lost, {connections} connections");
        assert!(now > kept, "it gets on");
        kept = now;
    }
    registry.forget_requests();
    registry.configure(|options| options.bytes_per_second = None);
    sandbox.run(&mut pull(&sandbox, &name)).ok();
    let first = registry.requests_of("GET", "/blobs/").iter().filter_map(|r| start(r.header("range")?)).min();
    assert_eq!(first, Some(kept), "nothing that is on the disk is fetched again");
    let mut check = sandbox.command(&["fsck"]);
    sandbox.run(check.env("KIT_HOME", sandbox.path("other"))).ok();
}

fn start(range: &str) -> Option<u64> {
    range.strip_prefix("bytes=")?.split('-').next()?.parse().ok()
}

/// A file whose end the disk never saw: the system keeps its length and gives zeros.
#[test]
fn a_partial_file_with_a_hole_is_fetched_once_more() {
    let sandbox = Sandbox::new();
    let (registry, name) = scene(&sandbox);
    registry.configure(|options| options.bytes_per_second = Some(16_000_000));
    let mut child = pull(&sandbox, &name).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| registry.paced_bytes() >= 30_000_000);
    child.kill().unwrap();
    child.wait().unwrap();
    registry.configure(|options| options.bytes_per_second = None);
    let kept = partial_bytes(&sandbox);
    punch(&sandbox.path("other/store/.kit/ingest"), kept);
    registry.forget_requests();
    sandbox.run(&mut pull(&sandbox, &name)).ok();
    let starts: Vec<_> =
        registry.requests_of("GET", "/blobs/").iter().filter_map(|r| start(r.header("range")?)).collect();
    assert_eq!(starts[0], kept);
    assert!(starts.contains(&0), "it was wrong and is dropped");
    let mut check = sandbox.command(&["fsck"]);
    sandbox.run(check.env("KIT_HOME", sandbox.path("other"))).ok();
}

/// Makes the second half of the partial file zeros.
fn punch(folder: &Path, kept: u64) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
        if file.metadata().unwrap().len() == kept {
            file.set_len(kept / 2).unwrap();
            file.set_len(kept).unwrap();
        }
    }
}
