//! `save` and `load`: archives for places that no network reaches, whole or not at all, and readable by others.

use std::process::{Command, Stdio};

use expect_test::expect;
use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";

/// A packed project `sample:v1`, with the record of its making.
fn packed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox
}

/// The next version, of which only one file is another.
fn pack_next(sandbox: &Sandbox) {
    sandbox.write("project/README.md", "# Better\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
}

/// Another user, who has nothing yet.
fn elsewhere(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(sandbox.command(args).env("KIT_HOME", sandbox.path("elsewhere")))
}

fn bytes(sandbox: &Sandbox, name: &str) -> Vec<u8> {
    fs_err::read(sandbox.path(name)).unwrap()
}

fn tar(sandbox: &Sandbox, args: &[&str]) -> String {
    let output = Command::new("tar").args(args).current_dir(sandbox.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[cfg_attr(windows, ignore = "runs tar and cat, which wine does not have")]
fn the_same_modelkit_gives_the_same_archive_wherever_it_comes_from() {
    let (sandbox, registry) = (packed(), DockerRegistry::start());
    let remote = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["tag", "sample:v1", &remote]).ok();
    sandbox.kit(&["push", &remote, PLAIN]).ok();
    let saved = sandbox.kit(&["save", &remote, "-o", "here.tar"]).ok().says(" referrer");
    assert!(saved.stdout.starts_with(&format!("Saved {remote} sha256:")), "{}", saved.stdout);
    elsewhere(&sandbox, &["save", &remote, "-o", "there.tar", PLAIN]).ok();
    assert!(!sandbox.path("elsewhere/store").exists());
    sandbox.kit(&["save", "--remote", &remote, "-o", "remote.tar", PLAIN]).ok();
    let stream = sandbox.command(&["save", &remote, "-o", "-"]).output().unwrap();
    assert!(stream.status.success());
    for other in [bytes(&sandbox, "there.tar"), bytes(&sandbox, "remote.tar"), stream.stdout] {
        assert!(other == bytes(&sandbox, "here.tar"));
    }
    let listed = tar(&sandbox, &["tvf", "here.tar", "--numeric-owner"]);
    assert!(listed.lines().all(|line| line.contains(" 0/0 ") && line.contains("1970-01-01")), "{listed}");
    sandbox.kit(&["save", &remote, "-o", "folder"]).ok();
    fs_err::create_dir(sandbox.path("unpacked")).unwrap();
    tar(&sandbox, &["xf", "here.tar", "-C", "unpacked"]);
    assert!(sandbox.tree("folder") == sandbox.tree("unpacked"));
}

#[test]
fn saved_modelkits_are_loaded_with_names_and_referrers() {
    let (sandbox, registry) = (packed(), DockerRegistry::start());
    pack_next(&sandbox);
    sandbox.kit(&["tag", "sample:v1", "other/name:v1"]).ok();
    let by_digest =
        format!("sample@{}", sandbox.kit(&["inspect", "sample:v2"]).ok().json()["digest"].as_str().unwrap());
    let count = about(&sandbox, &["sample:v1"], "counted");
    assert!(count > 0);
    for (archive, name) in [("kits.tar", "sample:v1"), ("kits", "other/name:v1")] {
        sandbox.kit(&["save", name, &by_digest, "sample:v1", "-o", archive]).ok();
        let home = format!("home-of-{archive}");
        let there = |args: &[&str]| sandbox.run(sandbox.command(args).env("KIT_HOME", sandbox.path(&home)));
        let loaded = there(&["load", archive]).ok();
        assert!(loaded.stdout.contains(&format!("Loaded {name} sha256:")), "{}", loaded.stdout);
        there(&["load", archive]).ok().says("0 B loaded, ");
        there(&["fsck"]).ok();
        there(&["unpack", name, "-d", &format!("out-{archive}")]).ok();
        assert_eq!(sandbox.read(&format!("out-{archive}/README.md")), "# Sample\n");
        there(&["inspect", &by_digest]).ok();
        let remote = format!("{}/from/{archive}:v1", registry.host());
        there(&["push", name, &remote, PLAIN]).ok();
        assert_eq!(about(&sandbox, &[&remote, "--remote", PLAIN], &format!("copy-{archive}")), count);
    }
}

/// The number of referrers that are saved with a ModelKit.
fn about(sandbox: &Sandbox, args: &[&str], folder: &str) -> usize {
    sandbox.kit(&[&["save", "-o", &format!("{folder}.kit")], args].concat()).ok();
    let index: Value = serde_json::from_str(&sandbox.read(&format!("{folder}.kit/index.json"))).unwrap();
    let entries = index["manifests"].as_array().unwrap().iter();
    entries.filter(|entry| entry.get("annotations").is_none()).count()
}

#[test]
fn an_archive_is_loaded_straight_into_a_registry() {
    let (sandbox, registry) = (packed(), DockerRegistry::start());
    sandbox.kit(&["tag", "sample:v1", "team/sample:v1"]).ok();
    pack_next(&sandbox);
    sandbox.kit(&["save", "team/sample:v1", "-o", "one.tar"]).ok();
    sandbox.kit(&["save", "team/sample:v1", "sample:v2", "-o", "two.tar"]).ok();
    let there = |args: &[&str]| elsewhere(&sandbox, &[args, &[PLAIN]].concat());
    let name = |name: &str| format!("{}/{name}", registry.host());
    there(&["load", "one.tar", "--push", registry.host()]).ok().prints(&format!("Loaded {}", name("team/sample:v1")));
    there(&["load", "one.tar", "--push", &name("mirror")]).ok().prints(&format!("Loaded {}", name("mirror:v1")));
    there(&["load", "one.tar", "--push", &name("mirror:live")]).ok().prints(&name("mirror:live"));
    there(&["load", "two.tar", "--push", registry.host()]).ok().prints(&name("sample:v2"));
    for loaded in ["team/sample:v1", "mirror:live", "sample:v2"] {
        there(&["inspect", "--remote", &name(loaded)]).ok();
        let folder = loaded.replace(['/', ':'], "-");
        let there = about(&sandbox, &[&name(loaded), "--remote", PLAIN], &folder);
        assert_eq!(there, about(&sandbox, &["sample:v1"], &format!("{folder}-here")), "{loaded}");
    }
    let refused = there(&["load", "two.tar", "--push", &name("mirror")]).fails();
    expect![[r#"
        error: cannot load `two.tar`
          caused by: the archive contains several ModelKits and cannot be loaded under a single name: `sample:v2`, `team/sample:v1`
        hint: use `--push REGISTRY`, without a repository, to keep their names
    "#]]
    .assert_eq(&refused.redacted_failure());
    for nowhere in ["mirror", "localhost/mirror", "no name"] {
        there(&["load", "one.tar", "--push", nowhere]).exits(2);
    }
    assert!(!sandbox.path("elsewhere/store").exists());
}

#[test]
fn blobs_of_since_are_left_out_and_required_by_load() {
    let sandbox = packed();
    sandbox.kit(&["save", "sample:v1", "-o", "first.tar"]).ok();
    pack_next(&sandbox);
    sandbox
        .kit(&["save", "sample:v2", "--since", "sample:v1", "-o", "next.tar"])
        .ok()
        .says("that the receiver already has");
    assert!(bytes(&sandbox, "next.tar").len() < bytes(&sandbox, "first.tar").len());
    let refused = elsewhere(&sandbox, &["load", "next.tar"]).fails();
    expect![[r#"
        error: cannot load `next.tar`
          caused by: the archive is incomplete; missing:
            model weights/model.bin (2.5 KiB)
            model.parts weights/tokenizer.json (2.5 KiB)
            datasets data (4.0 KiB)
            code src (2.5 KiB)
        hint: the archive omits blobs of sample@[DIGEST]; load that first, or save again without --since
    "#]]
    .assert_eq(&refused.redacted_failure());
    elsewhere(&sandbox, &["list"]).ok();
    elsewhere(&sandbox, &["load", "first.tar"]).ok();
    elsewhere(&sandbox, &["load", "next.tar"]).ok();
    elsewhere(&sandbox, &["unpack", "sample:v2", "-d", "out"]).ok();
    assert_eq!(sandbox.read("out/README.md"), "# Better\n");
}

#[test]
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
fn skopeo_reads_archives_and_we_read_those_of_skopeo() {
    let sandbox = packed();
    let digest = sandbox.kit(&["save", "sample:v1", "-o", "kits.tar"]).ok().digest();
    sandbox.kit(&["save", "sample:v1", "-o", "kits"]).ok();
    let path = |name: &str| sandbox.path(name).display().to_string();
    for (place, copy) in [("oci-archive:", "kits.tar"), ("oci:", "kits")] {
        let target = format!("oci-archive:{}:v3", path(&format!("{copy}.copy.tar")));
        let source = format!("{place}{}:v1", path(copy));
        let skopeo = Command::new("skopeo").args(["copy", "--insecure-policy", &source, &target]).output().unwrap();
        assert!(skopeo.status.success(), "{}", String::from_utf8_lossy(&skopeo.stderr));
        let loaded = elsewhere(&sandbox, &["load", &format!("{copy}.copy.tar")]).ok();
        assert_eq!(loaded.stdout, format!("Loaded {copy}.copy:v3 {digest}\n"));
    }
}

/// An archive with one byte of a layer changed, in a tar written by another tool.
#[test]
#[cfg_attr(windows, ignore = "runs tar and cat, which wine does not have")]
fn wrong_bytes_are_refused_and_nothing_appears() {
    let sandbox = packed();
    pack_next(&sandbox);
    sandbox.kit(&["save", "sample:v1", "sample:v2", "-o", "kits"]).ok();
    let manifest = sandbox.kit(&["inspect", "sample:v2"]).ok().json()["manifest"].clone();
    let layer = manifest["layers"].as_array().unwrap().iter().find(|layer| layer.to_string().contains("docs")).unwrap();
    let hex = layer["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let blob = format!("kits/blobs/sha256/{hex}");
    let whole = bytes(&sandbox, &blob);
    let mut wrong = whole.clone();
    wrong[600] ^= 1;
    for (content, words) in [
        (&wrong[..], "does not match its digest"),
        (&whole[..100], "incomplete; missing:"),
        (&[], "incomplete; missing:"),
    ] {
        sandbox.write(&blob, content);
        fs_err::remove_file(sandbox.path("bad.tar")).ok();
        tar(&sandbox, &["cf", "bad.tar", "-C", "kits", "."]);
        for archive in ["bad.tar", "kits"] {
            elsewhere(&sandbox, &["load", archive]).fails().says(words);
            assert_eq!(elsewhere(&sandbox, &["list", "--format", "json"]).ok().json(), json!([]));
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn hostile_archives_are_refused() {
    let sandbox = packed();
    sandbox.kit(&["save", "sample:v1", "-o", "kits"]).ok();
    let repack = |sandbox: &Sandbox, args: &[&str]| {
        tar(sandbox, &[&["cf", "bad.tar", "-C", "kits"], args, &["."]].concat());
        elsewhere(sandbox, &["load", "bad.tar"])
    };
    repack(&sandbox, &[]).ok();
    repack(&sandbox, &["--transform", "s,^./oci-layout,../../oci-layout,"]).fails().says("its name contains `..`");
    repack(&sandbox, &["--transform", "s,^./oci-layout,/oci-layout,", "-P"]).fails().says("absolute");
    kit_testkit::platform::symlink("/etc/passwd", sandbox.path("kits/link")).unwrap();
    repack(&sandbox, &[]).fails().says("symbolic links are not unpacked");
    fs_err::remove_file(sandbox.path("kits/link")).unwrap();
    repack(&sandbox, &[]).ok();
    tar(&sandbox, &["rf", "bad.tar", "-C", "kits", "./oci-layout"]);
    elsewhere(&sandbox, &["load", "bad.tar"]).fails().says("more than once");

    let original = sandbox.read("kits/index.json");
    let with_index = |text: &str| {
        sandbox.write("kits/index.json", text);
        let tarred = repack(&sandbox, &[]).fails();
        elsewhere(&sandbox, &["load", "kits"]).fails();
        tarred
    };
    with_index(&" ".repeat(5 * 1024 * 1024)).says("the limit is 4194304");
    with_index("{").says("its index");
    with_index(r#"{"schemaVersion":2,"manifests":[]}"#).says("the archive is empty");
    with_index(&original.replace("\"sample:v1\"", "\"../../x\"")).says("invalid name `../../x`");
    with_index(&original.replace("sha256:", "sha256:../../")).says("its index");
    sandbox.write("kits/index.json", original);
    fs_err::remove_file(sandbox.path("kits/oci-layout")).unwrap();
    repack(&sandbox, &[]).fails().says("it has no file `oci-layout`");
    sandbox.write("no.tar", [7; 2000]);
    elsewhere(&sandbox, &["load", "no.tar"]).fails().says("not a tar header");
    sandbox.kit(&["save", "sample:v1", "-o", "cut.tar"]).ok();
    let whole = bytes(&sandbox, "cut.tar");
    sandbox.write("cut.tar", &whole[..whole.len() - 3000]);
    elsewhere(&sandbox, &["load", "cut.tar"]).fails();
}

#[test]
fn a_failure_leaves_no_archive() {
    let sandbox = packed();
    let layer = sandbox.kit(&["inspect", "sample:v1"]).ok().json()["manifest"]["layers"][0]["digest"].clone();
    let hex = layer.as_str().unwrap().trim_start_matches("sha256:").to_owned();
    sandbox.write(&format!("kit/store/blobs/sha256/{hex}"), "wrong");
    for archive in ["out/kits.tar", "out/kits"] {
        sandbox.kit(&["save", "sample:v1", "-o", archive]).fails().says("cannot read model weights/model.bin");
        assert_eq!(sandbox.names("out"), Vec::<String>::new());
    }
    sandbox.kit(&["save", "sample:v9", "-o", "x.tar"]).fails();
    sandbox.kit(&["save", "sample:v1", "-o", "project"]).fails().says("already exists");
}

/// The store has an index as well, which must not be taken for that of the archive.
#[test]
fn a_stream_without_an_archive_loads_nothing() {
    let sandbox = packed();
    let registry = FakeRegistry::start();
    for input in ["", "no tar at all"] {
        for push in [&[][..], &["--push", registry.host(), "--plain-http"]] {
            sandbox.write("input", input);
            let mut load = sandbox.command(&[&["load", "-"][..], push].concat());
            load.stdin(fs_err::File::open(sandbox.path("input")).unwrap().into_file());
            let run = sandbox.run(&mut load).fails();
            assert!(!run.stdout.contains("Loaded"), "{}", run.stdout);
        }
    }
    assert!(registry.requests().is_empty());
}

#[test]
#[cfg_attr(windows, ignore = "runs tar and cat, which wine does not have")]
fn a_stream_is_loaded_while_it_is_read() {
    let sandbox = packed();
    sandbox.kit(&["save", "sample:v1", "-o", "kits.tar"]).ok();
    let mut load = sandbox.command(&["load", "-"]);
    let input = fs_err::File::open(sandbox.path("kits.tar")).unwrap().into_file();
    let mut cat = Command::new("cat").stdin(input).stdout(Stdio::piped()).spawn().unwrap();
    let load = load.env("KIT_HOME", sandbox.path("elsewhere")).stdin(cat.stdout.take().unwrap());
    sandbox.run(load).ok().prints("Loaded sample:v1 sha256:");
    cat.wait().unwrap();
    elsewhere(&sandbox, &["fsck"]).ok();
    elsewhere(&sandbox, &["unpack", "sample:v1", "-d", "out"]).ok();
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn only_an_archive_is_overwritten() {
    let sandbox = packed();
    sandbox.write("notes.tar", "my notes");
    let refused = sandbox.kit(&["save", "sample:v1", "-o", "notes.tar"]).exits(8);
    refused.says("notes.tar` exists and is not an archive of ModelKits").says("hint: ");
    assert_eq!(sandbox.read("notes.tar"), "my notes");
    tar(&sandbox, &["cf", "other.tar", "project"]);
    let other = bytes(&sandbox, "other.tar");
    sandbox.kit(&["save", "sample:v1", "-o", "other.tar"]).exits(8);
    assert!(bytes(&sandbox, "other.tar") == other);
    // An empty file, as `mktemp` makes it, and an archive are replaced; a link stays a link.
    sandbox.write("sample.tar", "");
    kit_testkit::platform::symlink("sample.tar", sandbox.path("link.tar")).unwrap();
    kit_testkit::platform::symlink("new.tar", sandbox.path("dangling.tar")).unwrap();
    for name in ["sample.tar", "sample.tar", "link.tar", "dangling.tar"] {
        sandbox.kit(&["save", "sample:v1", "-o", name]).ok();
        elsewhere(&sandbox, &["load", name]).ok();
    }
    assert!(sandbox.path("link.tar").is_symlink() && sandbox.path("dangling.tar").is_symlink());
    assert!(bytes(&sandbox, "new.tar") == bytes(&sandbox, "sample.tar"));
}

#[test]
fn compressed_archives_are_loaded() {
    let sandbox = packed();
    let digest = sandbox.kit(&["inspect", "sample:v1"]).ok().json()["digest"].clone();
    sandbox.kit(&["save", "sample:v1", "-o", "sample.tar"]).ok();
    let archive = bytes(&sandbox, "sample.tar");
    let (gzip, zstd) = (kit_core::compression::Compression::Gzip, kit_core::compression::Compression::Zstd);
    for (name, compression) in [("sample.tar.gz", gzip), ("sample.tar.zst", zstd), ("plain-name", gzip)] {
        let mut encoder = compression.encoder(Vec::new(), || ()).unwrap();
        std::io::Write::write_all(&mut encoder, &archive).unwrap();
        sandbox.write(name, encoder.finish().unwrap());
        let home = format!("home-{name}");
        let there = |args: &[&str]| sandbox.run(sandbox.command(args).env("KIT_HOME", sandbox.path(&home)));
        there(&["load", name]).ok();
        assert_eq!(there(&["inspect", "sample:v1"]).ok().json()["digest"], digest, "{name}");
        let mut piped = sandbox.command(&["load", "-"]);
        let file = fs_err::File::open(sandbox.path(name)).unwrap();
        let home = sandbox.path(&format!("piped-{name}"));
        sandbox.run(piped.env("KIT_HOME", home).stdin(file.into_file())).ok();
    }
    let half = bytes(&sandbox, "sample.tar.gz");
    sandbox.write("half.tar.gz", &half[..half.len() / 2]);
    elsewhere(&sandbox, &["load", "half.tar.gz"]).fails();
    sandbox.write("sample.tar.xz", b"\xfd7zXZ\0rest");
    let refused = elsewhere(&sandbox, &["load", "sample.tar.xz"]).fails();
    refused.says("the archive is compressed with xz").says("hint: decompress it first: `unxz");
}
