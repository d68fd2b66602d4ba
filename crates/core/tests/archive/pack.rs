//! The content of packed layers, and the files that cannot be packed.

use std::io::{self, Seek, Write};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicU64, Ordering};

use kit_core::archive::{Error, IgnoreRules, LayerSource, Links, Modes, write_layer};
use kit_core::compression::Compression;
use kit_core::contents;
use kit_core::digest::{Digest, DigestWriter};
use kit_core::layer_format::Format;
use kit_core::progress::{Silent, Task};

use crate::scenery::{Context, names};

#[test]
fn parent_folders_precede_the_layer_and_siblings_are_left_out() {
    let context = Context::with_files(&["x/y/f", "x/y/g", "x/z", "a"]);
    assert_eq!(context.names("x/y/f", &[]), "x/ x/y/ x/y/f");
    assert_eq!(context.names("x/y", &[]), "x/ x/y/ x/y/f x/y/g");
    assert_eq!(context.names("a", &[]), "a");
}

#[test]
fn names_are_sorted_by_bytes_and_folders_come_before_their_content() {
    let context = Context::with_files(&["d/b", "d/a.txt", "d/a/z", "d/B", "d/é", "d/~"]);
    context.directory("d/empty");
    assert_eq!(context.names(".", &[]), "d/ d/B d/a/ d/a/z d/a.txt d/b d/empty/ d/~ d/é");
}

#[test]
fn names_with_two_dots_in_a_row_are_packed() {
    let context = Context::with_files(&["d/a..b", "d/..c"]);
    assert_eq!(context.names("d", &[]), "d/ d/..c d/a..b");
}

#[test]
fn files_of_another_layer_are_excluded_by_whole_components() {
    let context = Context::with_files(&["data/a", "data2/b", "database.db", "m/in/c", "m/d"]);
    assert_eq!(context.names(".", &[".", "data", "m/in"]), "data2/ data2/b database.db m/ m/d");
    assert_eq!(context.names("data", &[".", "data", "m/in"]), "data/ data/a");
    assert_eq!(context.names("m", &["m", "m/in", "./m"]), "m/ m/d");
}

#[test]
fn kept_files_in_ignored_folders_bring_their_folders() {
    let mut context = Context::with_files(&["a/b/keep", "a/b/drop", "a/c/drop", "z"]);
    context.ignore = "a\n!a/b/keep".into();
    assert_eq!(context.names(".", &[]), "a/ a/b/ a/b/keep z");
    assert_eq!(context.names("a/b", &[]), "a/ a/b/ a/b/keep");
    assert_eq!(context.names("a/c", &[]), "");
}

#[test]
fn an_ignored_layer_is_empty_and_reported() {
    let mut context = Context::with_files(&["x/model/w", "f"]);
    context.ignore = "x/model\nf".into();
    for path in ["x/model", "f"] {
        let (summary, layer) = context.pack_with(path, &[], Compression::None).unwrap();
        assert!(summary.path_is_ignored);
        assert_eq!((summary.files, layer), (0, vec![0; 1024]));
    }
    let (summary, _) = context.pack_with("x", &[], Compression::None).unwrap();
    assert!(!summary.path_is_ignored);
}

#[test]
fn ignored_folders_and_special_files_are_not_read() {
    let mut context = Context::with_files(&["d/f"]);
    context.link("d/gone", "nowhere");
    let _socket = UnixListener::bind(context.root().join("d/socket")).unwrap();
    context.ignore = "d/gone\nd/socket\n!d/gone/x".into();
    assert_eq!(context.names("d", &[]), "d/ d/f");
}

#[test]
fn links_inside_the_context_are_packed_as_their_targets() {
    let context = Context::with_files(&["store/w.bin", "store/deep/x", "m/own"]);
    context.link("m/file", "../store/w.bin");
    context.link("m/folder", &context.root().join("store/deep").display().to_string());
    context.link("whole", "m");
    assert_eq!(context.names("m", &[]), "m/ m/file m/folder/ m/folder/x m/own");
    assert_eq!(context.names("whole", &[]), "whole/ whole/file whole/folder/ whole/folder/x whole/own");
    assert_eq!(context.names("whole/folder", &[]), "whole/ whole/folder/ whole/folder/x");
    assert_eq!(context.names("whole/file", &[]), "whole/ whole/file");
    let copied = Context::with_files(&["m/x"]);
    copied.file("m/own", b"m/own");
    copied.file("m/file", b"store/w.bin");
    copied.file("m/folder/x", b"store/deep/x");
    fs_err::remove_file(copied.root().join("m/x")).unwrap();
    assert_eq!(context.pack("m").unwrap(), copied.pack("m").unwrap());
}

#[test]
fn links_out_of_the_context_are_followed_only_if_asked() {
    let outside = Context::with_files(&["w.bin"]);
    let target = outside.root().join("w.bin").display().to_string();
    let mut context = Context::with_files(&["m/a"]);
    context.link("m/out", &target);
    context.link("layer", &outside.root().display().to_string());
    let error = context.pack("m").unwrap_err();
    assert!(matches!(&error, Error::LinkLeavesContext { path, .. } if path.as_str() == "m/out"));
    assert!(error.to_string().contains("`m/out`") && error.to_string().contains(&target), "{error}");
    assert!(matches!(context.pack("layer/w.bin"), Err(Error::LinkLeavesContext { .. })));
    context.links = Links::Follow;
    assert_eq!(context.names("m", &[]), "m/ m/a m/out");
    assert_eq!(context.names("layer", &[]), "layer/ layer/w.bin");
}

#[test]
fn links_to_nothing_and_loops_are_errors_even_if_links_are_followed() {
    for links in [Links::InsideContext, Links::Follow] {
        let mut context = Context::with_files(&["a/f", "b/f", "c/f"]);
        context.links = links;
        context.link("a/gone", "nowhere");
        context.link("b/up", "..");
        context.link("c/d", "e");
        context.link("c/e", "d");
        let error = context.pack("a").unwrap_err().to_string();
        assert_eq!(error, "cannot read `a/gone`: it is a symbolic link to `nowhere`, which does not exist");
        assert!(matches!(context.pack("b"), Err(Error::LinkLoop { path }) if path.as_str() == "b/up"));
        assert!(matches!(context.pack("c"), Err(Error::Read { path, .. }) if path.as_str() == "c/d"));
    }
}

#[test]
fn a_path_that_is_missing_is_named() {
    let context = Context::with_files(&["f"]);
    for path in ["gone", "gone/deep", "f/x"] {
        assert_eq!(context.pack(path).unwrap_err().to_string(), format!("path `{path}` does not exist"));
    }
}

#[test]
fn special_files_are_named() {
    let context = Context::with_files(&["d/f"]);
    let _socket = UnixListener::bind(context.root().join("d/socket")).unwrap();
    let error = context.pack("d").unwrap_err();
    assert_eq!(error.to_string(), "cannot pack `d/socket`: it is neither a file nor a folder");
}

#[test]
fn names_that_are_not_utf8_are_named() {
    use std::os::unix::ffi::OsStrExt;
    let context = Context::with_files(&["d/f"]);
    fs_err::write(context.root().join("d").join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    assert_eq!(context.pack("d").unwrap_err().to_string(), "cannot pack `d/\u{fffd}`: its name is not UTF-8");
}

#[test]
fn a_compressed_layer_has_the_digest_of_its_tar() {
    let context = Context::with_files(&["a"]);
    let (plain, tar) = context.pack_with("a", &[], Compression::None).unwrap();
    assert_eq!(plain.diff_id, None);
    for compression in [Compression::Gzip, Compression::GzipFastest, Compression::Zstd] {
        let (summary, layer) = context.pack_with("a", &[], compression).unwrap();
        assert_eq!(summary.diff_id, Some(Digest::of(&tar)));
        let mut unpacked = Vec::new();
        io::copy(&mut compression.decoder(&layer[..]).unwrap(), &mut unpacked).unwrap();
        assert_eq!(unpacked, tar);
    }
}

#[test]
fn files_around_the_buffer_size_are_complete() {
    let context = Context::new();
    for (index, size) in
        [(1 << 20) - 1024, (1 << 20) - 512, 1 << 20, (3 << 20) + 1, 0, 511, 513].into_iter().enumerate()
    {
        context.file(&format!("d/{index}"), &vec![b'x'; size]);
    }
    let layer = context.pack("d").unwrap();
    assert_eq!(names(&layer), "d/ d/0 d/1 d/2 d/3 d/4 d/5 d/6");
    for entry in tar::Archive::new(&layer[..]).entries().unwrap().skip(1) {
        let mut entry = entry.unwrap();
        let mut found = Vec::new();
        io::copy(&mut entry, &mut found).unwrap();
        assert_eq!(found.len() as u64, entry.size());
        assert!(found.iter().all(|byte| *byte == b'x'));
    }
}

/// Changes a file as soon as the first bytes of `d/f` arrive, after its header and that of its folder.
struct Meddler<F: FnMut()> {
    meddle: F,
    arrived: usize,
}

impl<F: FnMut()> Write for Meddler<F> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.arrived += buffer.len();
        if self.arrived > 2 * 512 {
            (self.meddle)();
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pack_and_meddle(context: &Context, meddle: impl FnMut()) -> Error {
    let ignore = IgnoreRules::default();
    let source = source_of(context, &ignore, "d");
    let sink = DigestWriter::new(Meddler { meddle, arrived: 0 });
    write_layer(&source, Format::Tar, Compression::None, None, sink, &Silent).unwrap_err()
}

#[test]
fn files_that_change_while_they_are_read_are_named() {
    for new_size in [1 << 20, 4 << 20] {
        let context = Context::new();
        context.file("d/f", &vec![0; 3 << 20]);
        let file = fs_err::OpenOptions::new().write(true).open(context.root().join("d/f")).unwrap();
        let error = pack_and_meddle(&context, || file.set_len(new_size).unwrap());
        assert_eq!(error.to_string(), "cannot pack `d/f`: it changed while it was read");
    }
}

#[test]
fn a_file_that_is_rewritten_in_place_while_it_is_read_is_named() {
    let context = Context::new();
    context.file("d/f", &vec![0; 3 << 20]);
    let mut file = fs_err::OpenOptions::new().write(true).open(context.root().join("d/f")).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    file.file().set_modified(long_ago).unwrap();
    let error = pack_and_meddle(&context, || {
        file.seek(io::SeekFrom::End(-4)).unwrap();
        file.write_all(b"new!").unwrap();
    });
    assert_eq!(error.to_string(), "cannot pack `d/f`: it changed while it was read");
}

#[test]
fn files_that_vanish_while_others_are_read_are_named() {
    let context = Context::with_files(&["d/z"]);
    context.file("d/f", &vec![0; 3 << 20]);
    let place = context.root().join("d/z");
    let error = pack_and_meddle(&context, || drop(fs_err::remove_file(&place)));
    assert!(matches!(error, Error::Read { path, .. } if path.as_str() == "d/z"));
}

#[test]
fn a_file_that_is_replaced_by_a_link_meanwhile_is_an_error() {
    let outside = Context::with_files(&["secret"]);
    let secret = outside.root().join("secret").display().to_string();
    for was_link in [false, true] {
        let context = Context::with_files(&["d/z", "x"]);
        context.file("d/f", &vec![0; 3 << 20]);
        let place = context.root().join("d/z");
        if was_link {
            fs_err::remove_file(&place).unwrap();
            context.link("d/z", "../x");
        }
        let error = pack_and_meddle(&context, || {
            fs_err::remove_file(&place).unwrap();
            context.link("d/z", &secret);
        });
        assert!(matches!(&error, Error::FileChanged { path } if path.as_str() == "d/z") == !was_link, "{error}");
        assert!(
            matches!(&error, Error::LinkLeavesContext { path, .. } if path.as_str() == "d/z") == was_link,
            "{error}"
        );
    }
}

#[test]
fn the_error_of_a_sink_is_returned() {
    let context = Context::with_files(&["d/f"]);
    let ignore = IgnoreRules::default();
    let source = source_of(&context, &ignore, "d");
    for compression in Compression::ALL {
        let error =
            write_layer(&source, Format::Tar, compression, None, DigestWriter::new(&mut [0_u8; 5][..]), &Silent)
                .unwrap_err();
        assert!(matches!(error, Error::WriteLayer { .. }));
    }
}

struct Counter(AtomicU64);

impl Task for Counter {
    fn advance(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn skip(&self, bytes: u64) {
        self.advance(bytes);
    }

    fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

#[test]
fn progress_adds_up_to_the_measured_sizes() {
    let context = Context::with_files(&["d/f", "d/e/g"]);
    let ignore = IgnoreRules::default();
    let source = source_of(&context, &ignore, "d");
    let counter = Counter(AtomicU64::new(0));
    write_layer(&source, Format::Tar, Compression::Gzip, None, DigestWriter::new(io::sink()), &counter).unwrap();
    assert_eq!(counter.0.into_inner(), source.measure(&mut |_, _| ()).unwrap().bytes);
}

fn source_of<'a>(context: &'a Context, ignore: &'a IgnoreRules, path: &str) -> LayerSource<'a> {
    LayerSource {
        root: context.root(),
        path: path.parse().unwrap(),
        excluded: Vec::new(),
        ignore,
        links: Links::InsideContext,
        modes: Modes::default(),
    }
}

#[test]
fn a_single_file_can_be_a_raw_layer() {
    let context = Context::with_files(&["x/y/g"]);
    let bytes = vec![b'a'; (2 << 20) + 7];
    context.file("x/y/f", &bytes);
    context.set_mode("x/y/f", 0o750);
    context.link("link", "x/y/f");
    for path in ["x/y/f", "link"] {
        let ignore = IgnoreRules::default();
        let source = source_of(&context, &ignore, path);
        for compression in Compression::ALL {
            let mut layer = DigestWriter::new(Vec::new());
            let summary = write_layer(&source, Format::Raw, compression, None, &mut layer, &Silent).unwrap();
            let (layer, ..) = layer.finish();
            let measured = source.measure(&mut |_, _| ()).unwrap();
            assert_eq!((measured.file_mode, measured.bytes), (Some(0o750), bytes.len() as u64));
            assert_eq!((summary.file_mode, summary.bytes), (Some(0o750), bytes.len() as u64));
            assert_eq!((summary.files, summary.fingerprint), (1, measured.fingerprint));
            let mut file = Vec::new();
            io::copy(&mut compression.decoder(&layer[..]).unwrap(), &mut file).unwrap();
            assert!(file == bytes);
            let is_compressed = compression != Compression::None;
            assert_eq!(summary.diff_id, is_compressed.then(|| Digest::of(&bytes)));
        }
    }
}

#[test]
fn the_table_of_contents_locates_every_file() {
    let project = Context::with_files(&["d/a", "d/e/b", "d/z"]);
    project.file("d/large", &vec![b'x'; (3 << 20) + 5]);
    project.file("d/empty", b"");
    for compression in Compression::ALL {
        let (summary, layer) = project.pack_with("d", &[], compression).unwrap();
        let mut tar = Vec::new();
        io::copy(&mut compression.decoder(&layer[..]).unwrap(), &mut tar).unwrap();
        let table = summary.contents.unwrap();
        let mut seen = Vec::new();
        for entry in contents::read(&table[..]).unwrap() {
            let contents::Entry { path, mode, kind } = entry.unwrap();
            if let contents::Kind::File { size, offset, digest, pieces } = kind {
                let start = usize::try_from(offset).unwrap();
                let content = &tar[start..start + usize::try_from(size).unwrap()];
                assert_eq!(Digest::of(content), digest, "{path}");
                assert_eq!(pieces.is_empty(), size < 1 << 20, "{path}");
            }
            seen.push(format!("{path} {mode:o}"));
        }
        let expected = "d 755, d/a 644, d/e 755, d/e/b 644, d/empty 644, d/large 644, d/z 644";
        assert_eq!(seen.join(", "), expected);
    }
}

#[test]
fn only_a_single_file_can_be_written_raw() {
    let context = Context::with_files(&["d/only"]);
    let ignore = IgnoreRules::parse("d/only").unwrap();
    for (path, ignore) in [("d", &IgnoreRules::default()), ("d/only", &ignore), (".", &IgnoreRules::default())] {
        let source = source_of(&context, ignore, path);
        assert_eq!(source.measure(&mut |_, _| ()).unwrap().file_mode, None, "{path}");
        let error = write_layer(&source, Format::Raw, Compression::None, None, DigestWriter::new(io::sink()), &Silent)
            .unwrap_err();
        assert_eq!(error.to_string(), format!("cannot pack `{path}`: it changed while it was read"));
    }
}
