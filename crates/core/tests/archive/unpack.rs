//! What unpacking leaves in the target, and what it does about things that are there already.

use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use kit_core::archive::{
    Conflict, Destination, Error, LayerShape, Obstacle, Overwrite, Placed, SingleFile, extract_file, extract_layer,
};
use kit_core::compression::Compression;
use kit_core::digest::{Digest, Mismatch, VerifyingReader};
use kit_core::progress::Silent;

use crate::scenery::{Context, Member, pax, shape, snapshot, tar, unpack};

const REFUSE: Overwrite = Overwrite::Refuse;

fn conflicts(error: Error) -> Vec<(String, Obstacle)> {
    let Error::Conflicts(conflicts) = error else { panic!("{error}") };
    conflicts.into_iter().map(|Conflict { path, obstacle }| (path.to_string(), obstacle)).collect()
}

#[test]
fn layers_come_out_as_they_went_in() {
    let context = Context::with_files(&["m/w.bin", "m/sub/x", "d/y"]);
    context.directory("m/empty");
    context.set_mode("m/sub", 0o750);
    context.set_mode("m/w.bin", 0o4755);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("new/target");
    let (m, d) = (context.pack("m").unwrap(), context.pack("d").unwrap());
    let placed = unpack(&place, REFUSE, &[("m", &m), ("d", &d)]).unwrap();
    assert_eq!(placed, Placed { files: 3, bytes: 7 + 7 + 3, ..Placed::default() });
    expect_test::expect![[r"
        d/ 755
        d/y 644 d/y
        m/ 755
        m/empty/ 755
        m/sub/ 750
        m/sub/x 644 m/sub/x
        m/w.bin 755 m/w.bin"]]
    .assert_eq(&snapshot(&place));
}

#[test]
fn every_compression_is_unpacked() {
    let context = Context::with_files(&["m/w.bin"]);
    for compression in Compression::ALL {
        let (_, layer) = context.pack_with("m", &[], compression).unwrap();
        let out = tempfile::tempdir().unwrap();
        let destination = Destination::open(out.path(), REFUSE).unwrap();
        extract_layer(&layer[..], compression, &shape("m"), &destination, &Silent).unwrap();
        destination.commit().unwrap();
        assert_eq!(fs_err::read(out.path().join("m/w.bin")).unwrap(), b"m/w.bin");
    }
}

#[test]
fn folders_that_their_owner_may_not_write_get_their_mode_last() {
    let layer = tar(&[
        Member { mode: 0o555, ..Member::of_kind("d", b'5') },
        Member { mode: 0o500, ..Member::of_kind("d/e", b'5') },
        Member::file("d/e/f", "x"),
    ]);
    let out = tempfile::tempdir().unwrap();
    unpack(out.path(), REFUSE, &[("d", &layer)]).unwrap();
    assert_eq!(snapshot(out.path()), "d/ 555\nd/e/ 500\nd/e/f 644 x");
    let again = unpack(out.path(), REFUSE, &[("d", &layer)]).unwrap();
    assert_eq!(again, Placed { already_right: 1, ..Placed::default() });
}

#[test]
fn missing_folders_are_made_and_late_ones_give_their_mode() {
    let layer = tar(&[Member::file("a/b/f", "x"), Member { mode: 0o700, ..Member::of_kind("a", b'5') }]);
    let out = tempfile::tempdir().unwrap();
    unpack(out.path(), REFUSE, &[(".", &layer)]).unwrap();
    assert_eq!(snapshot(out.path()), "a/ 700\na/b/ 755\na/b/f 644 x");
}

#[test]
fn layers_may_share_the_folders_above_them() {
    let context = Context::with_files(&["x/a/f", "x/b/g"]);
    let out = tempfile::tempdir().unwrap();
    let (a, b) = (context.pack("x/a").unwrap(), context.pack("x/b").unwrap());
    unpack(out.path(), REFUSE, &[("x/a", &a), ("x/b", &b)]).unwrap();
    assert_eq!(snapshot(out.path()), snapshot(context.root()));
}

#[test]
fn existing_folders_keep_their_mode_and_their_content() {
    let context = Context::with_files(&["m/new"]);
    let target = Context::with_files(&["m/old"]);
    target.set_mode("m", 0o711);
    unpack(target.root(), REFUSE, &[("m", &context.pack("m").unwrap())]).unwrap();
    assert_eq!(snapshot(target.root()), "m/ 711\nm/new 644 m/new\nm/old 644 m/old");
}

#[test]
fn old_kits_have_names_relative_to_the_parent_of_their_path() {
    let layer = tar(&[Member::of_kind("b", b'5'), Member::file("b/f", "x")]);
    let out = tempfile::tempdir().unwrap();
    let destination = Destination::open(out.path(), REFUSE).unwrap();
    let shape = LayerShape { path: "a/b".parse().unwrap(), base: "a".parse().unwrap() };
    extract_layer(&layer[..], Compression::None, &shape, &destination, &Silent).unwrap();
    destination.commit().unwrap();
    assert_eq!(snapshot(out.path()), "a/ 755\na/b/ 755\na/b/f 644 x");
}

#[test]
fn tars_of_other_tools_are_understood() {
    let long = "l".repeat(150);
    let global = pax("path", "nonsense");
    let records = pax("mtime", "1.5") + &pax("path", &format!("d/{long}x"));
    let sized = pax("size", "3");
    let layer = tar(&[
        Member::of_kind("./", b'5'),
        Member::record(b'g', &global),
        Member::record(b'L', &format!("d/{long}\0")),
        Member { kind: 0, ..Member::file("short", "gnu") },
        Member::record(b'x', &records),
        Member::file("short", "pax"),
        Member::record(b'x', &sized),
        Member { size: Some(0), ..Member::file("./sized", "abc") },
        Member { kind: 0, ..Member::file("old//folder/", "") },
    ]);
    let out = tempfile::tempdir().unwrap();
    unpack(out.path(), REFUSE, &[(".", &layer)]).unwrap();
    let expected = format!("d/ 755\nd/{long} 644 gnu\nd/{long}x 644 pax\nold/ 755\nold/folder/ 644\nsized 644 abc");
    assert_eq!(snapshot(out.path()), expected);
}

#[test]
fn a_tar_may_end_between_members_and_carry_anything_behind_its_end() {
    let layer = tar(&[Member::file("f", "x")]);
    for end in [1024, 512 + 1024, 2 * 512, layer.len()] {
        let out = tempfile::tempdir().unwrap();
        unpack(out.path(), REFUSE, &[("f", &layer[..end])]).unwrap();
        assert_eq!(snapshot(out.path()), "f 644 x");
    }
    let out = tempfile::tempdir().unwrap();
    unpack(out.path(), REFUSE, &[("f", &[&layer[..], &layer[..], b"garbage"].concat())]).unwrap();
    assert_eq!(snapshot(out.path()), "f 644 x");
}

fn inodes(place: &Path) -> Vec<(u64, i64, i64)> {
    let paths = [".", "m", "m/w.bin", "m/big"];
    let metadata = paths.map(|path| fs_err::metadata(place.join(path)).unwrap());
    metadata.iter().map(|metadata| (metadata.ino(), metadata.mtime_nsec(), metadata.ctime_nsec())).collect()
}

#[test]
fn unpacking_twice_writes_nothing_the_second_time() {
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

/// A target of four files, of which the layer has one equal, one of other size, one of equal size and one not at all.
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
        "2 files there differ from the ModelKit:\n  d/b: 5 B here, 6 B in the ModelKit\n  d/c: same size, different content"
    );
    let other = |existing_size, new_size| Obstacle::OtherContent { existing_size, new_size };
    assert_eq!(conflicts(error), [("d/b".to_owned(), other(5, 6)), ("d/c".to_owned(), other(4, 4))]);
    assert_eq!(snapshot(target.root()), before);
}

#[test]
fn replacing_takes_the_place_of_what_differs() {
    let (target, layer) = meeting();
    let placed = unpack(target.root(), Overwrite::Replace, &[("d", &layer)]).unwrap();
    assert_eq!(placed, Placed { files: 3, bytes: 6 + 4 + 3, replaced: 2, already_right: 1, kept: 0 });
    let expected = "d/ 755\nd/a 644 equal\nd/b 644 longer\nd/c 644 1235\nd/mine 644 mine\nd/new 644 new";
    assert_eq!(snapshot(target.root()), expected);
}

#[test]
fn keeping_leaves_what_differs() {
    let (target, layer) = meeting();
    let placed = unpack(target.root(), Overwrite::Keep, &[("d", &layer)]).unwrap();
    assert_eq!(placed, Placed { files: 1, bytes: 3, replaced: 0, already_right: 1, kept: 2 });
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
fn what_is_no_file_is_never_replaced() {
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
    assert!(error.to_string().starts_with("5 files there differ from the ModelKit:\n  d/a: "), "{error}");
    let paths: Vec<_> = conflicts(error).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["d/a", "d/b", "d/c", "d/d", "d/e"]);
}

/// Names whose order on the disk is not that of the alphabet, so a failure comes after some and before others.
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
fn a_commit_that_fails_midway_restores_what_it_replaced() {
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
    target.file(&format!("{stale}/kit-unpack.lock"), b"");
    target.file(&format!("{stale}/new/d/f"), b"half");
    target.directory(".kit-unpack-killed-early");
    target.file(".kit-unpack-notes/of the user", b"");
    let living = Destination::open(target.root(), REFUSE).unwrap();
    let layer = tar(&[Member::file("f", "x")]);
    extract_layer(&layer[..], Compression::None, &shape("f"), &living, &Silent).unwrap();
    drop(Destination::open(target.root(), REFUSE).unwrap());
    living.commit().unwrap();
    let expected = ".kit-unpack-notes/ 755\n.kit-unpack-notes/of the user 644 \nf 644 x\nmine 644 mine";
    assert_eq!(snapshot(target.root()), expected);
}

#[test]
fn several_threads_may_extract_at_once() {
    let names: Vec<String> = (0..200).map(|number| format!("x/{}/{number}", number % 4)).collect();
    let context = Context::with_files(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let paths = ["x/0", "x/1", "x/2", "x/3"];
    let layers = paths.map(|path| context.pack(path).unwrap());
    let out = tempfile::tempdir().unwrap();
    let destination = Destination::open(out.path(), REFUSE).unwrap();
    std::thread::scope(|scope| {
        for (path, layer) in paths.iter().zip(&layers) {
            let destination = &destination;
            scope.spawn(move || {
                extract_layer(&layer[..], Compression::None, &shape(path), destination, &Silent).unwrap();
            });
        }
    });
    assert_eq!(destination.commit().unwrap().files, 200);
    assert_eq!(snapshot(out.path()), snapshot(context.root()));
}

#[test]
fn a_mismatch_of_the_layer_comes_through() {
    let layer = tar(&[Member::file("f", "x")]);
    let out = tempfile::tempdir().unwrap();
    let destination = Destination::open(out.path(), REFUSE).unwrap();
    let reader = VerifyingReader::new(&layer[..700], Digest::of(&layer), layer.len() as u64);
    let error = extract_layer(reader, Compression::None, &shape("f"), &destination, &Silent).unwrap_err();
    let Error::ReadLayer { source } = &error else { panic!("{error}") };
    assert!(matches!(Mismatch::in_io(source), Some(Mismatch::TooShort { .. })));
    drop(destination);
    assert_eq!(snapshot(out.path()), "");
}

#[test]
fn a_target_that_is_a_file_is_named() {
    let context = Context::with_files(&["f"]);
    for path in ["f", "f/x"] {
        let place = context.root().join(path);
        let error = Destination::open(&place, REFUSE).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot unpack into `{}`", place.display()));
    }
    assert_eq!(snapshot(context.root()), "f 644 f");
}

#[test]
fn a_target_may_be_reached_through_a_link() {
    let context = Context::with_files(&["real/mine"]);
    context.link("link", "real");
    unpack(&context.root().join("link"), REFUSE, &[("f", &tar(&[Member::file("f", "x")]))]).unwrap();
    assert_eq!(fs_err::read(context.root().join("real/f")).unwrap(), b"x");
}

/// Runs the ignored test `name` of this program in a shell that said `limits` before.
fn run_limited(name: &str, limits: &str) {
    let script = format!("{limits} && exec \"$0\" --exact --ignored --test-threads 1 {name}");
    let output = Command::new("sh").arg("-c").arg(script).arg(std::env::current_exe().unwrap()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn two_thousand_files_need_less_than_64_descriptors() {
    run_limited("unpack::unpacks_two_thousand_files", "ulimit -n 64");
}

#[test]
#[ignore = "run with a limit by the test above"]
fn unpacks_two_thousand_files() {
    let names: Vec<String> = (0..2000).map(|number| format!("d/{}/{number}", number % 7)).collect();
    let layer = tar(&names.iter().map(|name| Member::file(name, name)).collect::<Vec<_>>());
    let out = tempfile::tempdir().unwrap();
    assert_eq!(unpack(out.path(), REFUSE, &[("d", &layer)]).unwrap().files, 2000);
    assert_eq!(unpack(out.path(), REFUSE, &[("d", &layer)]).unwrap().already_right, 2000);
}

#[test]
fn a_disk_that_takes_no_more_is_an_error_that_names_the_file() {
    // 25 is SIGXFSZ, which would kill; ignored, the limit on the size of files is an error like a full disk.
    run_limited("unpack::fails_to_unpack_a_large_file", "trap '' 25 && ulimit -f 1");
}

#[test]
#[ignore = "run with a limit by the test above"]
fn fails_to_unpack_a_large_file() {
    let text = "x".repeat(5000);
    let out = tempfile::tempdir().unwrap();
    let layer = tar(&[Member::file("d/small", "x"), Member::file("d/large", &text)]);
    let error = unpack(&out.path().join("new"), REFUSE, &[("d", &layer)]).unwrap_err();
    assert!(matches!(&error, Error::Unpack { path, .. } if path.as_str() == "d/large"), "{error}");
    assert_eq!(snapshot(out.path()), "");
}

#[test]
fn memory_does_not_grow_with_the_size_of_files() {
    run_limited("unpack::passes_300_mib_through", "ulimit -v 200000");
}

#[test]
#[ignore = "run with a limit by the test above"]
fn passes_300_mib_through() {
    let size = 300 << 20;
    let target = Context::new();
    target.file("f", b"");
    target.file("g", b"");
    let sparse = fs_err::OpenOptions::new().write(true).open(target.root().join("g")).unwrap();
    sparse.set_len(size).unwrap();
    let header = |name| tar(&[Member { size: Some(size), ..Member::file(name, "") }])[..512].to_vec();
    let (f, g) = (header("f"), header("g"));
    let zeros = || io::repeat(0).take(size);
    let reader = (&f[..]).chain(zeros()).chain(&g[..]).chain(zeros());
    let destination = Destination::open(target.root(), Overwrite::Keep).unwrap();
    extract_layer(reader, Compression::None, &shape(""), &destination, &Silent).unwrap();
    assert_eq!(destination.commit().unwrap(), Placed { kept: 1, already_right: 1, ..Placed::default() });
}

#[test]
fn umask_and_special_bits_are_taken_from_new_files() {
    let layer = tar(&[
        Member { mode: 0o7777, ..Member::file("d/f", "") },
        Member { mode: 0o7777, ..Member::of_kind("d/e", b'5') },
    ]);
    let out = tempfile::tempdir().unwrap();
    unpack(out.path(), REFUSE, &[("d", &layer)]).unwrap();
    let mode = |path| fs_err::metadata(out.path().join(path)).unwrap().permissions().mode() & 0o7777;
    let probe = out.path().join("probe");
    fs_err::create_dir(&probe).unwrap();
    assert_eq!((mode("d/f"), mode("d/e")), (mode("probe"), mode("probe")));
}
