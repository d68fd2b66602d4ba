//! `kill -9` at any moment: the store stays sound, folders never hold half a file.

use std::time::{Duration, Instant};

use crate::registry::{FakeRegistry, Fault, Recorded};
use crate::sandbox::Sandbox;

/// Rounds in a usual run; `KIT_TEST_KILLS=100 cargo test kill` takes more.
#[allow(clippy::disallowed_methods, reason = "how long a test runs is no matter of the program")]
fn rounds() -> u32 {
    std::env::var("KIT_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

/// Runs `kit` and kills it after a while that grows from round to round.
fn kill_after(sandbox: &Sandbox, args: &[&str], delay: Duration) {
    let mut child =
        sandbox.command(args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn delay(round: u32) -> Duration {
    Duration::from_millis(2) + Duration::from_micros(7_300) * round
}

fn large_project(sandbox: &Sandbox) {
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\ndatasets: [{path: d}]\n");
    sandbox.write("project/m", vec![1; 30_000_000]);
    for file in 0..200 {
        sandbox.write(&format!("project/d/{file}"), vec![2; 10_000]);
    }
}

#[test]
fn a_killed_pack_leaves_a_sound_store() {
    let sandbox = Sandbox::new();
    large_project(&sandbox);
    for round in 0..rounds() {
        kill_after(&sandbox, &["pack", "project", "-t", "big:v1"], delay(round));
        sandbox.kit(&["fsck"]).ok();
    }
    sandbox.kit(&["pack", "project", "-t", "big:v1"]).ok();
    sandbox.kit(&["cache", "clear"]).ok();
    let ingest = sandbox.store().join(".kit/ingest");
    assert_eq!(fs_err::read_dir(ingest).unwrap().count(), 0);
    sandbox.kit(&["unpack", "big:v1", "-d", "out"]).ok();
}

#[test]
fn a_killed_unpack_leaves_no_half_file_and_can_be_repeated() {
    let sandbox = Sandbox::new();
    large_project(&sandbox);
    sandbox.kit(&["pack", "project", "-t", "big:v1"]).ok();
    for round in 0..rounds() {
        kill_after(&sandbox, &["unpack", "big:v1", "-d", "out"], delay(round));
        let model = sandbox.path("out/m");
        assert!(!model.exists() || fs_err::metadata(model).unwrap().len() == 30_000_000);
    }
    sandbox.kit(&["unpack", "big:v1", "-d", "out"]).ok();
    assert_eq!(sandbox.names("out").len(), 202, "no staging folder is left: {:?}", &sandbox.names("out")[..3]);
}

/// The registry stops reading within the second part, `kit` is killed there, and the next push sends the rest and no more.
#[test]
fn a_killed_push_goes_on_where_it_was() {
    const SIZE: u64 = 150_000_000;
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    registry.configure(|options| options.any_location = true);
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    sandbox.write("project/m", vec![7; usize::try_from(SIZE).unwrap()]);
    sandbox.kit(&["pack", "project", "-t", "big:v1"]).ok();
    let remote = format!("{}/big:v1", registry.host());
    let push = ["push", "big:v1", &remote, "--plain-http"];
    registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::StallRequestAfter(10_000_000));
    let mut child = sandbox.command(&push).stderr(std::process::Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while registry.requests_of("PATCH", "").len() < 2 && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    sandbox.kit(&push).ok().says("5.5 MiB sent").says(" · resumed at 137.5 MiB");
    let offsets: Vec<_> = registry.requests_of("PATCH", "").iter().map(range).collect();
    let first = 128 * 1024 * 1024;
    assert_eq!(offsets[..2], [(0, first), (first, 10_000_000)]);
    assert_eq!((offsets.len(), offsets[2].0), (3, first + 10_000_000));
    let sent: u64 = offsets.iter().map(|(_, size)| size).sum();
    assert!((SIZE..SIZE + 10_000).contains(&sent), "{sent}");
}

/// Where a part began, and how many bytes of it arrived.
fn range(part: &Recorded) -> (u64, u64) {
    let start = part.header("content-range").unwrap().split('-').next().unwrap();
    (start.parse().unwrap(), part.body_bytes)
}
