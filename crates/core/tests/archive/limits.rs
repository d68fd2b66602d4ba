//! Unpacking with limits on open files, file sizes and memory.

use std::io::{self, Read};
use std::process::Command;

use kit_core::archive::{Destination, Error, Overwrite, Placed, extract_layer};
use kit_core::compression::Compression;
use kit_core::progress::Silent;

use crate::scenery::{Context, Member, shape, snapshot, tar, unpack};

const REFUSE: Overwrite = Overwrite::Refuse;

/// Runs the ignored test `name` of this program in a shell that has executed `limits` before.
fn run_limited(name: &str, limits: &str) {
    let script = format!("{limits} && exec \"$0\" --exact --ignored --test-threads 1 {name}");
    let output = Command::new("sh").arg("-c").arg(script).arg(std::env::current_exe().unwrap()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn two_thousand_files_need_less_than_64_descriptors() {
    run_limited("limits::unpacks_two_thousand_files", "ulimit -n 64");
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
fn a_full_disk_is_an_error_that_names_the_file() {
    // 25 is SIGXFSZ, which would kill the process; if it is ignored, exceeding the file size limit is an error like a
    // full disk.
    run_limited("limits::fails_to_unpack_a_large_file", "trap '' 25 && ulimit -f 1");
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
    run_limited("limits::passes_300_mib_through", "ulimit -v 200000");
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
