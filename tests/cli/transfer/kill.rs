//! `kill -9` at any moment: stores stay sound, folders never hold half a file, and what was there is not fetched or
//! sent again.

use std::cell::Cell;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use kit_testkit::registry::{FakeRegistry, Fault, Recorded, sha256};
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";
const MODEL: usize = 30_000_000;
/// The size of a piece that one of two connections requests (`Settings::piece_bytes`).
const PIECE: u64 = 4 * 1024 * 1024;

/// Kills in a usual run of each test; `KIT_TEST_KILLS=100 cargo test --test cli kill` takes more.
#[allow(clippy::disallowed_methods, reason = "the duration of a test does not concern the program")]
fn kills() -> u32 {
    std::env::var("KIT_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

/// Runs `kit` and kills it after `delay`. Returns true if it had finished before.
fn kill_after(sandbox: &Sandbox, args: &[&str], delay: Duration) -> bool {
    let mut child = sandbox.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap().success()
}

/// Kills `kit` again and again, at moments spread over the time that a whole run takes; `look` after each. Where a run
/// was done before it was killed, `start_again` takes away what it did.
fn kill_often(sandbox: &Sandbox, args: &[&str], start_again: impl Fn(), mut look: impl FnMut()) {
    let begun = Instant::now();
    sandbox.kit(args).ok();
    let whole = begun.elapsed();
    start_again();
    for kill in 0..kills() {
        let is_done = kill_after(sandbox, args, whole * (2 * kill + 1) / (2 * kills()));
        look();
        if is_done {
            start_again();
        }
    }
    sandbox.kit(args).ok();
    look();
}

fn large_project(sandbox: &Sandbox) {
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\ndatasets: [{path: d}]\n");
    sandbox.write("project/m", vec![1; MODEL]);
    for file in 0..200 {
        sandbox.write(&format!("project/d/{file}"), vec![2; 10_000]);
    }
}

/// A registry that has the large project, and the name of that there.
fn registry(sandbox: &Sandbox) -> (FakeRegistry, String) {
    let registry = FakeRegistry::start();
    let name = format!("{}/team/big:v1", registry.host());
    large_project(sandbox);
    sandbox.kit(&["pack", "project", "-t", &name]).ok();
    sandbox.kit(&["push", &name, PLAIN]).ok();
    remove(&sandbox.path("kit"));
    (registry, name)
}

fn remove(folder: &Path) {
    if folder.exists() {
        fs_err::remove_dir_all(folder).unwrap();
    }
}

/// Every file that is there is whole.
#[track_caller]
fn assert_no_half_file(sandbox: &Sandbox) {
    let size = |path: &Path| fs_err::metadata(path).map_or(0, |metadata| metadata.len());
    assert!(matches!(size(&sandbox.path("out/m")), 0 | 30_000_000));
    for file in 0..200 {
        assert!(matches!(size(&sandbox.path(&format!("out/d/{file}"))), 0 | 10_000), "{file}");
    }
}

#[track_caller]
fn assert_all_unpacked(sandbox: &Sandbox) {
    assert_eq!(sandbox.names("out").len(), 202, "no staging folder is left: {:?}", &sandbox.names("out")[..3]);
}

/// The number of bytes of blobs in an image layout, complete or not; complete blobs are checked against their digests.
#[track_caller]
fn bytes_in(layout: &Path) -> u64 {
    let files = |folder: &str| fs_err::read_dir(layout.join(folder)).into_iter().flatten().map(|entry| entry.unwrap());
    for blob in files("blobs/sha256") {
        let expected = format!("sha256:{}", blob.file_name().to_str().unwrap());
        assert_eq!(sha256(&fs_err::read(blob.path()).unwrap()), expected);
    }
    files("blobs/sha256").chain(files(".kit/ingest")).map(|file| file.metadata().unwrap().len()).sum()
}

#[test]
fn a_killed_pack_leaves_a_sound_store() {
    let sandbox = Sandbox::new();
    large_project(&sandbox);
    let pack = ["pack", "project", "-t", "big:v1"];
    kill_often(&sandbox, &pack, || remove(&sandbox.path("kit")), || drop(sandbox.kit(&["fsck"]).ok()));
    sandbox.kit(&["cache", "clear"]).ok();
    assert_eq!(fs_err::read_dir(sandbox.store().join(".kit/ingest")).unwrap().count(), 0);
    sandbox.kit(&["unpack", "big:v1", "-d", "out"]).ok();
}

#[test]
fn a_killed_unpack_leaves_no_half_file_and_can_be_repeated() {
    let sandbox = Sandbox::new();
    large_project(&sandbox);
    sandbox.kit(&["pack", "project", "-t", "big:v1"]).ok();
    let unpack = ["unpack", "big:v1", "-d", "out"];
    kill_often(&sandbox, &unpack, || remove(&sandbox.path("out")), || assert_no_half_file(&sandbox));
    assert_all_unpacked(&sandbox);
}

#[test]
fn a_killed_unpack_from_a_registry_leaves_no_half_file_and_can_be_repeated() {
    let sandbox = Sandbox::new();
    let (_registry, name) = registry(&sandbox);
    let unpack = ["unpack", &name, "-d", "out", PLAIN];
    kill_often(&sandbox, &unpack, || remove(&sandbox.path("out")), || assert_no_half_file(&sandbox));
    assert_all_unpacked(&sandbox);
    assert!(!sandbox.path("kit/store/blobs").exists(), "nothing goes through the store");
}

#[test]
fn a_killed_pull_leaves_a_sound_store_and_fetches_little_again() {
    let sandbox = Sandbox::new();
    let (registry, name) = registry(&sandbox);
    registry.configure(|options| options.bytes_per_second = Some(40_000_000));
    let pull = ["pull", &name, PLAIN, "--concurrency", "2"];
    check_fetching(&sandbox, &registry, &pull, "kit/store", || drop(sandbox.kit(&["fsck"]).ok()));
    sandbox.kit(&["unpack", &name, "-d", "out"]).ok();
    assert_all_unpacked(&sandbox);
}

#[test]
fn a_killed_copy_to_a_folder_leaves_a_sound_layout_and_fetches_little_again() {
    let sandbox = Sandbox::new();
    let (registry, name) = registry(&sandbox);
    registry.configure(|options| options.bytes_per_second = Some(40_000_000));
    let copy = ["copy", &name, "oci:layout:v1", PLAIN, "--concurrency", "2"];
    check_fetching(&sandbox, &registry, &copy, "layout", || {});
    sandbox.kit(&["unpack", "oci:layout:v1", "-d", "out"]).ok();
    assert_all_unpacked(&sandbox);
}

/// Bytes that leave the registry are on the disk, except for one piece of each connection: two connections, and one
/// that each blob always has.
fn check_fetching(sandbox: &Sandbox, registry: &FakeRegistry, args: &[&str], layout: &str, look: impl Fn()) {
    let folder = sandbox.path(layout);
    let state = || (registry.paced_bytes(), bytes_in(&folder));
    let before = Cell::new(state());
    let start_again = || {
        remove(&folder);
        before.set(state());
    };
    kill_often(sandbox, args, start_again, || {
        look();
        let (sent, there) = state();
        let (sent_before, there_before) = before.replace((sent, there));
        // Less is there if a killed run left an index that it had not renamed yet, which the next one removes.
        let kept = there.saturating_sub(there_before);
        let lost = (sent - sent_before).saturating_sub(kept);
        assert!(lost <= 3 * PIECE + 500_000, "{lost} bytes are lost, {kept} are kept");
    });
}

/// A registry that keeps what arrived of a broken part is sent each byte once, however often `kit` is killed.
#[test]
#[cfg_attr(windows, ignore = "kills a program within half a second, in which wine hardly starts it")]
fn a_killed_push_sends_no_acknowledged_byte_again() {
    const SIZE: u64 = 150_000_000;
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    registry.configure(|options| {
        options.any_location = true;
        options.own_blobs = true;
        options.mounts = false;
    });
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    sandbox.write("project/m", vec![7; usize::try_from(SIZE).unwrap()]);
    sandbox.kit(&["pack", "project", "-t", "big:v1"]).ok();
    let (mut number, mut resumed) = (0, 0);
    for kill in 0..kills() {
        let remote = format!("{}/big{number}:v1", registry.host());
        let push = ["push", "big:v1", &remote, PLAIN];
        kill_after(&sandbox, &push, Duration::from_millis(u64::from(30 + kill * 53 % 400)));
        registry.wait_until_idle();
        let sent: u64 = registry.requests_of("PATCH", "").iter().map(|part| part.body_bytes).sum();
        resumed += u32::from(sent > 0);
        if registry.manifest(&format!("big{number}"), "v1").is_some() || kill + 1 == kills() {
            sandbox.kit(&push).ok();
            let sent: u64 = registry.requests_of("PATCH", "").iter().map(|part| part.body_bytes).sum();
            assert!((SIZE..SIZE + 10_000).contains(&sent), "{sent} bytes were sent");
            number += 1;
            registry.forget_requests();
        }
    }
    assert!(resumed > 0, "no push was killed while it sent");
}

/// The registry stops reading within the second part, `kit` is killed there, and the next push sends the rest and no
/// more.
#[test]
fn a_killed_push_resumes_where_it_stopped() {
    const SIZE: u64 = 150_000_000;
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    registry.configure(|options| options.any_location = true);
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    sandbox.write("project/m", vec![7; usize::try_from(SIZE).unwrap()]);
    sandbox.kit(&["pack", "project", "-t", "big:v1"]).ok();
    let remote = format!("{}/big:v1", registry.host());
    let push = ["push", "big:v1", &remote, PLAIN];
    registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::StallRequestAfter(10_000_000));
    let mut child = sandbox.command(&push).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while registry.requests_of("PATCH", "").len() < 2 && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    sandbox.kit(&push).ok().says("5.5 MiB sent").says("137.5 MiB resumed");
    let offsets: Vec<_> = registry.requests_of("PATCH", "").iter().map(range).collect();
    let first = 128 * 1024 * 1024;
    assert_eq!(offsets[..2], [(0, first), (first, 10_000_000)]);
    assert_eq!((offsets.len(), offsets[2].0), (3, first + 10_000_000));
    let sent: u64 = offsets.iter().map(|(_, size)| size).sum();
    assert!((SIZE..SIZE + 10_000).contains(&sent), "{sent}");
}

/// The start of a part, and the number of its bytes that arrived.
fn range(part: &Recorded) -> (u64, u64) {
    let start = part.header("content-range").unwrap().split('-').next().unwrap();
    (start.parse().unwrap(), part.body_bytes)
}
