//! Tables of contents that are authentic but do not describe their layers.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_core::compression::Compression;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};
use serde_json::{Value, json};

const PLAIN: &str = "--plain-http";
const CONTENTS: &str = "ml.kitops.modelkit.contents";
const CONTENTS_DATA: &str = "ml.kitops.modelkit.contents.data";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A ModelKit `honest` in a registry, and the same ModelKit as `forged`, with a table that was changed.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
}

impl Scene {
    fn new(options: &[&str]) -> Self {
        let scene = Self { sandbox: Sandbox::new(), registry: FakeRegistry::start() };
        scene.sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\ncode:\n  - path: src\n");
        for (name, content) in [("a.py", "evil()"), ("hidden.py", "evil()"), ("z.py", "good()")] {
            scene.sandbox.write(&format!("project/src/{name}"), content);
        }
        let large: Vec<u8> = (0..1_500_000_u32).map(|number| (number / 7).to_le_bytes()[0]).collect();
        scene.sandbox.write("project/src/data.bin", large);
        let honest = scene.name("honest");
        scene.sandbox.kit(&[&["pack", "project", "-t", &honest], options].concat()).ok();
        scene.sandbox.kit(&["push", &honest, PLAIN]).ok();
        scene
    }

    fn name(&self, tag: &str) -> String {
        format!("{}/team/code:{tag}", self.registry.host())
    }

    /// Runs `kit` with the store in the folder `home`.
    fn run(&self, home: &str, args: &[&str]) -> Run {
        self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path(home)))
    }

    /// Changes the table, and stores it in the manifest or as a blob.
    fn forge(&self, change: &dyn Fn(&mut Vec<Value>), is_inline: bool) {
        let (_, manifest) = self.registry.manifest("team/code", "honest").unwrap();
        let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let annotations = manifest["layers"][0]["annotations"].as_object_mut().unwrap();
        let table = STANDARD.decode(annotations.remove(CONTENTS_DATA).unwrap().as_str().unwrap()).unwrap();
        let mut text = String::new();
        Compression::Zstd.decoder(&table[..]).unwrap().read_to_string(&mut text).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        change(&mut lines);
        let mut table = Vec::new();
        let mut encoder = Compression::Zstd.encoder(&mut table, || ()).unwrap();
        for line in lines {
            writeln!(encoder, "{line}").unwrap();
        }
        encoder.finish().unwrap();
        if is_inline {
            annotations.insert(CONTENTS_DATA.to_owned(), STANDARD.encode(&table).into());
        } else {
            let digest = self.registry.add_blob_to("team/code", &table);
            annotations.insert(CONTENTS.to_owned(), digest.into());
            annotations.insert(format!("{CONTENTS}.size"), table.len().to_string().into());
        }
        self.registry.add_manifest("team/code", "forged", MANIFEST, manifest.to_string().as_bytes());
    }
}

fn line<'a>(lines: &'a mut [Value], path: &str) -> &'a mut Value {
    lines.iter_mut().find(|line| line["path"] == path).unwrap()
}

/// The difference if only the digest of a chunk is wrong.
const WRONG_CHUNK: &str = "do not match its table of contents";

type Forgery = (&'static str, &'static dyn Fn(&mut Vec<Value>), bool);

/// Each with the difference that is named, and whether the headers of the layer show it.
const FORGERIES: [Forgery; 8] = [
    (
        "`src/hidden.py` is in the layer in place of `src/z.py`",
        &|lines| lines.retain(|line| line["path"] != "src/hidden.py"),
        true,
    ),
    ("`src/z.py` is only in the layer", &|lines| drop(lines.pop()), true),
    (
        "`src/zz.py` is only in the table",
        &|lines| {
            let mut last = lines[lines.len() - 1].clone();
            last["path"] = json!("src/zz.py");
            lines.push(last);
        },
        true,
    ),
    ("the mode of `src/a.py` is", &|lines| line(lines, "src/a.py")["mode"] = json!(0o600), true),
    ("the size of `src/a.py` is 6 in the layer and 5", &|lines| line(lines, "src/a.py")["size"] = json!(5), true),
    (
        "the offset of `src/a.py` is",
        &|lines| {
            let good = line(lines, "src/z.py").clone();
            let evil = line(lines, "src/a.py");
            (evil["offset"], evil["digest"]) = (good["offset"].clone(), good["digest"].clone());
        },
        true,
    ),
    (
        "the digest of `src/a.py` is",
        &|lines| line(lines, "src/a.py")["digest"] = line(lines, "src/z.py")["digest"].clone(),
        false,
    ),
    (WRONG_CHUNK, &|lines| line(lines, "src/data.bin")["pieces"][1]["blake3"] = json!("0".repeat(32)), false),
];

#[test]
fn a_table_that_does_not_match_its_layer_is_refused_with_the_first_difference() {
    let scene = Scene::new(&[]);
    let forged = scene.name("forged");
    for (number, (difference, change, is_in_headers)) in FORGERIES.into_iter().enumerate() {
        scene.forge(change, number % 2 == 0);
        let home = format!("home-{number}");
        scene.run(&home, &["pull", &forged, PLAIN]).fails().says(difference).says("code src");
        scene.run(&home, &["pull", &forged, PLAIN]).fails().says(difference);
        let unpacked = scene.run(&home, &["unpack", &forged, "-d", &format!("out-{number}"), PLAIN]);
        // Unpacking a whole layer from a registry does not use its chunks.
        if difference == WRONG_CHUNK {
            unpacked.ok();
        } else {
            unpacked.fails().says(difference);
            assert!(!scene.sandbox.path(&format!("out-{number}/src")).exists());
        }
        scene.run(&home, &["verify", "project", &forged, PLAIN]).fails().says(difference);
        let listed = scene.run(&home, &["ls", &forged, PLAIN]);
        if is_in_headers {
            listed.fails().says(difference);
        } else {
            listed.ok().prints("src/a.py");
        }
    }
}

#[test]
fn a_table_for_a_layer_that_the_store_has_is_compared_as_well() {
    for options in [&[][..], &["--compression", "zstd"], &["--link"]] {
        let scene = Scene::new(options);
        scene.run("there", &["pull", &scene.name("honest"), PLAIN]).ok();
        let (difference, change, _) = FORGERIES[6];
        for is_inline in [true, false] {
            scene.forge(change, is_inline);
            for home in ["there", "home"] {
                scene.run(home, &["pull", &scene.name("forged"), PLAIN]).fails().says(difference);
            }
        }
    }
}

#[test]
fn what_is_shown_from_an_unverified_table_is_marked() {
    let scene = Scene::new(&["--compression", "zstd"]);
    let honest = scene.name("honest");
    let not_verified = "`src` is shown by its table of contents, which is not verified against the layer";
    scene.run("there", &["ls", &honest, PLAIN]).ok().says(not_verified);
    scene.run("there", &["cat", &format!("{honest}//src/a.py"), PLAIN]).ok().says(not_verified);
    scene.run("there", &["verify", "project", &honest, PLAIN]).ok();
    scene.run("there", &["pull", &honest, PLAIN]).ok();
    let local = scene.run("there", &["ls", &honest]).ok();
    assert!(!local.stderr.contains("not verified"), "{}", local.stderr);
}

#[test]
fn a_comparison_by_unverified_tables_is_marked() {
    let scene = Scene::new(&[]);
    scene.sandbox.write("project/src/a.py", "new()!");
    let (honest, new) = (scene.name("honest"), scene.name("new"));
    scene.sandbox.kit(&["pack", "project", "-t", &new]).ok();
    scene.sandbox.kit(&["push", &new, PLAIN]).ok();
    let compared = scene.run("there", &["diff", &honest, &new, PLAIN]).ok().prints("src/a.py");
    assert_eq!(compared.stderr.matches("which is not verified against the layer").count(), 1, "{}", compared.stderr);
    let local = scene.sandbox.kit(&["diff", &honest, &new]).ok().prints("src/a.py");
    assert!(!local.stderr.contains("not verified"), "{}", local.stderr);
    let (difference, change, _) = FORGERIES[0];
    scene.forge(change, true);
    scene.run("there", &["diff", &new, &scene.name("forged"), PLAIN]).fails().says(difference);
}

#[test]
fn a_file_is_shown_only_if_its_header_precedes_it() {
    let scene = Scene::new(&[]);
    scene.forge(FORGERIES[5].1, true);
    let place = format!("{}//src/a.py", scene.name("forged"));
    scene.run("there", &["cat", &place, PLAIN]).fails();
    scene.run("there", &["cp", &place, "copy", PLAIN]).fails();
    assert!(!scene.sandbox.path("copy").exists());
}

#[test]
fn a_store_without_a_record_compares_once() {
    let scene = Scene::new(&[]);
    let honest = scene.name("honest");
    scene.run("there", &["pull", &honest, PLAIN]).ok();
    let record = scene.sandbox.path("there/store/.kit/tables");
    let marks = || fs_err::read_dir(&record).unwrap().count();
    assert_eq!(marks(), 1);
    fs_err::remove_dir_all(&record).unwrap();
    scene.run("there", &["ls", &honest]).ok();
    assert_eq!(marks(), 1);
    fs_err::remove_dir_all(&record).unwrap();
    scene.run("there", &["unpack", &honest, "-d", "out"]).ok();
    assert_eq!(marks(), 1);
    fs_err::remove_dir_all(&record).unwrap();
    scene.run("there", &["fsck"]).ok();
    assert_eq!(marks(), 1);
    scene.run("there", &["remove", &honest]).ok();
    assert_eq!(marks(), 0, "a table of a layer that is gone is forgotten");
}

/// The config of a compressed layer may claim the digest of any uncompressed layer.
#[test]
fn a_forged_diff_id_hides_no_difference() {
    let scene = Scene::new(&[]);
    let (_, honest) = scene.registry.manifest("team/code", "honest").unwrap();
    let honest: Value = serde_json::from_slice(&honest).unwrap();
    scene.sandbox.write("project/src/a.py", "worse!");
    let new = scene.name("new");
    scene.sandbox.kit(&["pack", "project", "-t", &new, "--compression", "gzip"]).ok();
    scene.sandbox.kit(&["push", &new, PLAIN]).ok();
    let (_, manifest) = scene.registry.manifest("team/code", "new").unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let config = scene.registry.blob(manifest["config"]["digest"].as_str().unwrap()).unwrap();
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    config["code"][0]["diffId"] = honest["layers"][0]["digest"].clone();
    let config = config.to_string();
    manifest["config"]["digest"] = scene.registry.add_blob_to("team/code", config.as_bytes()).into();
    manifest["config"]["size"] = config.len().into();
    scene.registry.add_manifest("team/code", "forged", MANIFEST, manifest.to_string().as_bytes());
    let compared = ["diff", &scene.name("honest"), &scene.name("forged"), PLAIN];
    scene.run("there", &compared).ok().prints("src/a.py");
}
