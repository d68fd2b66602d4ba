//! When the machine runs out of something: a clear error, and nothing half-made is left.

use std::process::Command;

use fs_err as fs;

#[cfg(unix)]
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

#[test]
#[cfg_attr(windows, ignore = "limits the number of open files, which Windows does not do")]
fn running_out_of_open_files_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    let mut failures = 0;
    for limit in 8..=40 {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_kit"), "unpack", "a:v1", "-d", "out"]);
        command.env("KIT_HOME", sandbox.path("kit")).current_dir(sandbox.path("."));
        let run = sandbox.run(&mut command);
        if run.code == Some(0) {
            fs::remove_dir_all(sandbox.path("out")).unwrap();
        } else {
            failures += 1;
            assert!(!sandbox.path("out").exists(), "{limit}: {:?} {}", sandbox.names("out"), run.stderr);
        }
    }
    assert!((1..25).contains(&failures), "{failures} of 33 failed; 64 open files must do");
}

#[cfg(target_os = "linux")]
#[test]
fn running_out_of_threads_is_an_error_and_never_a_panic() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("project/weights/model.bin", "weights".repeat(1 << 20));
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    sandbox.kit(&["push", "a:v1", "oci:layout:v1"]).ok();
    fs::create_dir(sandbox.path("place")).unwrap();
    for path in ["", "place"] {
        kit_testkit::platform::set_mode(sandbox.path(path), 0o777);
    }
    // The limit does not apply to root.
    let user: &[&str] = if fs::read_dir("/root").is_ok() {
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    } else {
        &[]
    };
    let mut failures = 0;
    for limit in 1..=12 {
        let script = format!("ulimit -u {limit}; exec \"$@\"");
        let mut command = Command::new("timeout");
        command.args(["60", "bash", "-c", &script, "bash"]).args(user);
        command.args([env!("CARGO_BIN_EXE_kit"), "unpack", "oci:layout:v1", "-d", "place/out"]);
        command.env("HOME", "/nonexistent").current_dir(sandbox.path("."));
        let run = sandbox.run(&mut command);
        if run.code == Some(0) {
            assert_eq!(sandbox.read("place/out/weights/model.bin").len(), 7 << 20);
            fs::remove_dir_all(sandbox.path("place/out")).unwrap();
        } else {
            failures += 1;
            assert_eq!(run.code, Some(1), "{limit}: {}", run.stderr);
            let starts = ["cannot start the network threads", "cannot start a thread"];
            assert!(starts.iter().any(|words| run.stderr.contains(words)), "{limit}: {}", run.stderr);
            assert!(!sandbox.path("place/out").exists(), "{limit}");
        }
    }
    assert!(failures > 0);
}

#[test]
fn a_transfer_without_enough_disk_space_does_not_start() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    sandbox.kit(&["push", "a:v1", "oci:layout:v1"]).ok();
    claim_to_be_huge(&sandbox, "layout", 1 << 62);
    // Without the copies of the index, which later commands replace.
    let content = |folder: &str| -> Vec<String> {
        sandbox.names(folder).into_iter().filter(|name| !name.contains(".kit/")).collect()
    };
    let (store, layout) = (content("kit"), content("layout"));
    for args in [
        &["pull", "oci:layout:v1", "b:v1"][..],
        &["copy", "oci:layout:v1", "oci:copy:v1"],
        &["unpack", "oci:layout:v1", "-d", "new"],
        &["unpack", "oci:layout:v1", "-d", "new", "--filter", "model"],
    ] {
        sandbox.kit(args).fails().says("not enough space in `").says(" free").says("hint: free disk space");
    }
    assert!(!sandbox.path("new").exists());
    assert_eq!((content("kit"), content("layout")), (store, layout));
    // Files that are not selected need no space, and existing files may be equal.
    sandbox.kit(&["unpack", "oci:layout:v1", "-d", "new", "--filter", "docs"]).ok();
    sandbox.write("new/weights/model.bin", "weights\n");
    let run = sandbox.kit(&["unpack", "oci:layout:v1", "-d", "new", "--filter", "model"]).fails();
    assert!(!run.stderr.contains("not enough space"), "{}", run.stderr);
}

#[test]
fn unpacking_from_the_store_without_enough_space_does_not_start() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    let model = claim_to_be_huge(&sandbox, "kit/store", 1 << 43);
    // It is as large as it claims to be: a file that is nothing but a hole.
    fs::OpenOptions::new().write(true).open(sandbox.path(&model)).unwrap().set_len(1 << 43).unwrap();
    sandbox.kit(&["unpack", "a:v1", "-d", "new"]).fails().says("not enough space in `").says(" free");
    assert!(!sandbox.path("new").exists());
}

#[test]
fn a_layer_larger_than_the_disk_is_not_packed() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let weights = fs::OpenOptions::new().write(true).open(sandbox.path("project/weights/model.bin")).unwrap();
    weights.set_len(15 << 40).expect("a sparse file needs no space");
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).fails().says("15.0 TiB needed");
    assert!(sandbox.names("kit").iter().all(|name| !name.contains("tmp-")), "{:?}", sandbox.names("kit"));
}

/// Makes the manifest of the first artifact in `layout` say that its model has `size` bytes, and returns where that is.
fn claim_to_be_huge(sandbox: &Sandbox, layout: &str, size: u64) -> String {
    let read =
        |path: &str| serde_json::from_str::<serde_json::Value>(&sandbox.read(&format!("{layout}/{path}"))).unwrap();
    let blob = |digest: &str| format!("blobs/{}", digest.replace(':', "/"));
    let mut index = read("index.json");
    let mut manifest = read(&blob(index["manifests"][0]["digest"].as_str().unwrap()));
    let layers = manifest["layers"].as_array_mut().unwrap();
    let model = layers.iter_mut().find(|layer| layer["mediaType"].as_str().unwrap().contains("model.")).unwrap();
    model["size"] = size.into();
    let place = format!("{layout}/{}", blob(model["digest"].as_str().unwrap()));
    let bytes = manifest.to_string();
    let digest = kit_core::digest::Digest::of(bytes.as_bytes()).to_string();
    sandbox.write(&format!("{layout}/{}", blob(&digest)), &bytes);
    index["manifests"][0]["digest"] = digest.into();
    index["manifests"][0]["size"] = bytes.len().into();
    sandbox.write(&format!("{layout}/index.json"), index.to_string());
    place
}

/// Runs `script` with `kit` as `$KIT` in a mount namespace, in which the store is on a disk of 2 MiB.
#[cfg(target_os = "linux")]
fn on_small_disk(sandbox: &Sandbox, script: &str) -> kit_testkit::sandbox::Run {
    fs::create_dir_all(sandbox.path("kit")).unwrap();
    let mount = "set -e; mount -t tmpfs -o size=2m none kit; ";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "bash", "-c", &format!("{mount}{script}")]);
    command.env("KIT", env!("CARGO_BIN_EXE_kit")).env("KIT_HOME", sandbox.path("kit")).current_dir(sandbox.path("."));
    sandbox.run(&mut command)
}

/// A project with one incompressible model of 500 KB.
#[cfg(target_os = "linux")]
fn large_model(sandbox: &Sandbox, name: &str, seed: u64) {
    let mut state = seed;
    let noise = (0..500_000).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    sandbox.write(&format!("{name}/Kitfile"), "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    sandbox.write(&format!("{name}/m"), noise.collect::<Vec<_>>());
}

#[cfg(target_os = "linux")]
#[test]
fn removing_frees_space_on_a_full_disk() {
    let sandbox = Sandbox::new();
    large_model(&sandbox, "one", 1);
    large_model(&sandbox, "two", 2);
    // What is recorded of files that are a few seconds old would be space that a removal can free.
    let filled = "$KIT pack one -t a:v1 -q; $KIT pack two -t b:v1 -q; $KIT tag b:v1 b:v2 -q; $KIT cache clear -q; \
                ! dd if=/dev/zero of=kit/ballast bs=1k status=none 2>/dev/null; ";
    let proof = "! (echo x > kit/probe) 2>/dev/null; rm kit/probe; ";
    on_small_disk(
        &sandbox,
        &format!("{filled}{proof}$KIT fsck; $KIT remove a:v1; rm kit/ballast; $KIT fsck; $KIT list"),
    )
    .ok()
    .prints("Removed a:v1")
    .says("freed");
    // The content that another name needs stays.
    let run = on_small_disk(&sandbox, &format!("{filled}{proof}$KIT remove b:v2 && exit 9; rm kit/ballast; $KIT fsck"));
    run.ok()
        .prints("The store is sound: ")
        .says("Failed to remove `b:v2`")
        .says("not enough space: ")
        .says("No space left on device");
    // A name of which nothing is left can be removed as well.
    let broken = "rm $(find kit/store/blobs -size +100k | head -n 1); ";
    let run = on_small_disk(
        &sandbox,
        &format!(
            "{filled}{broken}! dd if=/dev/zero of=kit/more bs=1k status=none 2>/dev/null; \
             $KIT fsck && exit 9; $KIT fsck --repair; rm kit/ballast kit/more; $KIT fsck"
        ),
    );
    run.ok();
}

#[cfg(target_os = "linux")]
#[test]
fn every_byte_of_new_files_counts() {
    let sandbox = Sandbox::new();
    large_model(&sandbox, "one", 1);
    sandbox.write("one/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: .}\n");
    let registry = FakeRegistry::start();
    let remote = format!("{}/team/one:v1", registry.host());
    sandbox.kit(&["pack", "one", "--push", &remote, "--plain-http"]).ok();
    sandbox.kit(&["pack", "one", "--push", "oci:layout:v1", "--compression", "gzip"]).ok();
    // A little less than the 500,000 bytes of the file are free, and more than seven eighths of them.
    let script = format!(
        "mkdir kit/out; dd if=/dev/zero of=kit/ballast bs=4k count=395 status=none; \
         $KIT unpack {remote} -d kit/out --plain-http && exit 9; rm -rf kit/out/* && ls -A kit/out; \
         $KIT unpack oci:layout:v1 -d kit/out && exit 9; exit 7"
    );
    let run = on_small_disk(&sandbox, &script);
    assert_eq!(run.code, Some(7), "{}", run.stderr);
    let refused = run.stderr.matches("/kit/out`: 488.2 KiB needed, ").count();
    assert_eq!(refused, 2, "{}", run.stderr);
    assert_eq!(run.stdout, "", "nothing is left");
    run.says("hint: free disk space");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_becomes_full_is_reported_like_one_that_is_too_small() {
    let sandbox = Sandbox::new();
    large_model(&sandbox, "one", 1);
    // Compressed layers have no size before they are written.
    let script = "dd if=/dev/zero of=kit/ballast bs=4k count=400 status=none; \
                  $KIT pack one -t a:v1 --compression gzip && exit 9; exit 7";
    let run = on_small_disk(&sandbox, script);
    assert_eq!(run.code, Some(7), "{}", run.stderr);
    run.says("caused by: not enough space in `").says("/kit/store`: ").says(" free").says("hint: free disk space");
}
