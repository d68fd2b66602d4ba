//! Every change of the files of a layer changes its fingerprint.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fs_err as fs;
use kit_core::archive::{Fingerprint, IgnoreRules, LayerSource, Links, Modes, write_layer};
use kit_core::compression::Compression;
use kit_core::digest::DigestWriter;
use kit_core::layer_format::Format;
use kit_core::progress::Silent;
use proptest::prelude::*;

use crate::scenery::Context;

fn source<'a>(context: &'a Context, ignore: &'a IgnoreRules) -> LayerSource<'a> {
    let links = Links::InsideContext;
    LayerSource {
        root: context.root(),
        path: "d".parse().unwrap(),
        excluded: Vec::new(),
        ignore,
        links,
        modes: Modes::default(),
    }
}

fn fingerprint(context: &Context) -> Fingerprint {
    let ignore = IgnoreRules::parse("d/*.tmp").unwrap();
    source(context, &ignore).measure(&mut |_, _| ()).unwrap().fingerprint
}

/// Waits until the clock of the file system shows another time.
fn wait_for_a_tick(context: &Context) {
    let probe = context.root().join("probe");
    let now = || {
        fs::write(&probe, "").unwrap();
        let metadata = fs::metadata(&probe).unwrap();
        (metadata.ctime(), metadata.ctime_nsec())
    };
    let before = now();
    while now() == before {}
}

#[derive(Debug, Clone, Copy)]
enum Edit {
    Rewrite,
    RenameOver,
    Touch,
    ChangeMode,
    Add,
    Remove,
    Retarget,
}

const EDITS: [Edit; 7] =
    [Edit::Rewrite, Edit::RenameOver, Edit::Touch, Edit::ChangeMode, Edit::Add, Edit::Remove, Edit::Retarget];

/// Edits a file as inconspicuously as possible: sizes stay, and modification times are restored.
fn edit(context: &Context, edit: Edit, name: &str, number: usize) {
    let path = context.root().join("d").join(name);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let size = fs::metadata(&path).unwrap().len();
    let bytes = vec![b'0' + u8::try_from(number % 10).unwrap(); usize::try_from(size).unwrap()];
    match edit {
        Edit::Rewrite => {
            fs::write(&path, bytes).unwrap();
            set_modified(&path, modified);
        }
        Edit::RenameOver => {
            let other = context.root().join("other");
            fs::write(&other, bytes).unwrap();
            set_modified(&other, modified);
            fs::rename(&other, &path).unwrap();
        }
        Edit::Touch => set_modified(&path, modified + Duration::from_millis(1)),
        Edit::ChangeMode => {
            let mode = fs::metadata(&path).unwrap().mode();
            context.set_mode(&format!("d/{name}"), (mode & 0o777) ^ 0o100);
        }
        Edit::Add => context.file(&format!("d/new{number}"), b""),
        Edit::Remove => {
            fs::remove_file(&path).unwrap();
            wait_for_a_tick(context);
        }
        Edit::Retarget => {
            let link = context.root().join("d/link");
            let target = fs::read_link(&link).unwrap();
            let other = if target == Path::new("x/one") { "x/two" } else { "x/one" };
            fs::remove_file(&link).unwrap();
            context.link("d/link", other);
        }
    }
}

fn set_modified(path: &Path, modified: SystemTime) {
    fs::OpenOptions::new().write(true).open(path).unwrap().file().set_modified(modified).unwrap();
}

fn context() -> Context {
    let context = Context::with_files(&["d/a", "d/b", "d/c"]);
    context.file("d/x/one", b"same");
    context.file("d/x/two", b"same");
    context.link("d/link", "x/one");
    context
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_edit_is_noticed(edits in proptest::collection::vec((0..EDITS.len(), 0..3_usize), 1..6)) {
        let context = context();
        for (number, (kind, file)) in edits.into_iter().enumerate() {
            let name = ["a", "b", "c"][file];
            if !context.root().join("d").join(name).exists() {
                context.file(&format!("d/{name}"), b"back");
            }
            let before = fingerprint(&context);
            wait_for_a_tick(&context);
            edit(&context, EDITS[kind], name, number);
            prop_assert_ne!(before.digest, fingerprint(&context).digest, "{:?}", EDITS[kind]);
        }
    }
}

#[test]
fn files_that_are_not_packed_do_not_change_the_fingerprint() {
    let context = context();
    let before = fingerprint(&context);
    wait_for_a_tick(&context);
    context.file("d/ignored.tmp", b"x");
    context.file("beside", b"x");
    assert_eq!(before, fingerprint(&context));
}

#[test]
fn writing_a_layer_gives_the_fingerprint_that_was_measured() {
    let context = context();
    let ignore = IgnoreRules::parse("d/*.tmp").unwrap();
    let summary = write_layer(
        &source(&context, &ignore),
        Format::Tar,
        Compression::None,
        None,
        DigestWriter::new(std::io::sink()),
        &Silent,
    )
    .unwrap();
    assert_eq!(summary.fingerprint, fingerprint(&context));
}

#[test]
fn files_that_have_just_changed_are_not_settled() {
    let context = context();
    let fingerprint = fingerprint(&context);
    let now = SystemTime::now();
    assert!(!fingerprint.is_settled(now));
    assert!(!fingerprint.is_settled(now - Duration::from_secs(60)));
    assert!(fingerprint.is_settled(now + Duration::from_secs(60)));
}
