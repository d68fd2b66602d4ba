//! The commit of an unpacking: all files get their final names, or none does.

use kit_core::archive::{Destination, Error, Overwrite, extract_layer};
use kit_core::compression::Compression;
use kit_core::progress::Silent;

use crate::scenery::{Context, Member, shape, snapshot, tar};

const REFUSE: Overwrite = Overwrite::Refuse;

#[test]
fn nothing_has_its_name_before_the_commit_and_dropping_leaves_nothing() {
    let context = Context::with_files(&["m/w.bin"]);
    let layer = context.pack("m").unwrap();
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("new/target");
    let destination = Destination::open(&place, REFUSE).unwrap();
    extract_layer(&layer[..], Compression::None, &shape("m"), &destination, &Silent).unwrap();
    assert!(!place.join("m").exists());
    assert_eq!(fs_err::read_dir(&place).unwrap().count(), 1);
    drop(destination);
    assert_eq!(snapshot(out.path()), "");
}

/// Returns names whose order on the disk is not alphabetical, so that a failure comes after some and before others.
fn many() -> Vec<String> {
    (0..60).map(|number| format!("d/{number}")).collect()
}

#[test]
fn a_commit_that_fails_midway_is_rolled_back() {
    for overwrite in [REFUSE, Overwrite::Keep] {
        let target = Context::with_files(&["d/mine"]);
        let names = many();
        let layer = tar(&names.iter().map(|name| Member::file(name, "new")).collect::<Vec<_>>());
        let destination = Destination::open(target.root(), overwrite).unwrap();
        extract_layer(&layer[..], Compression::None, &shape("d"), &destination, &Silent).unwrap();
        target.file("d/30", b"appeared");
        let error = destination.commit().unwrap_err();
        assert!(matches!(&error, Error::TargetChanged { path } if path.as_str() == "d/30"), "{error}");
        assert_eq!(snapshot(target.root()), "d/ 755\nd/30 644 appeared\nd/mine 644 d/mine");
    }
}

#[test]
fn a_commit_that_fails_midway_restores_replaced_files() {
    let names = many();
    let target = Context::with_files(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let layer = tar(&names.iter().map(|name| Member::file(name, "new")).collect::<Vec<_>>());
    let destination = Destination::open(target.root(), Overwrite::Replace).unwrap();
    extract_layer(&layer[..], Compression::None, &shape("d"), &destination, &Silent).unwrap();
    fs_err::remove_file(target.root().join("d/30")).unwrap();
    target.directory("d/30/in the way");
    let before: Vec<_> =
        snapshot(target.root()).lines().filter(|line| !line.starts_with(".kit")).map(str::to_owned).collect();
    assert!(matches!(destination.commit(), Err(Error::TargetChanged { path }) if path.as_str() == "d/30"));
    assert_eq!(snapshot(target.root()), before.join("\n"));
}

#[test]
fn a_link_that_appears_before_the_commit_is_not_followed() {
    let outside = Context::with_files(&["f"]);
    let before = snapshot(outside.root());
    for link in ["d", "d/f"] {
        let target = Context::with_files(&["d/mine"]);
        let layer = tar(&[Member::file("d/f", "x")]);
        let destination = Destination::open(target.root(), Overwrite::Replace).unwrap();
        extract_layer(&layer[..], Compression::None, &shape("d"), &destination, &Silent).unwrap();
        if link == "d" {
            fs_err::rename(target.root().join("d"), target.root().join("moved")).unwrap();
            target.link("d", &outside.root().display().to_string());
        } else {
            target.link("d/f", &outside.root().join("f").display().to_string());
        }
        assert!(matches!(destination.commit(), Err(Error::TargetChanged { .. })));
        assert_eq!(snapshot(outside.root()), before);
    }
}

#[test]
fn the_staging_of_a_killed_run_is_removed_and_that_of_a_living_one_is_not() {
    let target = Context::with_files(&["mine"]);
    let stale = ".kit-unpack-0123456789abcdef";
    let lock = format!("{stale}/kit-unpack.lock");
    target.file(&lock, b"");
    let inode = std::os::unix::fs::MetadataExt::ino(&fs_err::metadata(target.root().join(&lock)).unwrap());
    fs_err::write(target.root().join(&lock), inode.to_string()).unwrap();
    // A folder that another program has unpacked.
    target.file(".kit-unpack-planted/kit-unpack.lock", b"");
    target.file(".kit-unpack-planted/precious", b"");
    target.file(&format!("{stale}/new/d/f"), b"half");
    target.directory(".kit-unpack-killed-early");
    // Killed before the lock was marked.
    target.file(".kit-unpack-killed-next/kit-unpack.lock", b"");
    target.file(".kit-unpack-notes/of the user", b"");
    let living = Destination::open(target.root(), REFUSE).unwrap();
    let layer = tar(&[Member::file("f", "x")]);
    extract_layer(&layer[..], Compression::None, &shape("f"), &living, &Silent).unwrap();
    drop(Destination::open(target.root(), REFUSE).unwrap());
    living.commit().unwrap();
    fs_err::remove_dir_all(target.root().join(".kit-unpack-planted")).unwrap();
    let expected = ".kit-unpack-notes/ 755\n.kit-unpack-notes/of the user 644 \nf 644 x\nmine 644 mine";
    assert_eq!(snapshot(target.root()), expected);
}
