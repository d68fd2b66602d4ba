//! Archives that are written by hand.

#![allow(clippy::cast_possible_truncation, reason = "the samples are small")]

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

use crate::scan::{Report, Rules, scan_file};

const EVIL: &[u8] = b"\x80\x04cos\nsystem\n.";
const HARMLESS: &[u8] = b"\x80\x04N.";

/// Changes bytes that belong to one entry: its local header and its record in the directory.
type Change = fn(&mut Vec<u8>, &mut Vec<u8>);

/// Returns an archive with members that are compressed if `is_deflated`, each changed by `change`.
fn zip(members: &[(&str, &[u8])], is_deflated: bool, change: Change) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let stored = if is_deflated { deflated(content) } else { content.to_vec() };
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut common = vec![20, 0, 0, 0, if is_deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((stored.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u32).to_le_bytes());
        let mut local = [b"PK\x03\x04", &common[..], name.as_bytes(), &stored].concat();
        let offset = (archive.len() as u32).to_le_bytes();
        let mut entry = [b"PK\x01\x02\x14\0", &common[..], &[0; 10], &offset, name.as_bytes()].concat();
        change(&mut local, &mut entry);
        archive.extend(local);
        directory.extend(entry);
    }
    let count = members.len() as u8;
    let start = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count, 0, count, 0]);
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn scan(name: &str, bytes: &[u8]) -> Report {
    scan_file(&mut Cursor::new(bytes), bytes.len() as u64, name, &Rules::default()).unwrap()
}

/// Returns the findings of a file as `members!rule detail`.
fn found(name: &str, bytes: &[u8]) -> Vec<String> {
    let findings = scan(name, bytes).findings;
    findings.iter().map(|found| format!("{}!{} {}", found.members.join("!"), found.rule, found.detail)).collect()
}

const EVIL_FOUND: &str = "a/data.pkl!pickle-global os.system";

#[test]
fn odd_archives_are_reported_and_read() {
    let changes: [(&str, Change); 8] = [
        ("encrypted: a/data.pkl", |local, entry| {
            local[6] |= 1;
            entry[8] |= 1;
        }),
        ("sum: a/data.pkl", |_, entry| entry[16] ^= 1),
        ("names: a/data.pkl", |local, _| local[30] = b'b'),
        ("method: a/data.pkl", |local, _| local[8] = 12),
        ("local: a/data.pkl", |local, _| local[18] = 1),
        ("local: a/data.pkl", |local, _| local[22] = 1),
        ("prefix: 1 bytes", |local, entry| {
            local.insert(0, b'#');
            entry[42] = 1;
        }),
        ("directory: its length is not the one that it states", |_, entry| entry.extend_from_within(..)),
    ];
    for is_deflated in [false, true] {
        for (odd, change) in changes {
            let archive = zip(&[("a/data.pkl", EVIL)], is_deflated, change);
            let found = found("a.zip", &archive);
            assert!(found.contains(&EVIL_FOUND.to_owned()), "{odd}: {found:?}");
            assert!(found.contains(&format!("!zip-odd {odd}")), "{odd}: {found:?}");
        }
        assert_eq!(found("a.zip", &zip(&[("a/data.pkl", EVIL)], is_deflated, |_, _| ())), [EVIL_FOUND]);
    }
}

#[test]
fn an_archive_behind_a_prefix_is_found() {
    let archive = [&b"anything"[..], &zip(&[("a/data.pkl", EVIL)], false, |_, _| ())].concat();
    assert_eq!(found("a.txt", &archive), ["!zip-odd prefix: 8 bytes", EVIL_FOUND]);
    let with_comment = [&archive[..archive.len() - 2], &[3, 0], b"end"].concat();
    assert_eq!(found("a.txt", &with_comment), ["!zip-odd prefix: 8 bytes", EVIL_FOUND]);
}

#[test]
fn an_archive_with_two_directories_is_read_by_both() {
    let evil = zip(&[("a/data.pkl", EVIL)], false, |_, _| ());
    let harmless = zip(&[("a/data.pkl", HARMLESS)], false, |_, _| ());
    for archive in [[&evil[..], &harmless].concat(), [&harmless[..], &evil].concat()] {
        let found = found("a.pt", &archive);
        assert!(found.contains(&EVIL_FOUND.to_owned()), "{found:?}");
        assert!(found.contains(&"!zip-odd directory: there are several".to_owned()), "{found:?}");
    }
}

#[test]
fn every_member_is_scanned_whatever_the_others_are() {
    let members = [("a/one.pkl", HARMLESS), ("notes.txt", EVIL), ("a/data/0", b"\0\0\0\0"), ("a/data.pkl", EVIL)];
    let archive = zip(&members, false, |_, _| ());
    assert_eq!(found("a.pt", &archive), ["notes.txt!pickle-global os.system", EVIL_FOUND]);
    let unreadable = zip(&members, true, |local, entry| {
        if entry.ends_with(b"notes.txt") {
            (entry[10], local[8]) = (12, 12);
        } else if entry.ends_with(b"one.pkl") {
            local[0] = 0;
        } else if entry.ends_with(b"data/0") {
            let last = local.len() - 6;
            local[last] = 0xff;
        }
    });
    let report = scan("a.pt", &unreadable);
    let skipped: Vec<_> = report.skipped.iter().map(|skipped| skipped.members.join("!")).collect();
    assert!(["a/one.pkl", "notes.txt"].iter().all(|name| skipped.contains(&(*name).to_owned())), "{skipped:?}");
    assert!(report.findings.iter().any(|found| found.members == ["a/data.pkl"]), "{:?}", report.findings);
}

#[test]
fn a_name_that_occurs_twice_is_odd() {
    let archive = zip(&[("a/data.pkl", HARMLESS), ("a/data.pkl", EVIL)], false, |_, _| ());
    assert_eq!(found("a.pt", &archive), ["!zip-odd names: a/data.pkl", EVIL_FOUND]);
}

#[test]
fn archives_are_opened_to_a_depth() {
    let mut archive = EVIL.to_vec();
    for depth in 1..=5 {
        archive = zip(&[("x", &archive)], depth % 2 == 0, |_, _| ());
        let found = found("a", &archive);
        let expected = if depth <= 4 { "pickle-global os.system" } else { "limit members in one another" };
        assert!(found.len() == 1 && found[0].ends_with(expected), "{depth}: {found:?}");
    }
}

#[test]
fn code_of_torchscript_is_reported() {
    let members = [("m/data.pkl", HARMLESS), ("m/constants.pkl", HARMLESS), ("m/code/__torch__.py", b"def f(): 1\n")];
    assert_eq!(found("m.pt", &zip(&members, false, |_, _| ())), ["!torchscript m/code/__torch__.py"]);
}

#[test]
fn compressed_files_are_opened() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(EVIL).unwrap();
    let gzip = encoder.finish().unwrap();
    assert_eq!(found("a.pkl.gz", &gzip), ["a.pkl!pickle-global os.system"]);
    assert_eq!(found("a", &[&gzip[..], b"behind"].concat())[0], "a!pickle-global os.system");
    let damaged = &gzip[..gzip.len() - 1];
    let expected = ["a.pkl!pickle-global os.system", "!compressed-not-read gzip, which is damaged"];
    assert_eq!(found("a.pkl.gz", damaged), expected);
    let zstd = zstd::encode_all(EVIL, 1).unwrap();
    assert_eq!(found("a.zst", &zstd), ["a!pickle-global os.system"]);
}

/// Returns a member of a tar archive, with its header.
fn tar_member(name: &str, kind: u8, size: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..124 + size.len()].copy_from_slice(size.as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = content.len().next_multiple_of(512) - content.len();
    [&header[..], content, &vec![0; padding]].concat()
}

fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    [tar_member(name, b'0', &format!("{:011o}", content.len()), content), vec![0; 1024]].concat()
}

#[test]
fn members_of_tar_archives_are_scanned() {
    let archive = tar("weights/data", EVIL);
    for name in ["a.tar", "a.nemo", "a"] {
        assert_eq!(found(name, &archive), ["weights/data!pickle-global os.system"], "{name}");
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&archive).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(found("a.tar.gz", &gzip), ["a.tar!weights/data!pickle-global os.system"]);
    assert_eq!(found("a.tgz", &gzip), ["a.tgz!weights/data!pickle-global os.system"]);
    let zip = zip(&[("b.tar", &archive)], true, |_, _| {});
    assert_eq!(found("a.zip", &zip), ["b.tar!weights/data!pickle-global os.system"]);
    assert!(found("a.tar", &tar("a", HARMLESS)).is_empty());
    assert!(found("a.tar", &[0; 1024]).is_empty());
    // A member after the end, which some readers read.
    assert_eq!(found("a", &[tar("a", HARMLESS), archive].concat()), ["weights/data!pickle-global os.system"]);
}

#[test]
fn sizes_and_names_of_tar_archives_may_be_in_other_headers() {
    let evil = tar("a", EVIL);
    let size = EVIL.len();
    let record = format!("{} size={size}\n", 9 + size.to_string().len());
    let pax = |kind, line: &str| tar_member("x", kind, &format!("{:o}", line.len()), line.as_bytes());
    let stated = tar_member("a", b'0', "0", EVIL);
    assert_eq!(found("a", &[pax(b'x', &record), stated].concat()), ["a!pickle-global os.system"]);
    let name = [pax(b'x', "12 path=b/c\n"), evil.clone()].concat();
    assert_eq!(found("a", &name), ["b/c!pickle-global os.system"]);
    assert_eq!(found("a", &[pax(b'L', "long\0"), evil.clone()].concat()), ["long!pickle-global os.system"]);
    let link = [tar_member("l", b'2', "0", b""), evil.clone()].concat();
    assert_eq!(found("a", &link), ["a!pickle-global os.system"]);
    for (archive, detail) in [
        (tar_member("a", b'0', "77777", HARMLESS), "a ends early"),
        ([tar_member("a", b'0', "4", HARMLESS), vec![1; 512]].concat(), "a header is damaged"),
        ([tar("a", HARMLESS), vec![1; 512]].concat(), "there are bytes after its end"),
        (tar_member("a", b'1', "4", b""), "a is a link or a folder, but has a size"),
        ([pax(b'x', "12 path"), evil.clone()].concat(), "an extended header is damaged"),
        ([pax(b'g', &record), evil.clone()].concat(), "a global header has a size"),
        (tar_member("a", b'0', "9x", b""), "a size is not a number"),
    ] {
        let expected = format!("archive-not-read {detail}");
        assert!(found("a", &archive).iter().any(|found| found.ends_with(&expected)), "{detail}: {archive:?}");
    }
    assert_eq!(found("a.tar", b"text").len(), 1);
}

proptest::proptest! {
    #[test]
    fn changed_archives_never_panic(place in 0..400_usize, byte: u8, is_deflated: bool) {
        let mut archive = zip(&[("a/data.pkl", EVIL), ("b", HARMLESS)], is_deflated, |_, _| ());
        let place = place % archive.len();
        archive[place] = byte;
        found("a.zip", &archive);
    }
}
