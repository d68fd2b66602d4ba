//! `kit pack`: what it stores, what it prints, what it refuses.

use expect_test::expect;
use fs_err as fs;

use kit_testkit::platform::{assert_mode, set_mode, symlink};
use kit_testkit::sandbox::Sandbox;

#[test]
fn pack_reports_every_step_and_prints_the_digest() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let run = sandbox.kit(&["pack", "project", "-t", "sample:v1,latest"]).ok();
    expect![[r#"
        Model saved: [DIGEST]
    "#]]
    .assert_eq(&run.redacted_stdout());
    let mut lines: Vec<_> = run.redacted_stderr().lines().map(str::to_owned).collect();
    lines[..5].sort();
    expect![[r#"
        Saved code layer: [DIGEST]
        Saved dataset layer: [DIGEST]
        Saved docs layer: [DIGEST]
        Saved model layer: [DIGEST]
        Saved modelpart layer: [DIGEST]
        Saved configuration: [DIGEST]
        Saved manifest to storage: [DIGEST]
        13.5 KiB written, 0 B reused · [TIME] · [SPEED] · tagged sample:v1, sample:latest"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn packing_the_same_files_anywhere_gives_the_same_digest() {
    let digests = [(); 2].map(|()| {
        let sandbox = Sandbox::new();
        sandbox.project();
        sandbox.kit(&["pack", "project"]).ok().digest()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn packing_again_reuses_stored_layers() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox
        .kit(&["pack", "project", "-t", "sample:v1"])
        .ok()
        .says("Already saved model layer: sha256:")
        .says("Configuration already exists in storage: sha256:")
        .says("Manifest already exists in storage: sha256:")
        .says("0 B written");
}

#[test]
fn every_compression_unpacks_to_the_same_files() {
    let sandbox = Sandbox::new();
    sandbox.project();
    for compression in ["none", "gzip", "gzip-fastest", "zstd"] {
        let name = format!("sample:{compression}");
        sandbox.kit(&["pack", "project", "-t", &name, "--compression", compression]).ok();
        sandbox.kit(&["unpack", &name, "-d", compression]).ok();
        let unpacked = sandbox.tree(compression);
        assert!(
            sandbox.tree("project").iter().filter(|(name, _)| name != "Kitfile").all(|file| unpacked.contains(file))
        );
    }
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn files_that_kitops_loses_are_packed() {
    let sandbox = Sandbox::new();
    for path in ["data/x", "data2/x", "database.db", "a..b", "keep/me/yes", "keep/no", "...", "f"] {
        sandbox.write(&format!("project/{path}"), path);
    }
    sandbox.write("project/.kitignore", "keep\n!keep/me/yes\n");
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: .}\ndatasets: [{path: data}]\n");
    symlink("f", sandbox.path("project/link")).unwrap();
    sandbox.kit(&["pack", "project", "-t", "all:v1"]).ok();
    sandbox.kit(&["unpack", "all:v1", "-d", "out"]).ok();
    assert_eq!(
        sandbox.names("out"),
        ["...", "Kitfile", "a..b", "data/x", "data2/x", "database.db", "f", "keep/me/yes", "link"]
    );
    assert_eq!(sandbox.read("out/link"), "f");
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_link_that_leaves_the_folder_is_refused_or_followed() {
    let sandbox = Sandbox::new();
    sandbox.write("cache/blob", "weights");
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: model.bin}\n");
    symlink("../cache/blob", sandbox.path("project/model.bin")).unwrap();
    let run = sandbox.kit(&["pack", "project"]).fails();
    expect![[r#"
        error: cannot pack `project`
          caused by: cannot read `model.bin`: it is a symbolic link to `../cache/blob`, outside of the context folder
        hint: `kit pack --follow-symlinks` and `kit scan --follow-symlinks` follow the link"#]]
    .assert_eq(run.redacted_stderr().trim_end());
    sandbox.kit(&["pack", "project", "-t", "a:v1", "--follow-symlinks"]).ok();
    sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    assert_eq!(sandbox.read("out/model.bin"), "weights");
}

#[test]
fn all_problems_of_a_kitfile_are_shown_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "project/Kitfile",
        "manifestVersion: 1.0.0\nmodel:\n  frameworks: pytorch\n  path: ../x\n\
         datasets:\n  - path: data\n  - path: ./data\n",
    );
    let run = sandbox.kit(&["pack", "project"]).fails();
    expect![[r#"
        error: project/Kitfile is not valid
          project/Kitfile:3:3: unknown field `frameworks` in `model`; did you mean `framework`?
            3 |   frameworks: pytorch
              |   ^^^^^^^^^^
          project/Kitfile:4:9: the path `../x` leads outside the folder of the Kitfile (model)
            4 |   path: ../x
              |         ^^^^
          project/Kitfile:7:11: `data` and `./data` are the same path (datasets[0], datasets[1])
            7 |   - path: ./data
              |           ^^^^^^"#]]
    .assert_eq(run.redacted_stderr().trim_end());
}

#[test]
fn a_path_that_cannot_be_packed_is_named() {
    let sandbox = Sandbox::new();
    let check = |kitfile: &str, words: &str| {
        sandbox.write("project/Kitfile", kitfile);
        sandbox.kit(&["pack", "project"]).fails().says(words);
        assert!(sandbox.kit(&["list"]).ok().stdout.lines().count() == 1);
    };
    check("manifestVersion: 1.0.0\nmodel: {path: missing}\n", "`missing` does not exist");
    check("manifestVersion: 1.0.0\nmodel: {path: /etc/passwd}\n", "absolute paths are not supported");
    check("", "is not valid");
    std::fs::remove_dir_all(sandbox.path("project")).unwrap();
    sandbox.kit(&["pack", "project"]).fails().says("project");
    sandbox.write("empty/file", "");
    sandbox.kit(&["pack", "empty"]).fails().says("No Kitfile found in");
    sandbox.kit(&["pack", "empty/file"]).fails().says("is not a folder");
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_failed_pack_leaves_no_blob() {
    let sandbox = Sandbox::new();
    sandbox.project();
    symlink("nowhere", sandbox.path("project/data/dangling")).unwrap();
    sandbox.kit(&["pack", "project"]).fails().says("`nowhere`, which does not exist");
    assert_eq!(fs_err::read_dir(sandbox.store().join("blobs/sha256")).unwrap().count(), 0);
}

#[test]
fn a_kitfile_is_read_from_another_path_or_standard_input() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("Other", "manifestVersion: 1.0.0\ndocs: [{path: README.md}]\n");
    sandbox.kit(&["pack", "project", "-f", "Other", "-t", "a:v1"]).ok();
    sandbox.write("project/-", "a file with the name of standard input");
    let mut command = sandbox.command(&["pack", "project", "-f", "-", "-t", "b:v1"]);
    command.stdin(fs_err::File::open(sandbox.path("Other")).unwrap().into_file());
    sandbox.run(&mut command).ok();
    let digest = |name: &str| sandbox.kit(&["inspect", name, "--format", "{{.Digest}}"]).ok().stdout;
    assert_eq!(digest("a:v1"), digest("b:v1"));
}

#[test]
fn empty_and_ignored_layers_are_pointed_out() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: void}\ndocs: [{path: notes}]\n");
    sandbox.write("project/notes/a", "a");
    sandbox.write("project/.kitignore", "notes\n");
    fs_err::create_dir(sandbox.path("project/void")).unwrap();
    let run = sandbox.kit(&["pack", "project", "--allow-empty"]).ok();
    run.says("warning: No files detected in model layer with path void")
        .says("warning: docs layer path notes ignored by kitignore");
}

#[test]
fn files_outside_all_layers_are_reported() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("project/notes.txt", "forgotten");
    sandbox
        .kit(&["pack", "project"])
        .ok()
        .says("warning: not packed: `notes.txt`; add it to the Kitfile, or to .kitignore if you do not want it");
    sandbox.write("project/.kitignore", "notes.txt\n");
    assert!(!sandbox.kit(&["pack", "project"]).ok().stderr.contains("warning"));
}

#[test]
fn a_missing_tag_is_latest_and_said_to_be() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample"]).ok().says("using 'latest' (sample:latest)");
    sandbox.kit(&["info", "sample"]).ok().prints("name: sample");
}

#[test]
#[cfg_attr(windows, ignore = "makes a file with a colon in its name")]
fn a_file_with_the_name_of_a_reference_is_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: 'model:v1.bin'}\n");
    sandbox.write("project/model:v1.bin", "weights");
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    assert_eq!(sandbox.read("out/model:v1.bin"), "weights");
}

#[test]
fn a_model_may_come_from_another_modelkit() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "base:v1"]).ok();
    sandbox.write("tuned/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: 'base:v1'}\ncode: [{path: .}]\n");
    sandbox.write("tuned/app.py", "app");
    sandbox.write("tuned/weights/model.bin", "comes from base");
    sandbox.kit(&["pack", "tuned", "-t", "tuned:v1"]).ok();
    sandbox.kit(&["unpack", "tuned:v1", "-d", "out"]).ok().says("Unpacking referenced ModelKit base:v1");
    assert_eq!(sandbox.names("out"), ["Kitfile", "app.py", "weights/model.bin", "weights/tokenizer.json"]);
    assert_eq!(sandbox.read("out/weights/model.bin"), "weights\n");
    sandbox.kit(&["unpack", "tuned:v1", "-d", "code", "--filter", "code"]).ok();
    assert_eq!(sandbox.names("code"), ["app.py"]);
}

#[test]
fn modelkits_that_refer_to_each_other_in_a_circle_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("a/Kitfile", "manifestVersion: 1.0.0\ndocs: [{path: .}]\n");
    sandbox.kit(&["pack", "a", "-t", "a:v1"]).ok();
    sandbox.write("b/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: 'a:v1'}\n");
    sandbox.kit(&["pack", "b", "-t", "b:v1"]).ok();
    sandbox.write("a/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: 'b:v1'}\n");
    sandbox.kit(&["pack", "a", "-t", "a:v1"]).fails().says("found cycle in modelkit references: [a:v1=>b:v1=>a:v1]");
}

/// A project whose model is a file of this repository: old enough for its state to be trusted.
fn project_of_an_old_file() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: model.bin}\n");
    symlink(kit_testkit::sandbox::repository().join("Cargo.toml"), sandbox.path("project/model.bin")).unwrap();
    sandbox
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_layer_is_reused_while_the_state_of_its_files_is_equal() {
    let sandbox = project_of_an_old_file();
    let pack = ["pack", "project", "-t", "a:v1", "--follow-symlinks"];
    let digest = sandbox.kit(&pack).ok().says("Saved model layer: sha256:").digest();
    sandbox.kit(&["cache", "info"]).ok().prints("Layers remembered by the state of their files: 1");
    assert_eq!(sandbox.kit(&pack).ok().says("Already saved model layer: sha256:").digest(), digest);
    // A lie in what is remembered shows that no file was read.
    let layers = sandbox.store().join(".kit/layers");
    let remembered = fs::read_dir(&layers).unwrap().next().unwrap().unwrap().path();
    let mut lie: serde_json::Value = serde_json::from_slice(&fs::read(&remembered).unwrap()).unwrap();
    lie["diff_id"] = format!("sha256:{}", "0".repeat(64)).into();
    fs::write(&remembered, lie.to_string()).unwrap();
    assert_ne!(sandbox.kit(&pack).ok().digest(), digest);
    assert_eq!(sandbox.kit(&[&pack[..], &["--no-cache"]].concat()).ok().digest(), digest);
    fs::write(&remembered, "{").unwrap();
    assert_eq!(sandbox.kit(&pack).ok().digest(), digest);
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_remembered_layer_whose_blob_is_gone_is_packed_again() {
    let sandbox = project_of_an_old_file();
    let pack = ["pack", "project", "-t", "a:v1", "--follow-symlinks"];
    let digest = sandbox.kit(&pack).ok().digest();
    for blob in fs::read_dir(sandbox.store().join("blobs/sha256")).unwrap() {
        fs::remove_file(blob.unwrap().path()).unwrap();
    }
    assert_eq!(sandbox.kit(&pack).ok().says("Saved model layer: sha256:").digest(), digest);
    sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
}

#[test]
fn a_raw_layer_is_the_file_itself_and_folders_stay_tar() {
    let sandbox = Sandbox::new();
    sandbox.write("project/w.bin", "the weights");
    sandbox.write("project/data/a", "a");
    sandbox.write("project/run.sh", "#!/bin/sh\n");
    set_mode(sandbox.path("project/run.sh"), 0o755);
    sandbox.write(
        "project/Kitfile",
        "manifestVersion: 1.0.0\nmodel: {path: w.bin}\ndatasets: [{path: data}]\ncode: [{path: ./run.sh}]\n",
    );
    sandbox.kit(&["pack", "project", "-t", "sample:tar"]).ok();
    let weights = kit_core::digest::Digest::of(b"the weights");
    let raw = ["pack", "project", "-t", "sample:raw", "--layer-format", "raw"];
    sandbox.kit(&raw).ok().says(&format!("Saved model layer: {weights}")).says("Already saved dataset layer");
    let run = sandbox.kit(&["inspect", "sample:raw"]).ok();
    for words in ["model.v1.raw\"", "code.v1.raw\"", "dataset.v1.tar\"", &weights.to_string()] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    sandbox.kit(&["unpack", "sample:raw", "-d", "out"]).ok();
    sandbox.kit(&["unpack", "sample:tar", "-d", "tar"]).ok();
    assert_eq!(sandbox.tree("out"), sandbox.tree("tar"));
    for (name, mode) in [("run.sh", 0o755), ("w.bin", 0o644)] {
        assert_mode(sandbox.path(&format!("out/{name}")), mode);
    }
    sandbox.kit(&["fsck"]).ok();
    sandbox.kit(&[&raw[..], &["--compression", "zstd"]].concat()).ok();
    sandbox.kit(&["unpack", "sample:raw", "-d", "zstd", "--filter", "code"]).ok();
    assert_eq!(sandbox.tree("zstd"), [("run.sh".to_owned(), "#!/bin/sh\n".to_owned())]);
    sandbox
        .kit(&["pack", "project", "--layer-format", "zip"])
        .exits(2)
        .says("invalid layer format: must be either 'tar' or 'raw'");
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_remembered_layer_is_described_as_a_new_one_and_not_taken_for_the_other_format() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: w}\n");
    // A file that has been there for long: only such a one is remembered.
    symlink("/bin/sh", sandbox.path("project/w")).unwrap();
    let digests = ["tar", "raw", "tar", "raw"]
        .map(|format| sandbox.kit(&["pack", "project", "--follow-symlinks", "--layer-format", format]).ok().digest());
    assert_ne!(digests[0], digests[1]);
    assert_eq!(digests[..2], digests[2..]);
    sandbox.kit(&["cache", "info"]).ok().prints("Layers remembered by the state of their files: 2");
}

#[test]
fn a_raw_layer_is_the_same_whether_stored_linked_or_sent() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: w.bin}\ncode: [{path: src}]\n");
    // More than one step of reading, and no multiple of a block of tar.
    sandbox.write("project/w.bin", "weights ".repeat(200_001));
    sandbox.write("project/src/a", "a");
    for compression in ["none", "gzip", "zstd"] {
        let pack = ["pack", "project", "--layer-format", "raw", "--compression", compression];
        let digest = sandbox.kit(&[&pack[..], &["--push", "oci:layout:v1"]].concat()).ok().digest();
        assert_eq!(sandbox.kit(&[&pack[..], &["-t", "linked:v1", "--link"]].concat()).ok().digest(), digest);
        sandbox.kit(&["fsck"]).ok();
        for from in ["oci:layout:v1", "linked:v1"] {
            sandbox.kit(&["unpack", from, "-d", "out"]).ok();
            assert_eq!(sandbox.read("out/w.bin"), sandbox.read("project/w.bin"), "{from} {compression}");
            fs::remove_dir_all(sandbox.path("out")).unwrap();
        }
        sandbox.kit(&["materialize", "linked:v1"]).ok();
        assert_eq!(sandbox.kit(&[&pack[..], &["-t", "plain:v1"]].concat()).ok().says("Already saved").digest(), digest);
        sandbox.kit(&["fsck"]).ok();
        fs::remove_dir_all(sandbox.path("layout")).unwrap();
    }
}

#[test]
fn a_pointer_of_git_lfs_is_packed_only_with_a_warning() {
    let sandbox = Sandbox::new();
    sandbox.project();
    for line_end in ["\n", "\r\n"] {
        let lines =
            ["version https://git-lfs.github.com/spec/v1", &format!("oid sha256:{}", "a".repeat(64)), "size 7", ""];
        sandbox.write("project/weights/model.bin", lines.join(line_end));
        let words = "`weights/model.bin` is only a pointer of git LFS";
        sandbox.kit(&["pack", "project", "-t", "a:v1", "--allow-empty"]).ok().says(words);
        // Also if the layer is not read again.
        sandbox.kit(&["pack", "project", "-t", "a:v1", "--allow-empty"]).ok().says(words);
        let findings = sandbox.kit(&["validate", "project", "--format", "{{.rule}} {{.place}}"]);
        assert!(findings.stdout.contains("lfs-pointer weights/model.bin"), "{}", findings.stdout);
    }
}

/// A path of this length is made folder by folder, which only Unix systems can do.
#[cfg(unix)]
#[test]
fn what_is_packed_can_be_unpacked_however_deep_it_is() {
    use rustix::fs::{Mode, OFlags};
    let sandbox = Sandbox::new();
    sandbox.write("deep/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: m}]\n");
    fs::create_dir(sandbox.path("deep/m")).unwrap();
    let mut folder = rustix::fs::open(sandbox.path("deep/m"), OFlags::DIRECTORY, Mode::empty()).unwrap();
    let name = "d".repeat(200);
    for level in 1..=20 {
        rustix::fs::mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = rustix::fs::openat(&folder, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
        let pack = || sandbox.kit(&["pack", "deep", "-t", "a:v1"]);
        if level == 19 {
            pack().ok();
            sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
        } else if level == 20 {
            pack().fails().says("and paths with more than 3840 cannot be unpacked");
        }
    }
}
