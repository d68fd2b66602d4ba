//! The files that unpacking leaves in the target, for layers of `kit` and of other tools.

use std::os::unix::fs::PermissionsExt;

use kit_core::archive::{Destination, Error, LayerShape, Overwrite, Placed, extract_layer};
use kit_core::compression::Compression;
use kit_core::digest::{Digest, Mismatch, VerifyingReader};
use kit_core::progress::Silent;

use crate::scenery::{Context, Member, pax, shape, snapshot, tar, unpack};

const REFUSE: Overwrite = Overwrite::Refuse;

#[test]
fn layers_round_trip() {
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
fn a_mismatch_of_the_layer_is_reported() {
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
        assert_eq!(error.to_string(), format!("cannot write to folder `{}`", place.display()));
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
