//! Malicious layers and targets: each is refused, and leaves nothing inside or outside of the target.

use kit_core::archive::{Error, Overwrite};
use proptest::prelude::*;

use crate::scenery::{Context, Member, pax, snapshot, tar, unpack};

/// Unpacks `layer` at `path`, expects an error, and returns its message.
fn refuse(path: &str, layer: &[u8]) -> String {
    let context = Context::with_files(&["outside/f", "target/mine"]);
    let before = snapshot(context.root());
    for place in ["target", "new/deep"] {
        for overwrite in [Overwrite::Refuse, Overwrite::Replace, Overwrite::Keep] {
            unpack(&context.root().join(place), overwrite, &[(path, layer)]).unwrap_err();
            assert_eq!(snapshot(context.root()), before);
        }
    }
    unpack(&context.root().join("target"), Overwrite::Refuse, &[(path, layer)]).unwrap_err().to_string()
}

/// Expects that the layer of the whole context is refused with `expected` because of these members.
#[track_caller]
fn check(members: &[Member], expected: &str) {
    let staged = [Member::file("first", "staged before the bad one")];
    let members: Vec<_> = staged.iter().chain(members).map(|member| Member { ..*member }).collect();
    assert_eq!(refuse(".", &tar(&members)), expected);
}

#[test]
fn names_that_leave_the_target_are_refused() {
    for (name, reason) in [
        ("/etc/passwd", "its name is absolute"),
        ("../f", "its name contains `..`"),
        ("a/../../f", "its name contains `..`"),
        ("a/../f", "its name contains `..`"),
        ("..", "its name contains `..`"),
        ("", "it is outside the path of the layer"),
        (".", "it is outside the path of the layer"),
    ] {
        let expected = format!("refused to unpack `{name}`: {reason}");
        check(&[Member::file(name, "x")], &expected);
    }
    check(&[Member::of_kind("../d", b'5')], "refused to unpack `../d`: its name contains `..`");
    check(&[Member::of_kind("/", b'5')], "refused to unpack `/`: its name is absolute");
}

#[test]
fn names_in_records_are_refused_like_others() {
    for (kind, record, shown) in [
        (b'x', pax("path", "../f"), "`../f`: its name contains `..`"),
        (b'x', pax("path", "/f"), "`/f`: its name is absolute"),
        (b'x', pax("path", "a\0b"), "`a\\0b`: its name contains a NUL"),
        (b'L', "../f\0".to_owned(), "`../f`: its name contains `..`"),
    ] {
        check(&[Member::record(kind, &record), Member::file("f", "")], &format!("refused to unpack {shown}"));
    }
}

#[test]
fn members_outside_of_the_path_of_the_layer_are_refused() {
    for (path, member) in [
        ("m", Member::file("other", "x")),
        ("m", Member::file("m2/f", "x")),
        ("m", Member::of_kind("other", b'5')),
        ("m", Member::of_kind("m2", b'5')),
        ("m/f", Member::file("m/f2", "x")),
        ("m/f", Member::of_kind("m/f2", b'5')),
    ] {
        let name = str::from_utf8(member.name).unwrap();
        let expected = format!("refused to unpack `{name}`: it is outside the path of the layer");
        assert_eq!(refuse(path, &tar(&[Member::of_kind("m", b'5'), Member::file("m/f", "x"), member])), expected);
    }
}

#[test]
fn a_file_above_the_path_of_the_layer_is_refused() {
    let message = refuse("a/b/c", &tar(&[Member::file("a/b", "x")]));
    assert_eq!(message, "refused to unpack `a/b`: it is outside the path of the layer");
}

#[test]
fn kinds_other_than_files_and_folders_are_refused() {
    for (kind, reason) in [
        (b'1', "hard links are not unpacked"),
        (b'2', "symbolic links are not unpacked"),
        (b'3', "devices are not unpacked"),
        (b'4', "devices are not unpacked"),
        (b'6', "FIFOs are not unpacked"),
        (b'7', "it is neither a file nor a folder"),
        (b'S', "it is neither a file nor a folder"),
        (b'Z', "it is neither a file nor a folder"),
    ] {
        check(&[Member::of_kind("evil", kind)], &format!("refused to unpack `evil`: {reason}"));
    }
    let sparse = pax("GNU.sparse.major", "1");
    let expected = "refused to unpack `f`: sparse files are not supported";
    check(&[Member::record(b'x', &sparse), Member::file("f", "")], expected);
}

#[test]
fn members_that_occur_twice_are_refused() {
    check(&[Member::file("f", ""), Member::file("f", "")], "refused to unpack `f`: it occurs twice");
    check(&[Member::file("f", ""), Member::file("./f", "")], "refused to unpack `f`: it occurs twice");
    check(&[Member::of_kind("d", b'5'), Member::of_kind("d/", b'5')], "refused to unpack `d/`: it occurs twice");
}

#[test]
fn members_that_occur_in_two_layers_are_refused_even_if_they_are_right_already() {
    let layer = tar(&[Member::file("f", "x")]);
    let target = Context::new();
    for _ in 0..2 {
        let error = unpack(target.root(), Overwrite::Replace, &[(".", &layer), ("f", &layer)]).unwrap_err();
        assert_eq!(error.to_string(), "refused to unpack `f`: it occurs twice");
        target.file("f", b"x");
    }
}

#[test]
fn members_that_are_both_file_and_folder_are_refused() {
    let reason = "it conflicts with another member";
    for (first, second, name) in [
        (Member::file("a", ""), Member::of_kind("a", b'5'), "a"),
        (Member::of_kind("a", b'5'), Member::file("a", ""), "a"),
        (Member::file("a", ""), Member::file("a/b", ""), "a/b"),
        (Member::file("a/b", ""), Member::file("a", ""), "a"),
        (Member::file("a", ""), Member::of_kind("a/b/c", b'5'), "a/b/c"),
    ] {
        check(&[first, second], &format!("refused to unpack `{name}`: {reason}"));
    }
}

#[test]
fn names_that_are_not_utf8_are_refused() {
    let member = Member { name: b"a\xff", ..Member::file("", "") };
    check(&[member], "refused to unpack `a\u{fffd}`: its name is not UTF-8");
}

#[test]
fn names_cannot_paint_the_terminal() {
    check(&[Member::file("/\u{1b}[2J", "")], "refused to unpack `/\\u{1b}[2J`: its name is absolute");
}

#[test]
fn names_no_file_system_takes_are_errors() {
    let long = pax("path", &"n".repeat(300));
    let deep = pax("path", &"n/".repeat(5000));
    for record in [&long, &deep] {
        refuse(".", &tar(&[Member::file("first", "x"), Member::record(b'x', record), Member::file("f", "")]));
    }
}

#[test]
fn archives_that_end_too_early_are_refused() {
    let content = "x".repeat(700);
    let record = pax("path", &"n".repeat(600));
    let layer = tar(&[Member::file("f", &content), Member::record(b'x', &record), Member::file("g", "")]);
    for end in [1, 511, 513, 512 + 699, 512 + 700, 512 + 1023, 1536 + 1, 2048 + 1, 2048 + 700] {
        let message = refuse(".", &layer[..end]);
        assert!(message.starts_with("malformed layer: the archive ends within"), "{end} {message}");
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let next = Member::file("next", "x");
    for size in [1, 5000, u64::MAX >> 1] {
        let liar = Member { size: Some(size), ..Member::file("liar", "") };
        let message = refuse(".", &tar(&[liar, Member { ..next }]));
        assert!(message.starts_with("malformed layer: ") && message.ends_with("at `liar`"), "{message}");
    }
    let mut layer = tar(&[Member::file("f", "x"), Member::file("g", "x")]);
    layer[1024 + 5] ^= 1;
    assert_eq!(refuse(".", &layer), "malformed layer: the next block is not a tar header, at `f`");
    let mut layer = tar(&[Member::file("f", "x")]);
    layer[1024 + 512] = 1;
    assert_eq!(refuse(".", &layer), "malformed layer: a single empty block follows, at `f`");
}

#[test]
fn invalid_numbers_are_refused() {
    for field in [100, 124] {
        for number in [&b"89"[..], &[0xff; 8], &[0x80, 1, 0, 0, 0, 0, 0, 0]] {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[0] = b'f';
            header.as_mut_bytes()[field..field + number.len()].copy_from_slice(number);
            header.set_cksum();
            if field == 100 && number[0] == 0x80 {
                continue;
            }
            let message = refuse(".", header.as_bytes());
            assert!(message.starts_with("malformed layer: its "), "{message}");
        }
    }
}

#[test]
fn records_are_capped_and_checked() {
    let large = Member { size: Some((1 << 20) + 1), ..Member::record(b'x', "") };
    assert_eq!(refuse(".", &tar(&[large])), "malformed layer: a record of names of more than 1 MiB follows");
    let large = Member { size: Some(1 << 62), ..Member::record(b'L', "") };
    assert_eq!(refuse(".", &tar(&[large])), "malformed layer: a record of names of more than 1 MiB follows");
    for record in [
        "x",
        "5 path",
        "99 path=a\n",
        "0 path=a\n",
        "10 path=a b",
        "-1 path=a\n",
        "9 size=x\n",
        "99999999999999999999 a=b\n",
    ] {
        let message = refuse(".", &tar(&[Member::record(b'x', record), Member::file("f", "")]));
        assert_eq!(message, "malformed layer: bad PAX records", "{record}");
    }
}

#[test]
fn links_planted_in_the_target_are_never_written_through() {
    let outside = Context::with_files(&["f", "d/f"]);
    let before = snapshot(outside.root());
    let away = |path: &str| outside.root().join(path).display().to_string();
    for (link, points_to, path) in [
        ("m", away("d"), "m/f"),
        ("m", away("nothing"), "m/f"),
        ("m/f", away("f"), "m/f"),
        ("m/f", away("nothing"), "m/f"),
        ("m/a", away("d"), "m/a/b/f"),
        ("m/f", "../mine".to_owned(), "m/f"),
    ] {
        for overwrite in [Overwrite::Refuse, Overwrite::Replace, Overwrite::Keep] {
            let target = Context::with_files(&["mine"]);
            if let Some((above, _)) = link.rsplit_once('/') {
                target.directory(above);
            }
            target.link(link, &points_to);
            let there = snapshot(target.root());
            let layer = tar(&[Member::file("first", "x"), Member::file(path, "d/f")]);
            let error = unpack(target.root(), overwrite, &[(".", &layer)]).unwrap_err();
            assert!(matches!(&error, Error::LinkInTarget { path: named } if named.as_str() == path), "{error}");
            assert_eq!(snapshot(target.root()), there);
        }
    }
    assert_eq!(snapshot(outside.root()), before);
}

#[test]
fn a_folder_member_does_not_go_through_a_link_either() {
    let outside = Context::with_files(&["f"]);
    let target = Context::new();
    target.link("m", &outside.root().display().to_string());
    for name in ["m", "m/d"] {
        let error =
            unpack(target.root(), Overwrite::Replace, &[("m", &tar(&[Member::of_kind(name, b'5')]))]).unwrap_err();
        assert!(matches!(error, Error::LinkInTarget { .. }));
    }
    assert_eq!(snapshot(outside.root()), "f 644 f");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic_and_leave_nothing_outside(
        bytes: Vec<u8>,
        changes: Vec<(proptest::sample::Index, u8)>,
    ) {
        let context = Context::with_files(&["outside"]);
        let place = context.root().join("target");
        drop(unpack(&place, Overwrite::Refuse, &[(".", &bytes)]));
        let mut layer = tar(&[Member::file("a/f", "x"), Member::record(b'x', "8 path=g"), Member::of_kind("d", b'5')]);
        for (index, byte) in changes {
            let place = index.index(layer.len());
            layer[place] = byte;
        }
        drop(unpack(&place, Overwrite::Replace, &[(".", &layer)]));
        let entries = fs_err::read_dir(context.root()).unwrap();
        let outside: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        prop_assert!(outside.iter().all(|name| name == "outside" || name == "target"), "{outside:?}");
    }

    #[test]
    fn arbitrary_headers_never_panic_and_leave_nothing_outside(
        name in "[a./]{0,8}", kind in prop::sample::select(b"05xgLK12\0".to_vec()), mode: u32, size in 0..3000_u64,
        text in "([0-9 ]{1,3}(path|size)=[a./0-9]{0,4}\n)?",
    ) {
        let context = Context::with_files(&["outside"]);
        let (name, content, mode) = (name.as_bytes(), text.as_bytes(), mode & 0o7777);
        let member = Member { name, kind, mode, content, size: Some(size) };
        let plain = Member::file("f", "x");
        let exact = Member { size: None, name: member.name, ..member };
        for layer in [tar(&[exact, Member { ..plain }]), tar(&[member, plain])] {
            drop(unpack(&context.root().join("target"), Overwrite::Replace, &[(".", &layer)]));
        }
        let entries = fs_err::read_dir(context.root()).unwrap();
        let outside: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        prop_assert!(outside.iter().all(|name| name == "outside" || name == "target"), "{outside:?}");
    }
}
