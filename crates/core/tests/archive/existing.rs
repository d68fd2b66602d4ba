//! Unpacking into a target that already has files: equal ones, different ones, and other kinds.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use kit_core::archive::{Conflict, Destination, Error, Obstacle, Overwrite, Placed, SingleFile, extract_file};
use kit_core::progress::Silent;

use crate::scenery::{Context, Member, snapshot, tar, unpack};

const REFUSE: Overwrite = Overwrite::Refuse;

fn conflicts(error: Error) -> Vec<(String, Obstacle)> {
    let Error::Conflicts(conflicts) = error else { panic!("{error}") };
    conflicts.into_iter().map(|Conflict { path, obstacle }| (path.to_string(), obstacle)).collect()
}

#[test]
fn existing_folders_keep_their_mode_and_their_content() {
    let context = Context::with_files(&["m/new"]);
    let target = Context::with_files(&["m/old"]);
    target.set_mode("m", 0o711);
    unpack(target.root(), REFUSE, &[("m", &context.pack("m").unwrap())]).unwrap();
    assert_eq!(snapshot(target.root()), "m/ 711\nm/new 644 m/new\nm/old 644 m/old");
}

fn inodes(place: &Path) -> Vec<(u64, i64, i64)> {
    let paths = [".", "m", "m/w.bin", "m/big"];
    let metadata = paths.map(|path| fs_err::metadata(place.join(path)).unwrap());
    metadata.iter().map(|metadata| (metadata.ino(), metadata.mtime_nsec(), metadata.ctime_nsec())).collect()
}

#[test]
fn unpacking_again_writes_nothing() {
    let context = Context::with_files(&["m/w.bin"]);
    context.file("m/big", &vec![7; 5 << 20]);
    let layer = context.pack("m").unwrap();
    let out = tempfile::tempdir().unwrap();
    unpack(out.path(), REFUSE, &[("m", &layer)]).unwrap();
    let before = inodes(out.path());
    for overwrite in [REFUSE, Overwrite::Replace, Overwrite::Keep] {
        let placed = unpack(out.path(), overwrite, &[("m", &layer)]).unwrap();
        assert_eq!(placed, Placed { already_right: 2, ..Placed::default() });
    }
    assert_eq!(inodes(out.path()), before);
}

/// Returns a target of four files, of which the layer has one equal, one of another size, one of equal size and one not
/// at all, and the layer.
fn meeting() -> (Context, Vec<u8>) {
    let (target, context) = (Context::new(), Context::new());
    for (path, there, arriving) in [("d/a", "equal", "equal"), ("d/b", "short", "longer"), ("d/c", "1234", "1235")] {
        target.file(path, there.as_bytes());
        context.file(path, arriving.as_bytes());
    }
    target.file("d/mine", b"mine");
    context.file("d/new", b"new");
    let layer = context.pack("d").unwrap();
    (target, layer)
}

#[test]
fn refusing_names_all_differences_and_touches_nothing() {
    let (target, layer) = meeting();
    let before = snapshot(target.root());
    let error = unpack(target.root(), REFUSE, &[("d", &layer)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 existing files differ from the ModelKit:\n  d/b: 5 B on disk, 6 B in the ModelKit\n  \
         d/c: same size, different content"
    );
    let other = |existing_size, new_size| Obstacle::OtherContent { existing_size, new_size };
    assert_eq!(conflicts(error), [("d/b".to_owned(), other(5, 6)), ("d/c".to_owned(), other(4, 4))]);
    assert_eq!(snapshot(target.root()), before);
}

#[test]
fn replacing_replaces_files_that_differ() {
    let (target, layer) = meeting();
    let placed = unpack(target.root(), Overwrite::Replace, &[("d", &layer)]).unwrap();
    assert_eq!(placed, Placed { files: 3, bytes: 6 + 4 + 3, replaced: 2, already_right: 1, ..Placed::default() });
    let expected = "d/ 755\nd/a 644 equal\nd/b 644 longer\nd/c 644 1235\nd/mine 644 mine\nd/new 644 new";
    assert_eq!(snapshot(target.root()), expected);
}

#[test]
fn keeping_leaves_files_that_differ() {
    let (target, layer) = meeting();
    let placed = unpack(target.root(), Overwrite::Keep, &[("d", &layer)]).unwrap();
    assert_eq!(placed, Placed { files: 1, bytes: 3, already_right: 1, kept: 2, ..Placed::default() });
    let expected = "d/ 755\nd/a 644 equal\nd/b 644 short\nd/c 644 1234\nd/mine 644 mine\nd/new 644 new";
    assert_eq!(snapshot(target.root()), expected);
}

#[test]
fn a_replaced_file_is_a_new_one_so_other_names_of_the_old_one_stay() {
    let (target, layer) = meeting();
    fs_err::hard_link(target.root().join("d/c"), target.root().join("other")).unwrap();
    unpack(target.root(), Overwrite::Replace, &[("d", &layer)]).unwrap();
    assert_eq!(fs_err::read(target.root().join("other")).unwrap(), b"1234");
}

#[test]
fn large_files_are_replaced_from_any_difference_on() {
    let bytes: Vec<u8> = (0..(3 << 20) + 17_u32).map(|n| n.to_le_bytes()[(n % 3) as usize]).collect();
    let context = Context::new();
    context.file("f", &bytes);
    let layer = context.pack("f").unwrap();
    for different in [0, 1, (1 << 20) - 1, 1 << 20, 2 << 20, bytes.len() - 1] {
        let target = Context::new();
        let mut there = bytes.clone();
        there[different] ^= 1;
        target.file("f", &there);
        let placed = unpack(target.root(), Overwrite::Replace, &[("f", &layer)]).unwrap();
        assert_eq!(placed, Placed { files: 1, bytes: bytes.len() as u64, replaced: 1, ..Placed::default() });
        assert!(fs_err::read(target.root().join("f")).unwrap() == bytes, "{different}");
    }
}

#[test]
fn files_of_unknown_size_are_compared_to_their_end() {
    for (there, arriving, is_equal) in
        [("same", "same", true), ("longer", "long", false), ("long", "longer", false), ("", "", true), ("x", "", false)]
    {
        for overwrite in [REFUSE, Overwrite::Replace, Overwrite::Keep] {
            let target = Context::new();
            target.file("Kitfile", there.as_bytes());
            let destination = Destination::open(target.root(), overwrite).unwrap();
            let path = "Kitfile".parse().unwrap();
            let file = SingleFile { path: &path, mode: 0o644, size: None, original: None };
            let size = extract_file(arriving.as_bytes(), file, &destination, &Silent).unwrap();
            assert_eq!(size, arriving.len() as u64);
            let result = destination.commit();
            let found = fs_err::read_to_string(target.root().join("Kitfile")).unwrap();
            match (is_equal, overwrite) {
                (true, _) => assert_eq!(result.unwrap().already_right, 1),
                (false, Overwrite::Refuse) => assert_eq!(conflicts(result.unwrap_err()).len(), 1),
                (false, Overwrite::Keep) => assert_eq!((result.unwrap().kept, found.as_str()), (1, there)),
                (false, Overwrite::Replace) => assert_eq!((result.unwrap().replaced, found.as_str()), (1, arriving)),
            }
        }
    }
}

#[test]
fn only_regular_files_are_replaced() {
    let layer =
        tar(&[Member::file("d/f", "x"), Member::file("d/g/h", "x"), Member::file("d/g/i", "x"), Member::file("z", "")]);
    for overwrite in [REFUSE, Overwrite::Replace, Overwrite::Keep] {
        let target = Context::with_files(&["d/f/inner", "d/g"]);
        let before = snapshot(target.root());
        let error = unpack(target.root(), overwrite, &[(".", &layer)]).unwrap_err();
        let expected = [("d/f".to_owned(), Obstacle::NotAFile), ("d/g".to_owned(), Obstacle::NotAFolder)];
        assert_eq!(conflicts(error), expected);
        assert_eq!(snapshot(target.root()), before);
    }
}

#[test]
fn many_conflicts_are_all_listed() {
    let target = Context::with_files(&["d/e", "d/a", "d/c", "d/b", "d/d"]);
    let layer = tar(&["d/e", "d/a", "d/c", "d/b", "d/d"].map(|name| Member::file(name, "other")));
    let error = unpack(target.root(), REFUSE, &[("d", &layer)]).unwrap_err();
    assert!(error.to_string().starts_with("5 existing files differ from the ModelKit:\n  d/a: "), "{error}");
    let paths: Vec<_> = conflicts(error).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["d/a", "d/b", "d/c", "d/d", "d/e"]);
}
