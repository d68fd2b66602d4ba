//! `ls`: the files of a ModelKit, and how little is read to know them.

use expect_test::expect;
use kit::compression::Compression;
use serde_json::json;

use crate::registry::FakeRegistry;
use crate::sandbox::Sandbox;

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

/// Sends `sample:v1` to `registry` and removes it here.
fn pushed(sandbox: &Sandbox, registry: &str) -> String {
    let remote = format!("{registry}/team/sample:v1");
    sandbox.kit(&["push", "sample:v1", &remote, "--plain-http"]).ok();
    sandbox.kit(&["remove", "sample:v1"]).ok();
    remote
}

/// How many bytes of blobs left the registry, and in how many requests.
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
          caused by: it has no file or folder `data/mor`
        hint: `kit ls NAME:TAG` shows the files in a ModelKit
    "#]]
    .assert_eq(&run.stderr);
    sandbox.kit(&["ls", "nothing:v1"]).fails().says("not found in the local store");
    sandbox.kit(&["ls", "--remote", "sample:v1"]).fails().says("`sample:v1` names no registry");
    sandbox.kit(&["ls", "sample:v1//../etc"]).exits(2).says("the path `../etc` leaves its folder");
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
    // A folder costs the layers that may hold it: two documents, and three places of one layer.
    registry.forget_requests();
    sandbox.kit(&["ls", &format!("{remote}//data"), "--plain-http"]).ok();
    assert_eq!(moved(&registry).1, 5);
}
