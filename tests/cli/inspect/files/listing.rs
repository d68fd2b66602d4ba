//! `ls`: the files that unpacking would write.

use expect_test::expect;
use kit_core::compression::Compression;
use serde_json::json;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Sandbox, repository};

use super::scene::{moved, packed, pushed};

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
fn missing_sources_are_named() {
    let sandbox = packed(Compression::None);
    let run = sandbox.kit(&["ls", "sample:v1//data/mor"]).fails();
    expect![[r#"
        error: cannot list the files of `sample:v1//data/mor`
          caused by: the ModelKit has no file or folder `data/mor`
        hint: `kit ls NAME:TAG` shows the files in a ModelKit
    "#]]
    .assert_eq(&run.stderr);
    sandbox.kit(&["ls", "nothing:v1"]).fails().says("not found in the local store");
    sandbox.kit(&["ls", "--remote", "sample:v1"]).exits(2).says("`sample:v1` has no registry host");
    sandbox.kit(&["ls", "sample:v1//../etc"]).exits(2).says("the path `../etc` leads outside its folder");
}

#[test]
fn only_headers_of_a_remote_modelkit_are_fetched() {
    let (sandbox, registry) = (packed(Compression::None), FakeRegistry::start());
    let local = sandbox.kit(&["ls", "sample:v1"]).ok().stdout;
    let remote = pushed(&sandbox, registry.host());
    registry.forget_requests();
    assert_eq!(sandbox.kit(&["ls", &remote, "--plain-http"]).ok().stdout, local);
    let (bytes, requests) = moved(&registry);
    assert!(bytes < 128 * 1024 && requests <= 14, "{bytes} bytes in {requests} requests");
    // Listing a folder requires two documents, the table of contents of the one layer that may contain it, and the
    // headers of the layer, which are compared with the table.
    registry.forget_requests();
    sandbox.kit(&["ls", &format!("{remote}//data"), "--plain-http"]).ok();
    let requests = moved(&registry).1;
    assert!((4..=8).contains(&requests), "{requests}");
}

#[test]
fn only_the_zstandard_frames_of_the_file_are_fetched() {
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
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
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
