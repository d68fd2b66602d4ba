//! Snapshots in the cache of the Hugging Face hub, where each file is a link to a blob.

use fs_err as fs;
use kit_testkit::platform::symlink;
use kit_testkit::samples;
use kit_testkit::sandbox::{Run, Sandbox};

const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";
const REPOSITORY: &str = "hub/models--Org--Tiny-Net";

fn snapshot() -> String {
    format!("{REPOSITORY}/snapshots/{REVISION}")
}

fn cache() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(&format!("{REPOSITORY}/refs/main"), REVISION);
    sandbox.write(&format!("{REPOSITORY}/blobs/aa"), samples::small_safetensors());
    sandbox.write(&format!("{REPOSITORY}/blobs/bb"), "{\"model_type\": \"bert\"}");
    fs::create_dir_all(sandbox.path(&format!("{}/1_Pooling", snapshot()))).unwrap();
    for (file, target) in [
        ("model.safetensors", "../../blobs/aa"),
        ("config.json", "../../blobs/bb"),
        ("1_Pooling/config.json", "../../../blobs/bb"),
    ] {
        symlink(target, sandbox.path(&format!("{}/{file}", snapshot()))).unwrap();
    }
    sandbox
}

const FILES: [&str; 3] = ["1_Pooling/config.json", "config.json", "model.safetensors"];

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_snapshot_is_drafted_from_the_files_that_its_links_lead_to() {
    let sandbox = cache();
    let snapshot = snapshot();
    let run = sandbox.kit(&["init", &snapshot]).ok();
    run.says("3 files are links out of this folder; pack with --follow-symlinks");
    let kitfile = sandbox.read(&format!("{snapshot}/Kitfile"));
    let package = format!(
        "package:\n  name: Tiny-Net\n  description: From https://huggingface.co/Org/Tiny-Net at {REVISION}\n  \
         authors: [Org]\n"
    );
    assert!(kitfile.contains(&package), "{kitfile}");
    assert!(kitfile.contains("  path: model.safetensors\n") && kitfile.contains("    - path: 1_Pooling/config.json\n"));
    let refused = sandbox.kit(&["pack", &snapshot, "-t", "tiny:v1"]).fails();
    refused.says("outside of the context folder").says("kit pack --follow-symlinks");
    sandbox.kit(&["pack", &snapshot, "-t", "tiny:v1", "--follow-symlinks"]).ok();
    sandbox.kit(&["unpack", "tiny:v1", "--filter", "model", "-d", "out"]).ok();
    assert_eq!(sandbox.names("out"), FILES);
    assert_eq!(fs::read(sandbox.path("out/model.safetensors")).unwrap(), samples::small_safetensors());
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn links_inside_the_folder_are_files_and_broken_links_are_named() {
    let sandbox = Sandbox::new();
    sandbox.write("p/a/model.safetensors", samples::small_safetensors());
    symlink("a/model.safetensors", sandbox.path("p/link.safetensors")).unwrap();
    symlink("nowhere", sandbox.path("p/broken.safetensors")).unwrap();
    symlink(".", sandbox.path("p/loop")).unwrap();
    let run = sandbox.kit(&["init", "p"]).ok();
    assert!(!run.stderr.contains("links"), "{}", run.stderr);
    run.says("warning: `broken.safetensors` is left out: it is a link to `nowhere`, which does not exist\n");
    let kitfile = sandbox.read("p/Kitfile");
    assert!(kitfile.contains("path: link.safetensors") && !kitfile.contains("broken"), "{kitfile}");
    assert!(!kitfile.contains("loop"), "{kitfile}");
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn the_folder_of_a_repository_in_the_cache_leads_to_its_snapshot() {
    let sandbox = cache();
    let run = sandbox.kit(&["init", REPOSITORY]).exits(2);
    run.says("is a repository in the cache of the Hugging Face hub with 1 snapshot;")
        .says(&format!("use `kit init {}`", snapshot()));
    assert!(!sandbox.path(&format!("{REPOSITORY}/Kitfile")).exists());
    fs::create_dir(sandbox.path(&format!("{REPOSITORY}/snapshots/other"))).unwrap();
    sandbox.kit(&["init", REPOSITORY]).exits(2).says(&format!("2 snapshots; use `kit init {}`", snapshot()));
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_cached_repository_is_imported_with_its_files() {
    for name in [REPOSITORY.to_owned(), snapshot()] {
        let sandbox = cache();
        let before = sandbox.names("hub");
        let run: Run = sandbox.kit(&["import", &name]).ok();
        run.says("tagged org/tiny-net:latest");
        assert_eq!(sandbox.names("hub"), before, "nothing is written there");
        sandbox.kit(&["unpack", "org/tiny-net:latest", "--filter", "model", "-d", "out"]).ok();
        assert_eq!(sandbox.names("out"), FILES);
        sandbox.kit(&["log", "org/tiny-net:latest"]).ok().prints(&REVISION[..7]);
    }
    let sandbox = cache();
    fs::remove_file(sandbox.path(&format!("{REPOSITORY}/refs/main"))).unwrap();
    sandbox.kit(&["import", REPOSITORY]).ok();
    fs::create_dir(sandbox.path(&format!("{REPOSITORY}/snapshots/other"))).unwrap();
    let refused = sandbox.kit(&["import", REPOSITORY]).fails();
    refused.says("several snapshots of the repository").says("`other`").says("add `/snapshots/`");
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_snapshot_with_missing_blobs_is_refused_with_the_command_that_completes_it() {
    let sandbox = cache();
    fs::remove_file(sandbox.path(&format!("{REPOSITORY}/blobs/aa"))).unwrap();
    symlink("../../blobs/cc", sandbox.path(&format!("{}/model.bin", snapshot()))).unwrap();
    for args in [&["import", REPOSITORY][..], &["import", &snapshot()], &["init", &snapshot(), "-o", "Kitfile"]] {
        let run = sandbox.kit(args).fails();
        let run = run.says(": `model.bin` is a link to `../../blobs/cc`, which does not exist (and 1 more)\n");
        run.says(&format!("hint: download it again: `hf download Org/Tiny-Net --revision {REVISION}` completes"));
    }
    assert!(!sandbox.path("Kitfile").exists());
    sandbox.kit(&["inspect", "org/tiny-net:latest"]).fails();
    // A Kitfile that names other files can be packed, and one that names a missing file leads to the same advice.
    sandbox.write("Kitfile", "manifestVersion: 1.0.0\nmodel: {path: config.json}\n");
    sandbox.kit(&["import", REPOSITORY, "-f", "Kitfile", "-t", "a:v1"]).ok();
    sandbox.write("Kitfile", "manifestVersion: 1.0.0\nmodel: {path: model.safetensors}\n");
    let run = sandbox.kit(&["pack", &snapshot(), "-f", "Kitfile", "--follow-symlinks"]).fails();
    run.says("it is a symbolic link to `../../blobs/aa`, which does not exist").says("`hf download");
}
