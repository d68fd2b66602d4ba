//! `Kitfile.lock`: what `kit pack --lock` writes, and what `kit pack --locked` refuses.

use expect_test::expect;
use fs_err as fs;

use kit_testkit::platform;
use kit_testkit::sandbox::Sandbox;

fn locked_project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    for (path, _) in kit_testkit::sandbox::PROJECT {
        set_mode(&sandbox, path, 0o644);
    }
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--lock"]).ok();
    sandbox
}

fn set_mode(sandbox: &Sandbox, path: &str, mode: u32) {
    platform::set_mode(sandbox.path("project").join(path), mode);
}

#[test]
fn the_lock_names_every_file_layer_and_digest() {
    let sandbox = locked_project();
    let text = regex::Regex::new("sha256:([0-9a-f]{4})[0-9a-f]{60}").unwrap();
    let lock = sandbox.read("project/Kitfile.lock");
    let manifest = sandbox.kit(&["inspect", "sample:v1", "--format", "{{.Digest}}"]).ok().stdout;
    assert!(lock.contains(&format!("\nmanifest {}\n", manifest.trim())));
    expect![[r#"
        Kitfile.lock 1
        manifest cc87
        kitfile f87b
        layer docs README.md - application/vnd.kitops.modelkit.docs.v1.tar 3498 3498
        file 644 9 504c README.md
        layer datasets data training application/vnd.kitops.modelkit.dataset.v1.tar b6b6 b6b6
        folder 755 data
        folder 755 data/more
        file 644 8 57f6 data/more/val.csv
        file 644 8 492d data/train.csv
        layer code src - application/vnd.kitops.modelkit.code.v1.tar d4d2 d4d2
        folder 755 src
        file 644 15 c7d9 src/train.py
        layer model weights/model.bin net application/vnd.kitops.modelkit.model.v1.tar 1883 1883
        folder 755 weights
        file 644 8 1b46 weights/model.bin
        layer model.parts weights/tokenizer.json tokenizer application/vnd.kitops.modelkit.modelpart.v1.tar 201a 201a
        folder 755 weights
        file 644 3 ca3d weights/tokenizer.json
    "#]]
    .assert_eq(&text.replace_all(&lock, "$1"));
}

#[test]
fn the_lock_is_the_same_however_the_layers_came_to_be() {
    let sandbox = locked_project();
    let lock = sandbox.read("project/Kitfile.lock");
    for more in [&["--no-cache"][..], &["--link"], &[]] {
        fs::remove_file(sandbox.path("project/Kitfile.lock")).unwrap();
        let run = sandbox.kit(&[&["pack", "project", "--lock"], more].concat()).ok();
        assert!(!run.stderr.contains("warning"), "{}", run.stderr);
        assert_eq!(sandbox.read("project/Kitfile.lock"), lock, "{more:?}");
    }
    let files =
        |lock: &str| lock.lines().filter(|line| line.starts_with("file ")).map(str::to_owned).collect::<Vec<_>>();
    sandbox.kit(&["pack", "project", "--lock", "--compression", "zstd"]).ok();
    let compressed = sandbox.read("project/Kitfile.lock");
    assert_eq!(files(&compressed), files(&lock));
    assert!(compressed.contains(".tar+zstd "));
}

#[test]
fn pack_push_writes_and_checks_the_lock_as_usual() {
    let sandbox = locked_project();
    let lock = sandbox.read("project/Kitfile.lock");
    fs::remove_file(sandbox.path("project/Kitfile.lock")).unwrap();
    sandbox.kit(&["pack", "project", "--push", "oci:layout:v1", "--lock"]).ok();
    assert_eq!(sandbox.read("project/Kitfile.lock"), lock);
    sandbox.kit(&["pack", "project", "--push", "oci:layout:v2", "--locked"]).ok();
    sandbox.write("project/src/train.py", "print('TRAIN')\n");
    let run = sandbox.kit(&["pack", "project", "--push", "oci:layout:v3", "--locked"]).fails();
    run.says("file `src/train.py`: its content is sha256:")
        .says("hint: if the changes are intended, update the lock with `kit pack --lock`");
    sandbox.kit(&["inspect", "oci:layout:v3"]).fails();
    assert_eq!(sandbox.read("project/Kitfile.lock"), lock);
    for compression in ["gzip", "zstd"] {
        sandbox.kit(&["pack", "project", "--push", "oci:layout:v4", "--lock", "--compression", compression]).ok();
        sandbox.kit(&["diff", "project/Kitfile.lock", "oci:layout:v4", "--exit-code"]).ok();
    }
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn a_folder_that_changed_is_named() {
    let sandbox = locked_project();
    set_mode(&sandbox, "data/more", 0o700);
    fs::create_dir(sandbox.path("project/src/empty")).unwrap();
    set_mode(&sandbox, "src/empty", 0o755);
    set_mode(&sandbox, "src/train.py", 0o755);
    let run = sandbox.kit(&["pack", "project", "--locked"]).fails();
    run.says("folder `data/more`: its mode is 700, not 755")
        .says("folder `src/empty`: extra")
        .says("file `src/train.py`: its mode is 755, not 644");
    set_mode(&sandbox, "src/train.py", 0o644);
    // An umask may take what 700 lacks.
    sandbox.kit(&["verify", "project"]).ok();
    set_mode(&sandbox, "data/more", 0o755);
    set_mode(&sandbox, "data", 0o777);
    let run = sandbox.kit(&["verify", "project"]).fails();
    run.prints("data");
}

#[test]
fn the_lock_itself_is_never_packed() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: .}]\n");
    sandbox.write("project/a", "a");
    let digest = sandbox.kit(&["pack", "project"]).ok().digest();
    for _ in 0..2 {
        assert_eq!(sandbox.kit(&["pack", "project", "-t", "a:v1", "--lock"]).ok().digest(), digest);
    }
    sandbox.kit(&["pack", "project", "--locked"]).ok();
    sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    assert_eq!(sandbox.names("out"), ["Kitfile", "a"]);
}

#[test]
fn unchanged_files_match_the_lock_and_are_packed() {
    let sandbox = locked_project();
    let lock = sandbox.read("project/Kitfile.lock");
    sandbox.kit(&["pack", "project", "-t", "sample:v2", "--locked"]).ok();
    assert_eq!(sandbox.read("project/Kitfile.lock"), lock);
    sandbox.kit(&["info", "sample:v2"]).ok();
}

#[test]
fn every_drift_is_named_and_nothing_is_packed() {
    let sandbox = locked_project();
    sandbox.write("project/data/train.csv", "a,b\n1,3\n");
    sandbox.write("project/data/new.csv", "");
    set_mode(&sandbox, "data/new.csv", 0o644);
    fs::remove_file(sandbox.path("project/data/more/val.csv")).unwrap();
    sandbox.write("project/src/train.py", "print('TRAIN')\n");
    let kitfile = sandbox.read("project/Kitfile");
    sandbox.write("project/Kitfile", kitfile.replace("  - path: README.md\n", "  - path: CHANGES.md\n"));
    sandbox.write("project/CHANGES.md", "changes");
    let run = sandbox.kit(&["pack", "project", "-t", "sample:v2", "--locked", "--quiet"]).fails();
    expect![[r#"
        error: cannot pack `project`
          caused by: the result would not match the lock file:
            the Kitfile: its content is [DIGEST], not [DIGEST]
            layer `CHANGES.md` of `docs`: extra
            layer `README.md` of `docs`: missing
            layer `data` of `datasets`: its digest is [DIGEST], not [DIGEST]
            file `data/more/val.csv`: missing
            file `data/new.csv`: extra
            file `data/train.csv`: its content is [DIGEST], not [DIGEST]
            layer `src` of `code`: its digest is [DIGEST], not [DIGEST]
            file `src/train.py`: its content is [DIGEST], not [DIGEST]
        hint: if the changes are intended, update the lock with `kit pack --lock`
    "#]]
    .assert_eq(&run.redacted_failure());
    assert_eq!(run.stdout, "");
    sandbox.kit(&["info", "sample:v2"]).fails().says("not found in the local store");
    sandbox.kit(&["fsck"]).ok();
    assert_eq!(sandbox.kit(&["list"]).ok().stdout.lines().count(), 2, "the first one is there still");
}

#[test]
fn a_parent_that_moved_is_drift() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "base:v1"]).ok();
    sandbox.write("tuned/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: 'base:v1'}\ncode: [{path: .}]\n");
    sandbox.write("tuned/app.py", "app");
    sandbox.kit(&["pack", "tuned", "--lock"]).ok();
    let lock = sandbox.read("tuned/Kitfile.lock");
    assert!(lock.contains(" base:v1\nholds README.md\nholds data\nholds src\nholds weights/model.bin\n"), "{lock}");
    sandbox.kit(&["pack", "tuned", "--locked"]).ok();
    sandbox.write("project/README.md", "# Sampled\n");
    sandbox.kit(&["pack", "project", "-t", "base:v1"]).ok();
    sandbox.kit(&["pack", "tuned", "--locked"]).fails().says("\n    parent `base:v1`: its digest is sha256:");
}

#[test]
fn a_lock_that_cannot_be_used_is_refused_with_its_problems() {
    let sandbox = locked_project();
    let lock = sandbox.read("project/Kitfile.lock");
    sandbox.write("project/Kitfile.lock", lock.replace("file 644", "<<<<<<< ours\nfile 9"));
    sandbox.kit(&["pack", "project", "--locked"]).fails().says("Kitfile.lock:5:1: unknown record `<<<<<<<`");
    fs::remove_file(sandbox.path("project/Kitfile.lock")).unwrap();
    sandbox.kit(&["pack", "project", "--locked"]).fails().says("create it with `kit pack --lock`");
}

#[test]
fn a_lock_is_written_or_kept_to() {
    let sandbox = locked_project();
    sandbox.kit(&["pack", "project", "--lock", "--locked"]).exits(2);
}

#[test]
fn the_lock_is_written_beside_the_kitfile() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("kits/small", "manifestVersion: 1.0.0\ndocs: [{path: README.md}]\n");
    sandbox.kit(&["pack", "project", "-f", "kits/small", "--lock"]).ok();
    assert_eq!(sandbox.names("kits"), ["Kitfile.lock", "small"]);
    assert!(!sandbox.path("project/Kitfile.lock").exists());
    sandbox.kit(&["pack", "project", "-f", "kits/small", "--locked"]).ok();
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn a_file_that_is_a_layer_of_its_own_is_locked_with_its_mode() {
    let sandbox = locked_project();
    set_mode(&sandbox, "weights/model.bin", 0o600);
    sandbox.kit(&["pack", "project", "--lock", "--layer-format", "raw"]).ok();
    let lock = sandbox.read("project/Kitfile.lock");
    assert!(lock.contains("\nfile 600 8 sha256:") && lock.contains(".raw sha256:"), "{lock}");
}
