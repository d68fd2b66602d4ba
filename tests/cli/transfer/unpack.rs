//! `kit unpack`: what arrives, what is refused, and that a failure leaves the folder as it was.

use expect_test::expect;
use fs_err as fs;

use kit_testkit::platform::{assert_mode, set_mode, symlink};
use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

#[test]
fn everything_arrives() {
    let sandbox = Sandbox::packed();
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    assert_eq!(run.stdout, "");
    let mut expected = sandbox.tree("project");
    expected.retain(|(name, _)| name != "Kitfile");
    let mut found = sandbox.tree("out");
    found.retain(|(name, _)| name != "Kitfile");
    assert_eq!(found, expected);
}

#[test]
fn a_kitfile_with_the_same_fields_is_not_a_conflict() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let commented = format!("# Ours.\n{}", sandbox.read("project/Kitfile"));
    sandbox.write("project/Kitfile", &commented);
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    for flags in [&[][..], &["-o"], &["--filter", "kitfile"]] {
        let args = [&["unpack", "sample:v1", "-d", "project"][..], flags].concat();
        sandbox.kit(&[&args[..], &["--dry-run"]].concat()).ok().prints("Kitfile");
        sandbox.kit(&args).ok().says("Nothing to do: project already contains the requested files");
        assert_eq!(sandbox.read("project/Kitfile"), commented);
    }
    for other in [commented.replace("epochs: 10", "epochs: 11"), commented + "\nother: x\n"] {
        sandbox.write("project/Kitfile", &other);
        let args = ["unpack", "sample:v1", "-d", "project"];
        sandbox.kit(&[&args[..], &["--dry-run"]].concat()).exits(8).prints("differs");
        sandbox.kit(&args).exits(8).says("Kitfile: ");
        sandbox.kit(&[&args[..], &["-o"]].concat()).ok();
        assert!(sandbox.read("project/Kitfile").contains("epochs: 10"));
    }
}

#[test]
fn filters_choose() {
    let sandbox = Sandbox::packed();
    let check = |filters: &[&str], expected: &[&str]| {
        let mut args = vec!["unpack", "sample:v1", "-d", "out"];
        args.extend(filters.iter().flat_map(|filter| ["--filter", filter]));
        sandbox.kit(&args).ok();
        let found = if sandbox.path("out").exists() { sandbox.names("out") } else { Vec::new() };
        assert_eq!(found, expected, "{filters:?}");
        drop(fs::remove_dir_all(sandbox.path("out")));
    };
    check(&["model"], &["weights/model.bin", "weights/tokenizer.json"]);
    check(&["model:net"], &["weights/model.bin"]);
    check(&["kitfile,code"], &["Kitfile", "src/train.py"]);
    check(&["datasets:training"], &["data/more/val.csv", "data/train.csv"]);
    check(&["datasets:data"], &["data/more/val.csv", "data/train.csv"]);
    check(&["docs", "code"], &["README.md", "src/train.py"]);
    sandbox.kit(&["unpack", "sample:v1", "--filter", "dataset"]).exits(2).says("invalid filter type dataset");
    sandbox.kit(&["unpack", "sample:v1", "-d", "out", "--model"]).ok();
    assert_eq!(sandbox.names("out"), ["weights/model.bin", "weights/tokenizer.json"]);
}

#[test]
fn paths_choose_files() {
    let registry = FakeRegistry::start();
    let sandbox = Sandbox::packed();
    let name = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["push", "sample:v1", &name, "--plain-http"]).ok();
    let check = |paths: &[&str], expected: &[&str]| {
        for reference in ["sample:v1", &format!("{}/team/sample@{}", registry.host(), digest(&sandbox))] {
            let mut args = vec!["unpack", reference, "--plain-http", "-d", "out"];
            args.extend(paths.iter().flat_map(|path| ["--path", path]));
            sandbox.kit(&args).ok();
            assert_eq!(sandbox.names("out"), expected, "{paths:?}");
            fs::remove_dir_all(sandbox.path("out")).unwrap();
        }
    };
    check(&["weights/token*"], &["weights/tokenizer.json"]);
    check(&["data"], &["data/more/val.csv", "data/train.csv"]);
    check(&["**/*.csv", "Kitfile"], &["Kitfile", "data/more/val.csv", "data/train.csv"]);
    sandbox.kit(&["unpack", "sample:v1", "--path", "["]).exits(2).says("invalid pattern `[`");
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out", "--path", "README.md", "--path", "*.csv"]).fails();
    run.says("no file of `sample:v1` matches `*.csv`").says("; `kit ls");
    assert!(!sandbox.path("out").exists());
}

#[test]
fn layers_without_a_matching_path_are_not_downloaded() {
    let registry = FakeRegistry::start();
    let sandbox = Sandbox::new();
    sandbox.project();
    let name = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["pack", "project", "--plain-http", "--push", &name]).ok();
    registry.forget_requests();
    sandbox.kit(&["unpack", &name, "--plain-http", "-d", "out", "--path", "src"]).ok();
    assert_eq!(sandbox.names("out"), ["src/train.py"]);
    let layers = sandbox.kit(&["inspect", &name, "--plain-http"]).ok().json()["manifest"]["layers"].take();
    let kind = |layer: &serde_json::Value| layer["mediaType"].as_str().unwrap().contains("code");
    for layer in layers.as_array().unwrap() {
        let requests = registry.requests_of("GET", layer["digest"].as_str().unwrap()).len();
        assert_eq!(requests > 0, kind(layer), "{layer}");
    }
}

fn digest(sandbox: &Sandbox) -> String {
    sandbox.kit(&["inspect", "sample:v1"]).ok().json()["digest"].as_str().unwrap().to_owned()
}

#[test]
fn unpacking_twice_writes_nothing() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    let before: Vec<_> = sandbox.names("out").iter().map(|name| modified(&sandbox, name)).collect();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok().says("Nothing to do: ");
    let after: Vec<_> = sandbox.names("out").iter().map(|name| modified(&sandbox, name)).collect();
    assert_eq!(before, after);
}

fn modified(sandbox: &Sandbox, name: &str) -> std::time::SystemTime {
    fs::metadata(sandbox.path("out").join(name)).unwrap().modified().unwrap()
}

#[test]
fn all_conflicts_are_listed_before_anything_is_touched() {
    let sandbox = Sandbox::packed();
    sandbox.write("out/README.md", "# Simple\n");
    sandbox.write("out/data/train.csv", "mine");
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).fails();
    expect![[r#"
        error: cannot unpack `sample:v1` into `out`
          caused by: 2 existing files differ from the ModelKit:
            README.md: same size, different content
            data/train.csv: 4 B on disk, 8 B in the ModelKit
        hint: use -o to overwrite or -i to keep existing files; nothing was written"#]]
    .assert_eq(run.redacted_failure().trim_end());
    assert_eq!(sandbox.names("out"), ["README.md", "data/train.csv"]);
    sandbox.kit(&["unpack", "sample:v1", "-d", "out", "-i"]).ok();
    assert_eq!(
        (sandbox.read("out/README.md"), sandbox.read("out/data/more/val.csv")),
        ("# Simple\n".into(), "a,b\n3,4\n".into())
    );
    sandbox.kit(&["unpack", "sample:v1", "-d", "out", "-o"]).ok();
    assert_eq!(
        (sandbox.read("out/README.md"), sandbox.read("out/data/train.csv")),
        ("# Sample\n".into(), "a,b\n1,2\n".into())
    );
}

#[test]
fn a_damaged_layer_leaves_no_file() {
    let sandbox = Sandbox::packed();
    let manifest = sandbox.kit(&["inspect", "sample:v1"]).ok().json()["manifest"].clone();
    let last = manifest["layers"].as_array().unwrap().last().unwrap()["digest"].as_str().unwrap().to_owned();
    let blob = sandbox.store().join("blobs/sha256").join(&last[7..]);
    let mut bytes = fs::read(&blob).unwrap();
    bytes[600] ^= 1;
    fs::write(&blob, bytes).unwrap();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).fails().says("does not match its digest");
    assert!(!sandbox.path("out").exists());
    let run = sandbox.kit(&["fsck"]).fails();
    run.prints(&format!("damaged {last}")).prints("broken sample:v1: ");
    sandbox.kit(&["fsck", "--repair"]).exits(3).says("ModelKit is still incomplete: sample:v1");
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).fails();
    run.says(&format!("`{last}` was not found")).says("hint: the ModelKit is incomplete; pull or pack it again");
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.kit(&["fsck"]).ok().prints("The store is sound");
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn links_planted_in_the_target_are_not_followed() {
    let sandbox = Sandbox::packed();
    sandbox.write("elsewhere/keep", "keep");
    fs::create_dir(sandbox.path("out")).unwrap();
    symlink(sandbox.path("elsewhere"), sandbox.path("out/weights")).unwrap();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out", "-o"]).fails().says("weights");
    assert_eq!(sandbox.names("elsewhere"), ["keep"]);
    assert_eq!(fs::read_dir(sandbox.path("out")).unwrap().count(), 1);
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn modes_survive_without_their_dangerous_bits() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: run.sh}]\n");
    let script = sandbox.write("project/run.sh", "#!/bin/sh\n");
    set_mode(script, 0o4755);
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    assert_mode(sandbox.path("out/run.sh"), 0o755);
}

#[test]
fn a_name_that_is_nowhere_is_explained() {
    let sandbox = Sandbox::new();
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).fails();
    expect![[r#"
        Unpacking to [FOLDER]/out
        error: cannot unpack `sample:v1` into `out`
          caused by: failed to find reference sample:v1: not found in the local store
        hint: `kit list` shows local ModelKits; to use a registry, put its host in front: REGISTRY/REPOSITORY:TAG"#]]
    .assert_eq(run.redacted_stderr().trim_end());
    assert!(!sandbox.path("out").exists());
}

#[test]
fn layers_that_a_mirror_spoils_are_read_again_from_the_registry() {
    let (registry, mirror, sandbox) = (FakeRegistry::start(), FakeRegistry::start(), Sandbox::new());
    sandbox.project();
    let name = format!("{}/team/model:v1", registry.host());
    sandbox.kit(&["pack", "project", "-t", &name]).ok();
    for host in [registry.host(), mirror.host()] {
        sandbox.kit(&["push", &name, &format!("{host}/team/model:v1"), "--plain-http"]).ok();
    }
    let file = format!("[registry.\"{}\"]\nmirrors = [\"http://{}\"]\n", registry.host(), mirror.host());
    sandbox.write("other/config.toml", file);
    let unpack = || sandbox.kit(&["unpack", &name, "-d", "out", "--config", "other", "--plain-http"]);
    let manifest = sandbox.kit(&["inspect", &name]).ok().json()["manifest"].clone();
    let spoil = |registry: &FakeRegistry| {
        for layer in manifest["layers"].as_array().unwrap() {
            registry.fail_later("GET", layer["digest"].as_str().unwrap(), 0, usize::MAX, Fault::WrongBytes);
        }
    };
    spoil(&mirror);
    unpack().ok();
    assert!(!mirror.requests_of("GET", "/blobs/").is_empty());
    let unpacked = sandbox.tree("out");
    assert!(sandbox.tree("project").iter().filter(|(name, _)| name != "Kitfile").all(|file| unpacked.contains(file)));
    // What is wrong everywhere leaves nothing behind.
    fs::remove_dir_all(sandbox.path("out")).unwrap();
    spoil(&registry);
    unpack().fails().says("does not match its digest");
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_filter_that_matches_nothing_fails_and_names_the_parts() {
    let sandbox = Sandbox::packed();
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out", "--filter", "model:nte"]).fails();
    run.says("no part of `sample:v1` matches `model:nte`")
        .says("\n    model weights/model.bin")
        .says("\n    docs README.md");
    assert!(!sandbox.path("out/weights").exists());
    sandbox.kit(&["unpack", "sample:v1", "-d", "out", "--filter", "kitfile"]).ok();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out", "--filter", "model:net"]).ok();
}

#[test]
fn every_name_in_a_filter_must_match() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["unpack", "sample:v1", "-d", "whole"]).ok();
    for filters in [&["-f", "model", "-f", "datasets:nte"][..], &["-f", "model,datasets:net,nte"], &["-f", "prompts"]] {
        for command in [
            &["unpack", "sample:v1", "-d", "out"][..],
            &["unpack", "sample:v1", "-d", "out", "--dry-run"],
            &["unpack", "sample:v1", "-d", "out", "--path", "weights"],
            &["verify", "whole", "sample:v1"],
            &["ls", "sample:v1"],
        ] {
            let run = sandbox.kit(&[command, filters].concat()).fails();
            assert_eq!(run.code, Some(4), "{command:?} {filters:?}");
            run.says("no part of `sample:v1` matches `").says("\n    model weights/model.bin (net)");
        }
    }
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--lock"]).ok();
    let run = sandbox.kit(&["verify", "project", "-f", "model:nte"]).fails();
    assert_eq!(run.says("no part of `project/Kitfile.lock` matches `model:nte`").code, Some(4));
}

#[test]
fn a_type_without_entries_is_a_warning_if_another_has_some() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    for command in [&["unpack", "sample:v1", "-d", "out"][..], &["verify", "out", "sample:v1"], &["ls", "sample:v1"]] {
        let run = sandbox.kit(&[command, &["-f", "model,prompts"]].concat()).ok();
        run.says("warning: nothing matches the filter `prompts`");
    }
}

#[test]
fn paths_select_and_exclude_files() {
    let sandbox = Sandbox::packed();
    let unpack = |args: &[&str]| {
        sandbox.kit(&[&["unpack", "sample:v1", "-d", "out"], args].concat()).ok();
        let mut names: Vec<_> = sandbox.tree("out").into_iter().map(|(name, _)| name).collect();
        names.retain(|name| sandbox.path(&format!("out/{name}")).is_file());
        fs::remove_dir_all(sandbox.path("out")).unwrap();
        names
    };
    let list = |args: &[&str]| {
        let run = sandbox.kit(&[&["ls", "sample:v1", "--format", "{{.Path}}"], args].concat()).ok();
        run.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    for (args, expected) in [
        (&["--path", "data"][..], &["data/more/val.csv", "data/train.csv"][..]),
        (&["--path", "data", "--path", "!data/more"], &["data/train.csv"]),
        (&["--path", "!**/*.csv", "-f", "model,datasets"], &["weights/model.bin", "weights/tokenizer.json"]),
    ] {
        assert_eq!(list(args), expected, "{args:?}");
        assert_eq!(unpack(args), expected, "{args:?}");
    }
    for command in [&["ls", "sample:v1"][..], &["unpack", "sample:v1", "-d", "out"]] {
        let run = sandbox.kit(&[command, &["--path", "nothing"]].concat()).fails();
        assert_eq!(run.says("no file of `sample:v1` matches `nothing`").code, Some(4));
        assert_eq!(sandbox.kit(&[command, &["--path", "!"]].concat()).code, Some(2));
    }
}

/// A sandbox with `sample:v1`, unpacked in `out`, and with `sample:v2`, which lacks two of its files.
fn with_dropped_files() -> Sandbox {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    fs::remove_file(sandbox.path("project/data/more/val.csv")).unwrap();
    let kitfile = sandbox.read("project/Kitfile");
    let part = "  parts:\n    - name: tokenizer\n      path: weights/tokenizer.json\n";
    assert!(kitfile.contains(part));
    sandbox.write("project/Kitfile", kitfile.replace(part, ""));
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    sandbox
}

#[test]
fn files_that_an_earlier_version_left_are_listed_and_deleted_on_request() {
    let sandbox = with_dropped_files();
    sandbox.write("out/data/own.csv", "of the user");
    let unpack = |flags: &[&str]| sandbox.kit(&[&["unpack", "sample:v2", "-d", "out", "-o"], flags].concat()).ok();
    let listed =
        "`data/more/val.csv`, `weights/tokenizer.json` are left from an earlier version; --delete removes them";
    unpack(&[]).says(listed);
    unpack(&["-f", "model"]).says("`weights/tokenizer.json` is left from an earlier version");
    assert!(!unpack(&["--path", "src"]).stderr.contains("left from"));
    unpack(&["--delete"]).says(" · 2 files deleted · ");
    for gone in ["data/more/val.csv", "weights/tokenizer.json"] {
        assert!(!sandbox.path("out").join(gone).exists(), "{gone}");
    }
    assert!(sandbox.path("out/data/own.csv").exists());
    assert!(!unpack(&["--delete"]).says("Nothing to do").stderr.contains("left from"));
}

#[test]
fn changed_files_of_an_earlier_version_are_not_deleted() {
    let sandbox = with_dropped_files();
    // One has the same size.
    let size = fs::metadata(sandbox.path("out/weights/tokenizer.json")).unwrap().len();
    sandbox.write("out/weights/tokenizer.json", "x".repeat(usize::try_from(size).unwrap()));
    sandbox.write("out/data/more/val.csv", "other\n");
    let unpack = |flags: &[&str]| sandbox.kit(&[&["unpack", "sample:v2", "-d", "out", "-o"], flags].concat()).ok();
    assert!(!unpack(&[]).stderr.contains("left from"));
    let run = unpack(&["--delete"]);
    let run = run.says("`data/more/val.csv`, `weights/tokenizer.json` were not deleted, because they were changed");
    assert!(!run.stderr.contains("files deleted"));
    assert!(sandbox.path("out/weights/tokenizer.json").exists() && sandbox.path("out/data/more/val.csv").exists());
}

#[test]
fn layers_are_reported_only_if_no_file_conflicts() {
    let sandbox = Sandbox::packed();
    sandbox.write("out/src/train.py", "other");
    let unpack = |flags: &[&str]| sandbox.kit(&[&["unpack", "sample:v1", "-d", "out"], flags].concat());
    assert!(!unpack(&[]).fails().stderr.contains("Unpacking model"));
    unpack(&["-o"]).ok().says("Unpacking model net to weights/model.bin").says(" · 1 file replaced · ");
    // As in KitOps.
    sandbox.write("out/src/train.py", "other");
    unpack(&["-o", "-i"]).ok().says(" · 1 file kept");
    unpack(&["-i", "--overwrite=false"]).ok();
}
