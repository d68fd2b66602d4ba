//! `kit pack --push`: from the files to a registry, and nothing in between.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use expect_test::expect;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::gate::Gate;
use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";

/// The digest that plain `kit pack` gives the project.
fn packed_digest(sandbox: &Sandbox, compression: &str) -> String {
    let mut command = sandbox.command(&["pack", "project", "--compression", compression]);
    sandbox.run(command.env("KIT_HOME", sandbox.path("plain"))).ok().digest()
}

#[test]
fn packing_into_a_registry_stores_nothing_and_sends_each_layer_once() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    let name = format!("{}/team/sample:v1", registry.host());
    let run = sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok();
    assert_eq!(run.stdout, format!("Pushed {}\n", packed_digest(&sandbox, "none")));
    assert!(!sandbox.path("kit").exists(), "there is no store");
    let sent = registry.requests_of("PUT", "/blobs/uploads/");
    let bodies: HashSet<_> = sent.iter().map(|request| request.target.split("digest=").nth(1)).collect();
    assert_eq!(
        (sent.len(), bodies.len()),
        (8, 8),
        "five layers, the config, the record and its empty config, each once"
    );
    assert_eq!(registry.requests_of("PUT", "/manifests/").len(), 2);
    let mut lines: Vec<_> = run.redacted_stderr().lines().map(str::to_owned).collect();
    lines.sort();
    expect![[r#"
        14.6 KiB sent, 0 B already there, 0 B mounted · [TIME] · [SPEED]
        Hashed code layer: [DIGEST]
        Hashed dataset layer: [DIGEST]
        Hashed docs layer: [DIGEST]
        Hashed model layer: [DIGEST]
        Hashed modelpart layer: [DIGEST]
        Packing and pushing [REGISTRY]/team/sample:v1
        code src: 2.5 KiB copied
        config: 1.1 KiB copied
        datasets data: 4.0 KiB copied
        docs README.md: 2.0 KiB copied
        model weights/model.bin: 2.5 KiB copied
        model.parts weights/tokenizer.json: 2.5 KiB copied"#]]
    .assert_eq(&lines.join("\n"));
    registry.forget_requests();
    sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok().says("0 B sent");
    assert!(registry.requests_of("POST", "").is_empty());
}

#[test]
fn pack_push_and_unpack_restore_the_same_files() {
    let (sandbox, registry) = (Sandbox::new(), DockerRegistry::start());
    sandbox.project();
    for compression in ["none", "gzip", "gzip-fastest", "zstd"] {
        let name = format!("{}/team/sample:{compression}", registry.host());
        let pushed = sandbox.kit(&["pack", "project", "--push", &name, "--compression", compression, PLAIN]).ok();
        assert_eq!(pushed.digest(), packed_digest(&sandbox, compression), "{compression}");
        sandbox.kit(&["unpack", &name, "-d", compression, PLAIN]).ok();
        let unpacked = sandbox.tree(compression);
        assert!(
            sandbox.tree("project").iter().filter(|(name, _)| name != "Kitfile").all(|file| unpacked.contains(file))
        );
    }
    assert!(!sandbox.path("kit/store/blobs").exists());
}

#[test]
fn the_tag_flag_gives_the_names() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    let names = format!("{}/team/sample:v1,latest", registry.host());
    let pushed = sandbox.kit(&["pack", "project", "-t", &names, "--push", PLAIN]).ok().digest();
    for tag in ["v1", "latest", &pushed] {
        assert!(registry.manifest("team/sample", tag).is_some(), "{tag}");
    }
    assert!(!sandbox.path("kit").exists());
}

#[test]
fn a_folder_may_take_the_place_of_the_registry() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let pushed = sandbox.kit(&["pack", "project", "--push", "oci:layout:v1"]).ok().digest();
    assert_eq!(pushed, packed_digest(&sandbox, "none"));
    sandbox.kit(&["unpack", "oci:layout:v1", "-d", "out"]).ok();
    assert!(!sandbox.path("kit/store/blobs").exists());
}

#[test]
fn push_needs_one_clear_destination() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "--push"]).exits(2).says("--push NAME:TAG");
    sandbox.kit(&["pack", "project", "--push", "a/b:c", "-t", "a/b:c"]).exits(2).says("give one of them");
    sandbox.kit(&["pack", "project", "--push", "sample:v1"]).exits(2).says("`sample:v1` has no registry host");
}

#[test]
fn a_file_that_changes_between_the_readings_is_named_and_nothing_appears() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    // Files are named by their digests before the first of them is sent.
    let weights = sandbox.path("project/weights/model.bin");
    let gate = Gate::start(registry.host(), move || fs_err::write(&weights, "another weight").unwrap());
    let name = format!("{}/team/sample:v1", gate.host());
    let run = sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).fails();
    expect![[r#"
        error: cannot pack `project` and push it to `[REGISTRY]/team/sample:v1`
          caused by: cannot read model weights/model.bin
          caused by: `[FOLDER]/project/weights/model.bin` changed since it was packed
        hint: pack again when no process is writing to the file
    "#]]
    .assert_eq(&run.redacted_failure());
    assert!(registry.requests_of("PUT", "/manifests/").is_empty());
    assert!(registry.manifest("team/sample", "v1").is_none());
}

/// A project of one file.
fn large_model(sandbox: &Sandbox, content: Vec<u8>) {
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    sandbox.write("project/m", content);
}

/// Bytes that do not shrink.
fn noise(size: usize) -> Vec<u8> {
    let mut number = 1_u32;
    let mut next = || {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        number.to_be_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}

#[test]
fn a_broken_connection_is_resumed() {
    const SIZE: usize = 20_000_000;
    for compression in ["none", "zstd"] {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        large_model(&sandbox, noise(SIZE));
        registry.fail("PUT", "/uploads/", Fault::DropRequestAfter(9_000_000));
        let name = format!("{}/team/sample:v1", registry.host());
        let run = ["pack", "project", "--push", &name, "--compression", compression, PLAIN];
        assert_eq!(sandbox.kit(&run).ok().digest(), packed_digest(&sandbox, compression), "{compression}");
        let sent: u64 = registry.requests().iter().map(|request| request.body_bytes).sum();
        assert!(sent < SIZE as u64 + 3_000_000, "{sent} bytes were sent for {SIZE}");
    }
}

#[test]
fn a_killed_run_is_resumed_where_it_stopped() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    large_model(&sandbox, vec![7; 150_000_000]);
    registry.configure(|options| options.any_location = true);
    registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::StallRequestAfter(10_000_000));
    let name = format!("{}/team/sample:v1", registry.host());
    let args = ["pack", "project", "--push", &name, PLAIN];
    let mut child = sandbox.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while registry.requests_of("PATCH", "").len() < 2 && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    sandbox.kit(&args).ok().says("5.5 MiB sent").says("137.5 MiB resumed");
}
