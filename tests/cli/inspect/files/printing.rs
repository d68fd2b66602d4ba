//! `cat`: a file on standard output.

use std::io::{Read, Write};
use std::process::Stdio;

use kit_core::compression::Compression;

use crate::transfer::published::publish_model;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

use super::scene::{MEBIBYTE, moved, packed, pushed};

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
        ("//data", "`data` is a folder"),
        ("//weights", "`weights` is a folder"),
        ("//data/more", "`data/more` is a folder"),
        ("//data/train", "the ModelKit has no file or folder `data/train`"),
        ("//README.md/x", "the ModelKit has no file or folder `README.md/x`"),
    ] {
        sandbox.kit(&["cat", &format!("sample:v1{path}")]).fails().says(reason).says("hint: `kit ls");
    }
    sandbox.kit(&["cat", "sample:v1"]).fails().says("`.` is a folder").says("hint: append the path of a file");
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
fn a_large_file_is_fetched_as_one_range() {
    let (sandbox, registry) = (packed(Compression::None), FakeRegistry::start());
    let remote = pushed(&sandbox, registry.host());
    registry.forget_requests();
    let output = sandbox.command(&["cat", &format!("{remote}//data/a.bin"), "--plain-http"]).output().unwrap();
    assert!(output.stdout == vec![7; 8 * MEBIBYTE]);
    assert_eq!(registry.requests_of("GET", "/blobs/").len(), 2, "the header of the file, the file");
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
fn the_path_may_be_an_argument_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    let expected = sandbox.read("project/README.md");
    assert_eq!(sandbox.kit(&["cat", "sample:v1", "README.md"]).ok().stdout, expected);
    let listed = sandbox.kit(&["ls", "sample:v1", "src", "--format", "{{.Path}}"]).ok();
    assert_eq!(listed.stdout, "src/train.py\n");
    let twice = sandbox.kit(&["cat", "sample:v1//README.md", "README.md"]).exits(2);
    twice.says("`sample:v1//README.md` already contains a path");
}

#[test]
fn a_single_slash_before_the_path_gets_a_hint() {
    let sandbox = Sandbox::new();
    for command in ["cat", "ls"] {
        let run = sandbox.kit(&[command, "localhost:5000/team/sample:v1/config.json"]).exits(2);
        run.says(
            "hint: a file in a ModelKit is written NAME:TAG//PATH, as in \
             `localhost:5000/team/sample:v1//config.json`",
        );
    }
}

#[test]
fn a_path_where_none_is_taken_gets_a_hint() {
    let sandbox = Sandbox::new();
    for command in ["info", "unpack", "pull"] {
        for slashes in ["/", "//"] {
            let run = sandbox.kit(&[command, &format!("localhost:5000/net:v1{slashes}config.json")]).exits(2);
            run.says(
                "hint: this argument takes no path; `kit cat localhost:5000/net:v1//config.json` prints the file, and \
                 `kit unpack localhost:5000/net:v1 --path config.json` unpacks it",
            );
        }
    }
    // A digest that is not complete is not a path.
    let run = sandbox.kit(&["info", "localhost:5000/net@sha256:44b6"]).exits(2);
    assert!(!run.stderr.contains("hint:"), "{}", run.stderr);
}

#[test]
fn a_url_in_place_of_a_name_gets_a_hint() {
    let sandbox = Sandbox::new();
    for command in ["info", "cat", "pull"] {
        let run = sandbox.kit(&[command, "http://localhost:5000/net:v1"]).exits(2);
        run.says("hint: leave out `http://`: a name begins with the host of the registry");
    }
    sandbox.kit(&["push", "https://r.example/net:v1"]).exits(2).says("hint: leave out `https://`");
}
