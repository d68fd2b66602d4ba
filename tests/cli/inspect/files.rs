//! `ls`, `cat`, `cp`: single files of a ModelKit, and the amount of data that is read for them.

use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use expect_test::expect;
use kit_core::compression::Compression;
use serde_json::{Value, json};

use crate::transfer::published::publish_model;
use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Sandbox, repository};

const MEBIBYTE: usize = 1024 * 1024;

/// A ModelKit `sample:v1` with large files around small ones.
fn packed(compression: Compression) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    for name in ["a.bin", "z.bin"] {
        sandbox.write(&format!("project/data/{name}"), vec![7; 8 * MEBIBYTE]);
    }
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--compression", compression.name()]).ok();
    sandbox
}

/// Pushes `sample:v1` to `registry` and removes it from the local store.
fn pushed(sandbox: &Sandbox, registry: &str) -> String {
    let remote = format!("{registry}/team/sample:v1");
    sandbox.kit(&["push", "sample:v1", &remote, "--plain-http"]).ok();
    sandbox.kit(&["remove", "sample:v1"]).ok();
    remote
}

/// Returns the number of bytes of blobs that the registry sent, and the number of requests for them.
fn moved(registry: &FakeRegistry) -> (u64, usize) {
    let requests = registry.requests_of("GET", "/");
    (requests.iter().map(|request| request.answer_bytes).sum(), requests.len())
}

#[test]
fn files_are_listed_as_they_would_be_unpacked() {
    for compression in Compression::ALL {
        let sandbox = packed(compression);
        expect![[r#"
            MODE        SIZE      PATH
            rw-r--r--   312 B     Kitfile
            rw-r--r--   9 B       README.md
            rw-r--r--   8.0 MiB   data/a.bin
            rw-r--r--   8 B       data/more/val.csv
            rw-r--r--   8 B       data/train.csv
            rw-r--r--   8.0 MiB   data/z.bin
            rw-r--r--   15 B      src/train.py
            rw-r--r--   8 B       weights/model.bin
            rw-r--r--   3 B       weights/tokenizer.json
        "#]]
        .assert_eq(&sandbox.kit(&["ls", "sample:v1"]).ok().stdout);
        let paths = |args: &[&str]| sandbox.kit(&[&["ls", "--format", "{{.Path}}"], args].concat()).ok().stdout;
        assert_eq!(paths(&["sample:v1//data/more"]), "data/more/val.csv\n");
        assert_eq!(paths(&["sample:v1//weights/"]), "weights/model.bin\nweights/tokenizer.json\n");
        assert_eq!(paths(&["sample:v1//README.md"]), "README.md\n");
        assert_eq!(paths(&["sample:v1", "-f", "code", "-f", "kitfile"]), "Kitfile\nsrc/train.py\n");
        assert_eq!(paths(&["sample:v1//data", "-f", "datasets:training"]).lines().count(), 4);
    }
}

#[test]
fn the_kitfile_that_is_listed_is_the_one_that_is_unpacked() {
    let sandbox = packed(Compression::None);
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    let size = sandbox.read("out/Kitfile").len();
    let run = sandbox.kit(&["ls", "sample:v1//Kitfile", "--format", "json"]).ok();
    let expected = json!([{ "path": "Kitfile", "mode": "0644", "size": format!("{size} B"), "sizeBytes": size,
        "layer": null, "offset": null }]);
    assert_eq!(run.json(), expected);
}

#[test]
fn what_is_not_there_is_named() {
    let sandbox = packed(Compression::None);
    let run = sandbox.kit(&["ls", "sample:v1//data/mor"]).fails();
    expect![[r#"
        error: cannot list the files of `sample:v1//data/mor`
          caused by: the ModelKit has no file or folder `data/mor`
        hint: `kit ls NAME:TAG` shows the files in a ModelKit
    "#]]
    .assert_eq(&run.stderr);
    sandbox.kit(&["ls", "nothing:v1"]).fails().says("not found in the local store");
    sandbox.kit(&["ls", "--remote", "sample:v1"]).fails().says("`sample:v1` has no registry host");
    sandbox.kit(&["ls", "sample:v1//../etc"]).exits(2).says("the path `../etc` leads outside its folder");
}

#[test]
fn of_a_remote_modelkit_only_headers_are_fetched() {
    let (sandbox, registry) = (packed(Compression::None), FakeRegistry::start());
    let local = sandbox.kit(&["ls", "sample:v1"]).ok().stdout;
    let remote = pushed(&sandbox, registry.host());
    registry.forget_requests();
    assert_eq!(sandbox.kit(&["ls", &remote, "--plain-http"]).ok().stdout, local);
    let (bytes, requests) = moved(&registry);
    assert!(bytes < 128 * 1024 && requests <= 9, "{bytes} bytes in {requests} requests");
    // Listing a folder requires two documents, and the table of contents of the one layer that may contain it.
    registry.forget_requests();
    sandbox.kit(&["ls", &format!("{remote}//data"), "--plain-http"]).ok();
    assert_eq!(moved(&registry).1, 3);
}

#[test]
fn of_zstandard_only_the_frames_are_fetched_that_hold_the_file() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\ndatasets: [{path: data}]\n");
    let mut seed = 1_u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    sandbox.write("project/data/a", std::iter::repeat_with(&mut noise).take(9 << 20).collect::<Vec<_>>());
    sandbox.write("project/data/b", "hello");
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--compression", "zstd"]).ok();
    let remote = pushed(&sandbox, registry.host());
    registry.forget_requests();
    assert_eq!(sandbox.kit(&["cat", &format!("{remote}//data/b"), "--plain-http"]).ok().stdout, "hello");
    let (bytes, requests) = moved(&registry);
    assert!(bytes < 3 << 20 && requests < 8, "{bytes} bytes in {requests} requests");
}

#[test]
fn a_file_is_printed_byte_for_byte() {
    for compression in Compression::ALL {
        let sandbox = packed(compression);
        let print = |file: &str| sandbox.command(&["cat", &format!("sample:v1//{file}")]).output().unwrap();
        for file in ["data/train.csv", "data/z.bin", "weights/model.bin", "README.md"] {
            let expected = fs_err::read(sandbox.path("project").join(file)).unwrap();
            let output = print(file);
            assert!(output.status.success() && output.stderr.is_empty(), "{file}");
            assert!(output.stdout == expected, "{compression} {file}");
        }
        sandbox.kit(&["unpack", "sample:v1", "-d", "out", "-f", "kitfile"]).ok();
        assert_eq!(print("Kitfile").stdout, sandbox.read("out/Kitfile").into_bytes());
    }
}

#[test]
fn only_files_are_printed() {
    let sandbox = packed(Compression::None);
    for (path, reason) in [
        ("", "`.` is a folder"),
        ("//data", "`data` is a folder"),
        ("//weights", "`weights` is a folder"),
        ("//data/more", "`data/more` is a folder"),
        ("//data/train", "the ModelKit has no file or folder `data/train`"),
        ("//README.md/x", "the ModelKit has no file or folder `README.md/x`"),
    ] {
        sandbox.kit(&["cat", &format!("sample:v1{path}")]).fails().says(reason).says("hint: `kit ls");
    }
}

#[test]
fn a_reader_that_stops_early_is_not_a_failure() {
    let sandbox = packed(Compression::None);
    let mut command = sandbox.command(&["cat", "sample:v1//data/a.bin"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_small_file_of_a_large_remote_modelkit_costs_kilobytes() {
    let (sandbox, registry, store) = (packed(Compression::None), FakeRegistry::start(), FakeRegistry::start());
    let remote = pushed(&sandbox, registry.host());
    let cat = |file: &str| sandbox.kit(&["cat", &format!("{remote}//{file}"), "--plain-http"]).ok().stdout;
    registry.forget_requests();
    assert_eq!(cat("data/train.csv"), "a,b\n1,2\n");
    let (bytes, requests) = moved(&registry);
    assert!(bytes < 64 * 1024 && requests <= 5, "{bytes} bytes in {requests} requests");

    for blob in registry.requests_of("GET", "/blobs/") {
        let digest = blob.target.rsplit('/').next().unwrap();
        store.add_blob(&registry.blob(digest).unwrap());
    }
    registry.configure(|options| options.redirect_blobs_to = Some(format!("http://{}", store.host())));
    registry.forget_requests();
    assert_eq!(cat("data/train.csv"), "a,b\n1,2\n");
    let ((_, asked), (bytes, redirected)) = (moved(&registry), moved(&store));
    assert!(bytes < 64 * 1024 && asked + redirected <= 9, "{bytes} bytes in {asked} and {redirected} requests");

    registry.configure(|options| (options.redirect_blobs_to, options.ranges) = (None, false));
    assert_eq!(cat("data/train.csv"), "a,b\n1,2\n", "without ranges it is only slower");
}

#[test]
fn a_large_file_comes_as_one_range() {
    let (sandbox, registry) = (packed(Compression::None), FakeRegistry::start());
    let remote = pushed(&sandbox, registry.host());
    registry.forget_requests();
    let output = sandbox.command(&["cat", &format!("{remote}//data/a.bin"), "--plain-http"]).output().unwrap();
    assert!(output.stdout == vec![7; 8 * MEBIBYTE]);
    assert_eq!(registry.requests_of("GET", "/blobs/").len(), 3, "the config, the header of the file, the file");
}

#[test]
fn files_and_folders_are_copied_as_cp_does() {
    for compression in Compression::ALL {
        let sandbox = packed(compression);
        let cp = |path: &str, to: &str| sandbox.kit(&["cp", &format!("sample:v1{path}"), to]).ok();
        cp("//src/train.py", "script.py");
        sandbox.write("there/x", "");
        cp("//src/train.py", "there");
        cp("//data", "there");
        cp("//data/more", "new/name");
        cp("//Kitfile", "made/");
        let names = ["data/a.bin", "data/more/val.csv", "data/train.csv", "data/z.bin", "train.py", "x"];
        assert_eq!(sandbox.names("there"), names);
        assert_eq!(sandbox.tree("new"), [("name/val.csv".to_owned(), "a,b\n3,4\n".to_owned())]);
        assert_eq!(sandbox.names("made"), ["Kitfile"]);
        for (copy, original) in [("script.py", "src/train.py"), ("there/data/a.bin", "data/a.bin")] {
            let original = format!("project/{original}");
            assert!(sandbox.read(copy) == sandbox.read(&original), "{compression} {original}");
        }
        cp("", "all");
        sandbox.kit(&["unpack", "sample:v1", "-d", "unpacked"]).ok();
        assert!(sandbox.tree("all") == sandbox.tree("unpacked"), "{compression}");
    }
}

#[test]
fn a_copy_has_the_permissions_of_the_file() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let script = sandbox.path("project/src/train.py");
    fs_err::set_permissions(&script, std::fs::Permissions::from_mode(0o750)).unwrap();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.kit(&["cp", "sample:v1//src/train.py", "."]).ok();
    assert_eq!(fs_err::metadata(sandbox.path("train.py")).unwrap().permissions().mode() & 0o777, 0o750);
}

#[test]
fn existing_files_are_not_touched_unless_requested() {
    let sandbox = packed(Compression::None);
    let mine = sandbox.write("out/train.csv", "mine");
    let run = sandbox.kit(&["cp", "sample:v1//data/train.csv", "out"]).fails();
    expect![[r#"
        error: cannot copy `sample:v1//data/train.csv` to `out`
          caused by: 1 existing file differs from the ModelKit:
            train.csv: 4 B on disk, 8 B in the ModelKit
        hint: use -o to overwrite or -i to keep existing files; nothing was written
    "#]]
    .assert_eq(&run.redacted_failure());
    sandbox.kit(&["cp", "sample:v1//data/train.csv", "out", "-i"]).ok().says("Copied 0 files to out · 1 file kept");
    assert_eq!(sandbox.read("out/train.csv"), "mine");
    sandbox.kit(&["cp", "sample:v1//data/train.csv", "out", "-o"]).ok().says("Copied 1 file to out · 8 B written");
    assert_eq!(sandbox.read("out/train.csv"), "a,b\n1,2\n");

    fs_err::remove_file(&mine).unwrap();
    symlink("../elsewhere", &mine).unwrap();
    sandbox.kit(&["cp", "sample:v1//data/train.csv", "out", "-o"]).fails().says("symbolic link");
    assert!(!sandbox.path("elsewhere").exists());
}

#[test]
fn what_is_not_there_is_not_copied() {
    let sandbox = packed(Compression::Gzip);
    sandbox.kit(&["cp", "sample:v1//data/x", "out/x"]).fails().says("the ModelKit has no file or folder `data/x`");
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_copy_of_a_small_file_costs_kilobytes() {
    let (sandbox, registry) = (packed(Compression::None), FakeRegistry::start());
    let remote = pushed(&sandbox, registry.host());
    registry.forget_requests();
    sandbox.kit(&["cp", &format!("{remote}//data/train.csv"), "out/", "--plain-http"]).ok();
    assert_eq!(sandbox.read("out/train.csv"), "a,b\n1,2\n");
    let (bytes, requests) = moved(&registry);
    assert!(bytes < 128 * 1024 && requests <= 6, "{bytes} bytes in {requests} requests");
}

/// Changes a byte of the blob of the dataset so that it can still be decoded.
fn damage(sandbox: &Sandbox, compression: Compression) {
    let layers = sandbox.kit(&["inspect", "sample:v1"]).ok().json()["manifest"]["layers"].clone();
    let layer = layers.as_array().unwrap().iter().find(|layer| layer.to_string().contains("dataset")).unwrap();
    let path = sandbox.store().join("blobs/sha256").join(&layer["digest"].as_str().unwrap()["sha256:".len()..]);
    let mut bytes = fs_err::read(&path).unwrap();
    let place = match compression {
        Compression::None => bytes.windows(3).position(|found| found == b"1,2").unwrap(),
        // The timestamp in the header of a gzip member.
        _ => 4,
    };
    bytes[place] = b'9';
    fs_err::remove_file(&path).unwrap();
    fs_err::write(&path, bytes).unwrap();
}

#[test]
fn a_layer_that_is_read_whole_is_verified_before_files_get_their_names() {
    for (compression, path) in [(Compression::None, "data"), (Compression::Gzip, "data/train.csv")] {
        let sandbox = packed(compression);
        damage(&sandbox, compression);
        let run = sandbox.kit(&["cp", &format!("sample:v1//{path}"), "out/"]).fails();
        run.says("the content does not match its digest");
        assert!(!sandbox.path("out").exists());
    }
}

#[test]
fn the_table_of_contents_vouches_for_what_is_read_in_ranges() {
    let sandbox = packed(Compression::None);
    damage(&sandbox, Compression::None);
    for command in [&["cp", "sample:v1//data/train.csv", "out/"][..], &["cat", "sample:v1//data/train.csv"]] {
        sandbox.kit(command).fails().says("the content does not match its digest");
    }
    assert!(!sandbox.path("out").exists());
}

#[test]
fn nothing_vouches_for_what_is_read_in_ranges_without_a_table() {
    let sandbox = packed(Compression::None);
    damage(&sandbox, Compression::None);
    for table in tables(&sandbox, "sample:v1") {
        fs_err::remove_file(sandbox.store().join("blobs/sha256").join(&table["sha256:".len()..])).unwrap();
    }
    sandbox.kit(&["cp", "sample:v1//data/train.csv", "out/"]).ok();
    assert_eq!(sandbox.read("out/train.csv"), "a,b\n9,2\n");
}

/// Returns the digests of the tables of contents that the layers of a local ModelKit name.
pub(crate) fn tables(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let layers = sandbox.kit(&["inspect", name]).ok().json()["manifest"]["layers"].clone();
    let table = |layer: &Value| layer["annotations"]["ml.kitops.modelkit.contents"].as_str().unwrap().to_owned();
    layers.as_array().unwrap().iter().map(table).collect()
}

#[test]
fn a_layer_that_is_one_file_is_that_file() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    for (format, compression, size) in
        [("raw", Compression::None, "7 B"), ("raw+gzip", Compression::Gzip, "?"), ("raw+zstd", Compression::Zstd, "?")]
    {
        let mut encoder = compression.encoder(Vec::new(), || ()).unwrap();
        encoder.write_all(b"weights").unwrap();
        let remote = publish_model(&registry, format, "m", &encoder.finish().unwrap());
        let file = format!("{remote}//m");
        let listed = sandbox.kit(&["ls", &file, "--plain-http", "--format", "{{.Mode}} {{.Size}} {{.Path}}"]).ok();
        assert_eq!(listed.stdout, format!("0644 {size} m\n"));
        assert_eq!(sandbox.kit(&["cat", &file, "--plain-http"]).ok().stdout, "weights");
        sandbox.kit(&["cp", &file, format, "--plain-http"]).ok();
        assert_eq!(sandbox.read(format), "weights");
    }
}

#[test]
fn a_file_that_claims_to_be_longer_than_its_layer_is_refused() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    for size in [2_000_000, u64::MAX / 2] {
        let mut header = tar::Header::new_ustar();
        header.set_path("m").unwrap();
        header.set_mode(0o644);
        header.set_size(size);
        header.set_cksum();
        let layer = [header.as_bytes(), &[7; 1536][..]].concat();
        let file = format!("{}//m", publish_model(&registry, "tar", "m", &layer));
        for args in [&["cat", &file][..], &["cp", &file, "out/"]] {
            sandbox.run(sandbox.command(args).arg("--plain-http")).fails();
        }
        assert!(!sandbox.path("out").exists());
    }
}

#[test]
fn files_in_modelkits_of_kitops_are_listed_and_printed() {
    let (sandbox, registry) = (Sandbox::new(), DockerRegistry::start());
    for folder in fs_err::read_dir(repository().join("tests/golden/layouts")).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let layout = format!("oci:{}:v1", folder.path().display());
        let remote = format!("{}/{name}:v1", registry.host());
        let mut skopeo = std::process::Command::new("skopeo");
        skopeo.args(["copy", "--insecure-policy", "--quiet", "--dest-tls-verify=false", &layout]);
        let pushed = skopeo.arg(format!("docker://{remote}")).output().expect("install skopeo for this test");
        assert!(pushed.status.success(), "{pushed:?}");
        sandbox.kit(&["unpack", &layout, "-d", &name]).ok();
        for reference in [&layout, &remote] {
            let listed = sandbox.kit(&["ls", reference, "--format", "{{.Path}}", "--plain-http"]).ok().stdout;
            let mut listed: Vec<_> = listed.lines().collect();
            listed.sort_unstable();
            assert_eq!(listed, sandbox.names(&name), "{reference}");
            for file in listed {
                let run = sandbox.kit(&["cat", &format!("{reference}//{file}"), "--plain-http"]).ok();
                assert!(run.stdout == sandbox.read(&format!("{name}/{file}")), "{reference} {file}");
            }
        }
    }
    let [plain, gzip] = ["plain", "gzip"].map(|kind| format!("{}/every-section-{kind}:v1", registry.host()));
    sandbox.kit(&["diff", &plain, &gzip, "--plain-http", "--exit-code"]).ok();
    sandbox.write("every-section-plain/README.md", "changed\n");
    for remote in [&plain, &gzip] {
        let run = sandbox.kit(&["diff", remote, "every-section-plain", "--plain-http", "--format", "json"]).ok().json();
        let changed: Vec<_> = run["files"].as_array().unwrap().iter().map(|file| file["path"].clone()).collect();
        assert_eq!(changed, ["README.md"], "{remote}");
    }
}
