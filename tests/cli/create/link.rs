//! `kit pack --link` and `kit materialize`: a store without a second copy of the files.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use fs_err as fs;

use kit_testkit::sandbox::{Run, Sandbox};

/// The project packed with --link as `sample:v1`.
fn linked() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--link"]).ok();
    sandbox
}

fn append(path: &Path) {
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
}

/// The number of blobs in the store, and of layers that are linked.
fn kept(sandbox: &Sandbox) -> (usize, usize) {
    let count = |folder: &str| fs::read_dir(sandbox.store().join(folder)).map_or(0, Iterator::count);
    (count("blobs/sha256"), count(".kit/recipes"))
}

#[track_caller]
fn assert_unpacks(sandbox: &Sandbox, folder: &str) {
    sandbox.kit(&["unpack", "sample:v1", "-d", folder]).ok();
    let unpacked = sandbox.tree(folder);
    let files = sandbox.tree("project");
    assert!(files.iter().filter(|(name, _)| name != "Kitfile").all(|file| unpacked.contains(file)));
}

#[test]
fn a_linked_modelkit_is_the_same_without_a_copy() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let run = sandbox.kit(&["pack", "project", "-t", "sample:v1", "--link"]).ok().says("Linked model layer: sha256:");
    assert_eq!(kept(&sandbox), (5, 5), "config, manifest, and three for the record; five layers");
    sandbox.kit(&["pack", "project", "--link"]).ok().says("Already linked model layer").says("0 B linked");
    assert_unpacks(&sandbox, "out");
    sandbox.kit(&["fsck"]).ok().says("Linked to the files they were packed from");
    sandbox.kit(&["push", "sample:v1", "oci:layout:v1"]).ok();
    let plain = sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    assert_eq!(plain.digest(), run.digest());
    assert_eq!(
        kept(&sandbox).0,
        12,
        "without the flag the store is a plain layout; the record of each name has two blobs"
    );
}

#[test]
fn compressed_layers_are_stored_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "--link", "--compression", "gzip"]).ok();
    assert_eq!(kept(&sandbox), (10, 0));
}

#[test]
fn list_shows_linked_modelkits() {
    let sandbox = linked();
    let run = sandbox.kit(&["list", "--format", "{{.Repo}} {{.Linked}}"]).ok();
    assert_eq!(run.stdout, "sample true\n");
    expect![[r#"
        Linked to the files they were packed from (use `kit materialize` to copy them): sample:v1
    "#]]
    .assert_eq(&run.stderr);
}

#[test]
fn every_command_that_needs_an_edited_file_names_it() {
    let sandbox = linked();
    append(&sandbox.path("project/weights/model.bin"));
    if is_cloned(&sandbox) {
        return assert!(sandbox.kit(&["fsck"]).code == Some(0), "where files are cloned they may be edited");
    }
    let unpacked = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).fails();
    expect![[r#"
        error: cannot unpack `sample:v1` into `out`
          caused by: cannot read model weights/model.bin
          caused by: `[FOLDER]/project/weights/model.bin` changed since it was packed
        hint: pack again when no process is writing to the file
    "#]]
    .assert_eq(&unpacked.redacted_failure());
    assert!(!sandbox.path("out").exists(), "nothing was written");
    for args in [&["push", "sample:v1", "oci:layout:v1"][..], &["materialize", "sample:v1"]] {
        sandbox.kit(args).fails().says("model.bin` changed since it was packed");
    }
    sandbox.kit(&["fsck"]).fails().prints("model.bin` changed since it was packed").prints("broken sample:v1");
    sandbox.kit(&["fsck", "--repair"]).exits(3).says("ModelKit is still incomplete: sample:v1");
    sandbox.kit(&["fsck"]).exits(3).prints("broken sample:v1");
    sandbox.kit(&["remove", "sample:v1"]).ok();
    sandbox.kit(&["fsck"]).ok();
    assert_eq!(kept(&sandbox), (0, 0));
}

/// Returns true if the store has clones of the files, which depends on the file system that the tests run on.
fn is_cloned(sandbox: &Sandbox) -> bool {
    let mut recipes = fs::read_dir(sandbox.store().join(".kit/recipes")).unwrap();
    recipes.any(|recipe| recipe.unwrap().path().join("0").exists())
}

#[test]
fn a_project_that_moved_is_packed_again_without_its_old_place() {
    let sandbox = linked();
    fs::rename(sandbox.path("project"), sandbox.path("moved")).unwrap();
    sandbox.kit(&["pack", "moved", "-t", "sample:v1", "--link"]).ok();
    fs::create_dir(sandbox.path("project")).unwrap();
    assert_unpacks(&sandbox, "out");
    assert_eq!(sandbox.read("out/weights/model.bin"), "weights\n");
}

#[test]
fn a_materialized_modelkit_needs_no_files() {
    let sandbox = linked();
    let made = sandbox.kit(&["materialize", "sample:v1"]).ok();
    expect![[r#"
        Materialized [DIGEST]
    "#]]
    .assert_eq(&made.redacted_stdout());
    assert_eq!(kept(&sandbox), (10, 0));
    sandbox.kit(&["materialize", "sample:v1"]).ok().says("no layer was linked");
    assert_eq!(sandbox.kit(&["list", "--format", "{{.Linked}}"]).ok().stdout, "false\n");
    fs::rename(sandbox.path("project"), sandbox.path("gone")).unwrap();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    sandbox.kit(&["materialize", "other:v1"]).fails().says("not found in the local store");
}

#[test]
fn an_unreferenced_recipe_is_collected() {
    let sandbox = linked();
    sandbox.kit(&["cache", "info"]).ok().prints("Layers linked to files: 5 (");
    sandbox.kit(&["remove", "sample:v1"]).ok();
    assert_eq!(kept(&sandbox), (0, 0));
}

#[test]
fn recipes_in_a_foreign_layout_are_not_followed() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let digest = sandbox.kit(&["pack", "project", "--link"]).ok().digest();
    let layout = format!("oci:{}@{digest}", sandbox.store().display());
    sandbox.kit(&["unpack", &layout, "-d", "out"]).fails().says("caused by: `sha256:").says("was not found");
}

/// A file system of its own that makes clones; none, and loudly so, where this machine cannot have one.
struct Xfs<'a> {
    folder: &'a Path,
}

impl<'a> Xfs<'a> {
    fn mount(image: &Path, folder: &'a Path) -> Option<Self> {
        fs::create_dir(folder).unwrap();
        fs::File::create(image).unwrap().set_len(320 << 20).unwrap();
        let succeeds = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
        let is_mounted = succeeds(Command::new("mkfs.xfs").arg("-q").arg(image))
            && succeeds(Command::new("mount").args(["-o", "loop"]).arg(image).arg(folder));
        if !is_mounted {
            // Past what the test runner captures.
            let reason = "SKIPPED: cloning is not tested; it takes root, loop devices and mkfs.xfs (xfsprogs)";
            std::io::stderr().write_all(format!("{reason}\n").as_bytes()).unwrap();
        }
        is_mounted.then(|| Self { folder })
    }

    fn used_bytes(&self) -> u64 {
        assert!(Command::new("sync").arg("-f").arg(self.folder).status().unwrap().success());
        let output = Command::new("df").args(["--output=used", "-B1"]).arg(self.folder).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Xfs<'_> {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(self.folder).status().unwrap().success());
    }
}

#[test]
#[cfg_attr(windows, ignore = "makes a file system of Linux")]
fn on_xfs_neither_packing_nor_unpacking_takes_space() {
    const SIZE: usize = 24 << 20;
    let sandbox = Sandbox::new();
    let folder = sandbox.path("xfs");
    let Some(disk) = Xfs::mount(&sandbox.path("image"), &folder) else { return };
    sandbox.write("xfs/project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\ncode: [{path: src}]\n");
    let model: Vec<u8> = (0..SIZE + 77).map(|place| u8::try_from(place / 4093 % 251).unwrap()).collect();
    sandbox.write("xfs/project/m", &model);
    for number in 0..20 {
        sandbox.write(&format!("xfs/project/src/{number}"), format!("{number}").repeat(number * 300));
    }
    let kit = |args: &[&str]| -> Run { sandbox.run(sandbox.command(args).env("KIT_HOME", sandbox.path("xfs/kit"))) };
    let before = disk.used_bytes();
    kit(&["pack", "xfs/project", "-t", "sample:v1", "--link"]).ok();
    kit(&["unpack", "sample:v1", "-d", "xfs/out"]).ok();
    let taken = disk.used_bytes().saturating_sub(before);
    assert!(taken < 2 << 20, "{taken} bytes were taken for {SIZE}");

    let before = disk.used_bytes();
    kit(&["pack", "xfs/project", "-t", "raw:v1", "--layer-format", "raw"]).ok();
    kit(&["unpack", "raw:v1", "-d", "xfs/raw"]).ok();
    let taken = disk.used_bytes().saturating_sub(before);
    assert!(taken < 2 << 20, "{taken} bytes were taken for {SIZE} that are a blob");
    let blob = sandbox.path("xfs/kit/store/blobs/sha256").join(kit_core::digest::Digest::of(&model).hex());
    spoil(&sandbox.path("xfs/project/m"));
    assert!(fs::read(&blob).unwrap() == model, "the blob stays when the file is written to");
    assert!(fs::read(sandbox.path("xfs/raw/m")).unwrap() == model);
    spoil(&blob);
    kit(&["unpack", "raw:v1", "-d", "xfs/more"]).fails().says("does not match its digest");
    assert!(!sandbox.path("xfs/more/m").exists());
    kit(&["remove", "raw:v1"]).ok();

    append(&sandbox.path("xfs/project/m"));
    assert!(fs::read(sandbox.path("xfs/out/m")).unwrap() == model, "what is unpacked stays");
    kit(&["fsck"]).ok();
    fs::write(sandbox.path("xfs/out/m"), "mine").unwrap();
    kit(&["unpack", "sample:v1", "-d", "xfs/out"]).fails().says("m");
    kit(&["unpack", "sample:v1", "-d", "xfs/out", "-o"]).ok();
    assert!(fs::read(sandbox.path("xfs/out/m")).unwrap() == model);
    spoil_clone(&sandbox.path("xfs/kit/store/.kit/recipes"));
    kit(&["fsck"]).fails().prints("broken sample:v1");
    kit(&["unpack", "sample:v1", "-d", "xfs/more"]).fails().says("does not match its digest");
    assert!(!sandbox.path("xfs/more/m").exists());
}

/// Changes one byte of the large clone.
fn spoil_clone(recipes: &Path) {
    for recipe in fs::read_dir(recipes).unwrap() {
        let clone = recipe.unwrap().path().join("0");
        if fs::metadata(&clone).unwrap().len() > 1 << 20 {
            spoil(&clone);
        }
    }
}

fn spoil(file: &Path) {
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(1000)).unwrap();
    file.write_all(b"x").unwrap();
}
