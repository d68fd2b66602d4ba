//! Selecting files by path in a registry: only the layers, and the ranges of layers, that contain them are read.

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

use super::scene::drop_tables;

const MEBIBYTE: usize = 1024 * 1024;
const KITFILE: &str = "manifestVersion: 1.0.0
model:
  path: model.bin
  parts:
    - path: tokenizer.json
code:
  - path: src
datasets:
  - path: data
";

/// A ModelKit in a registry: two layers that are files, and two folders with large and small files.
fn scene(with_tables: bool) -> (Sandbox, FakeRegistry, String) {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.write("project/Kitfile", KITFILE);
    for large in ["model.bin", "src/a.bin", "data/z.bin"] {
        sandbox.write(&format!("project/{large}"), vec![7; 4 * MEBIBYTE]);
    }
    for small in ["tokenizer.json", "data/m/tokenizer.model"] {
        sandbox.write(&format!("project/{small}"), "{}");
    }
    sandbox.kit(&["pack", "project", "-t", "big:v1"]).ok();
    if !with_tables {
        drop_tables(&sandbox, "big:v1");
    }
    let name = format!("{}/team/big:v1", registry.host());
    sandbox.kit(&["push", "big:v1", &name, "--plain-http"]).ok();
    sandbox.kit(&["remove", "--all", "--force"]).ok();
    registry.forget_requests();
    (sandbox, registry, name)
}

fn read_bytes(registry: &FakeRegistry) -> u64 {
    let bytes = registry.requests_of("GET", "/").iter().map(|request| request.answer_bytes).sum();
    registry.forget_requests();
    bytes
}

#[test]
fn only_the_ranges_of_selected_files_are_read() {
    let (sandbox, registry, name) = scene(true);
    let few = |registry: &FakeRegistry| {
        let bytes = read_bytes(registry);
        assert!(bytes < 256 * 1024, "{bytes}");
    };
    let path = ["--path", "**/tokenizer*", "--plain-http"];
    let run = sandbox.kit(&[&["unpack", &name, "-d", "out"], &path[..]].concat()).ok();
    few(&registry);
    assert!(!run.stderr.contains("model.bin") && !run.stderr.contains("src"), "{}", run.stderr);
    assert_eq!(sandbox.read("out/tokenizer.json"), "{}");
    assert_eq!(sandbox.read("out/data/m/tokenizer.model"), "{}");
    assert!(!sandbox.path("out/data/z.bin").exists());
    sandbox.write("out/tokenizer.json", "[]");
    sandbox.kit(&[&["unpack", &name, "-d", "out"], &path[..]].concat()).exits(8);
    sandbox.kit(&[&["unpack", &name, "-d", "out", "-o"], &path[..]].concat()).ok();
    assert_eq!(sandbox.read("out/tokenizer.json"), "{}");
    few(&registry);

    sandbox.kit(&[&["unpack", &name, "-d", "new", "-f", "model"], &path[..]].concat()).ok();
    few(&registry);

    let verify = || sandbox.kit(&[&["verify", "out", &name], &path[..]].concat());
    verify().ok();
    few(&registry);
    sandbox.write("out/data/m/tokenizer.model", "[]");
    sandbox.write("out/src/tokenizer.extra", "");
    verify().fails().prints("data/m/tokenizer.model").prints("extra     src/tokenizer.extra");
    few(&registry);
}

#[test]
fn a_selected_file_that_was_damaged_in_the_registry_is_refused() {
    let (sandbox, registry, name) = scene(true);
    sandbox.write("project/data/m/tokenizer.model", "");
    let emptied = format!("{}/team/big:v2", registry.host());
    sandbox.kit(&["pack", "project", "--push", &emptied, "--plain-http"]).ok();
    let (_, manifest) = registry.manifest("team/big", "v1").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap().iter().map(|layer| layer["digest"].as_str().unwrap());
    let contains = |digest: &&str| registry.blob(digest).unwrap().windows(20).any(|it| it == b"data/m/tokenizer.mod");
    let digest = layers.into_iter().find(contains).unwrap();
    let mut bytes = registry.blob(digest).unwrap().to_vec();
    let place = bytes.windows(2).position(|found| found == b"{}").unwrap();
    bytes[place] = b'[';
    registry.replace_blob(digest, &bytes);
    let run = sandbox.kit(&["unpack", &name, "-d", "out", "--path", "data/m", "--plain-http"]);
    run.exits(3).says("hint: the registry delivers damaged content");
    assert!(!sandbox.path("out/data").exists());
    let file = format!("{name}//data/m/tokenizer.model");
    let commands: [&[&str]; 5] = [
        &["unpack", &name, "-d", "out"],
        &["pull", &name],
        &["cp", &file, "."],
        &["cat", &file],
        &["diff", &name, &emptied, "--patch"],
    ];
    for command in commands {
        let run = sandbox.kit(&[command, &["--plain-http"]].concat()).exits(3);
        let run = run.says("does not match its digest").says("hint: the registry delivers damaged content");
        assert!(!run.stdout.contains('['), "{}", run.stdout);
    }
}

#[test]
fn without_tables_a_layer_that_is_a_file_is_chosen_by_its_path() {
    let (sandbox, registry, name) = scene(false);
    sandbox.kit(&["unpack", &name, "-d", "out", "--path", "**/tokenizer.json", "--plain-http"]).ok();
    let bytes = read_bytes(&registry);
    let (file, folders) = (4 * MEBIBYTE as u64, 8 * MEBIBYTE as u64);
    assert!((folders..folders + file).contains(&bytes), "the folders but not the model: {bytes}");
    assert_eq!(sandbox.read("out/tokenizer.json"), "{}");
}

#[test]
fn a_pattern_that_matches_nothing_is_explained() {
    let sandbox = Sandbox::packed();
    for (args, error, hint) in [
        (
            &["--path", "src/README.md"][..],
            "no file of `sample:v1` matches `src/README.md`",
            "hint: `README.md` exists: use `README.md`",
        ),
        (
            &["--path", "data/val.csv"],
            "matches `data/val.csv`",
            "hint: `data/more/val.csv` exists: use `data/more/val.csv`",
        ),
        (&["--path", "a/b.txt"], "matches `a/b.txt`", "hint: patterns start at the root; `**/b.txt` matches in every"),
        (&["--path", "**/b.txt"], "matches `**/b.txt`", "hint: `kit ls NAME:TAG` shows the files in a ModelKit"),
        (
            &["--path", "weights/tokenizer.json", "--filter", "docs"],
            "no file of `sample:v1` in the parts that `--filter docs` selects matches `weights/tokenizer.json`",
            "hint: only the parts that --filter selects were searched; leave it out, or add the part of the file",
        ),
    ] {
        for command in [&["unpack", "sample:v1", "-d", "out"][..], &["ls", "sample:v1"]] {
            sandbox.kit(&[command, args].concat()).exits(4).says(error).says(hint);
        }
    }
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out", "--format", "{{.Nope}}"]).exits(2);
    assert!(run.stderr.contains("`keptFiles`") && !run.stderr.contains("linkedBytes"), "{}", run.stderr);
}

#[test]
fn a_config_that_was_damaged_in_the_registry_is_not_sought_in_the_local_store() {
    let (sandbox, registry, name) = scene(false);
    let (_, manifest) = registry.manifest("team/big", "v1").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    registry.replace_blob(manifest["config"]["digest"].as_str().unwrap(), b"{}");
    let commands: [&[&str]; 6] = [
        &["pull", &name],
        &["unpack", &name, "-d", "out"],
        &["inspect", &name, "--remote"],
        &["info", &name],
        &["ls", &name],
        &["diff", &name, "project"],
    ];
    for command in commands {
        let run = sandbox.kit(&[command, &["--plain-http"]].concat()).exits(3);
        run.says("cannot read the config").says("hint: the registry delivers damaged content");
    }
}
