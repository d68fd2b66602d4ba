//! The messages for a new user when something does not exist in the place where it was looked for.

use kit_testkit::registry::{Access, FakeRegistry};
use kit_testkit::sandbox::Sandbox;

#[test]
fn a_folder_that_is_not_a_layout_is_not_reported_as_a_missing_tag() {
    let sandbox = Sandbox::new();
    for args in [&["unpack", "oci:nowhere:v1"][..], &["pull", "oci:nowhere:v1"], &["list", "oci:nowhere"]] {
        sandbox.kit(args).fails().says("/nowhere` is not an OCI image layout: there is no `oci-layout` file");
    }
    assert!(!sandbox.path("nowhere").exists());
}

#[test]
fn errors_about_a_registry_do_not_mention_the_local_store() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    for args in [&["info", "-r", "a:v1"][..], &["inspect", "-r", "a:v1"], &["diff", "local://a:v1", "remote://a:v1"]] {
        sandbox.kit(args).exits(2).says("`a:v1` has no registry host").says("hint: put the registry host in front");
    }
}

#[test]
fn a_path_that_pack_cannot_find_is_named() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox
        .kit(&["pack", "nowhere"])
        .fails()
        .says("error: cannot pack `nowhere`")
        .says("folder `nowhere` does not exist");
    let run = sandbox.kit(&["pack", "project", "-f", "Other"]).fails();
    run.says("error: cannot read the Kitfile `Other`").says("(os error 2)");
}

#[test]
fn a_missing_folder_is_reported_in_the_words_of_the_user() {
    let sandbox = Sandbox::new();
    for args in [&["pack", "nowhere"][..], &["validate", "nowhere"], &["verify", "nowhere"], &["init", "nowhere"]] {
        let run = sandbox.kit(args).fails().says("  caused by: folder `nowhere` does not exist\n");
        assert!(!run.stderr.contains("os error") && !run.stderr.contains("failed to"), "{}", run.stderr);
    }
    sandbox.kit(&["diff", "./nowhere/.", "a:v1"]).exits(2).says("`./nowhere` does not exist");
    sandbox.kit(&["pack", "./nowhere//"]).fails().says("folder `./nowhere` does not exist");
    sandbox.kit(&["import", "./nowhere"]).fails().says("error: cannot import `./nowhere`: it does not exist\n");
    sandbox.kit(&["load", "nowhere.tar"]).fails().says("  caused by: `nowhere.tar` does not exist\n");
}

#[test]
fn messages_name_the_next_step() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: weights.bin}\n");
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    for (args, words) in [
        (&["pack", "p"][..], "hint: correct the path in the Kitfile; `kit validate` lists"),
        (&["init", "Ada/Tiny-Net"], "add --remote to read a repository on the hub"),
        (&["init", "p"], "use --force to overwrite it"),
        (&["cat", "a:v1"], "hint: append the path of a file, as in NAME:TAG//PATH"),
        (&["unpack", "a:v1", "-l", "a=b"], "hint: `kit index list` shows local indexes; without -l, "),
        (&["index", "info", "a:v1"], "`a:v1` is not an index of ModelKits"),
        (&["remove", "a:v2"], "error: Failed to remove `a:v2`\n"),
        (&["log", "a:v2"], "failed to find reference a:v2: not found in the local store"),
        (&["unpack", "a:v1", "-d", "p/Kitfile"], "cannot write to folder `"),
    ] {
        sandbox.kit(args).fails().says(words);
    }
    sandbox.kit(&["diff", "Kitfile.lock", "a:v1"]).exits(2).says("`Kitfile.lock` does not exist");
    sandbox.kit(&["pull", "a.example/b:v1", "--retry-for", "soon"]).exits(2).says("not a time; write one such as 90s");
    sandbox.kit(&["list", "--format", "xml"]).exits(2).says("`xml` is neither a format nor a Go template");
}

#[test]
fn paths_are_printed_without_superfluous_dots() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "./project/.", "-t", "a:v1", "--lock"]).ok();
    let runs = [&["unpack", "a:v1", "-d", "./out"][..], &["verify", "./project/."], &["unpack", "oci:./no/./where:v1"]];
    for run in runs.map(|args| sandbox.kit(args)) {
        assert!(!["/./", "/. ", "/.`", "/.\n"].iter().any(|dots| run.stderr.contains(dots)), "{}", run.stderr);
    }
}

#[test]
fn a_failed_push_names_the_action_once() {
    let sandbox = Sandbox::new();
    for (args, expected) in [
        (&["push", "kit.example/a:v1"][..], "error: Failed to push `kit.example/a:v1`\n"),
        (&["push", "a:v1", "kit.example/a:v1"], "error: Failed to push `a:v1` to `kit.example/a:v1`\n"),
    ] {
        sandbox.kit(args).fails().says(expected);
    }
}

#[test]
fn a_model_path_taken_for_a_reference_gets_a_hint() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: 'model:v1'}\n");
    let run = sandbox.kit(&["pack", "project"]).fails();
    run.says("cannot read the referenced ModelKit `model:v1`").says("hint: `kit list` shows local ModelKits");
}

#[test]
fn a_registry_that_requires_credentials_gets_a_hint_to_log_in() {
    let sandbox = Sandbox::new();
    let registry = FakeRegistry::start();
    registry.configure(|options| options.access = Access::Basic { username: "ada", password: "right" });
    let repository = format!("{}/x", registry.host());
    let hint = format!("hint: run `kit login {}`, then try again", registry.host());
    for args in [&["list", &repository][..], &["pull", &repository], &["unpack", &repository, "-d", "out"]] {
        sandbox.run(sandbox.command(args).arg("--plain-http")).fails().says(&hint);
    }
    let login = ["login", registry.host(), "-u", "ada", "-p", "wrong", "--plain-http", "-vv"];
    let run = sandbox.kit(&login).fails().says("hint: check the user name and the password");
    assert!(!run.stderr.contains("kit login") && !run.stderr.contains("wrong\n"), "{}", run.stderr);
}

#[test]
fn paths_of_a_kitfile_and_of_folders_are_shown_without_empty_parts() {
    let sandbox = Sandbox::new();
    sandbox.write("p/weights/net.bin", "w");
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel:\n  path: ./weights//\n");
    let packed = sandbox.kit(&["pack", "./p/.", "-t", "a:v1"]).ok();
    let saved = sandbox.kit(&["save", "a:v1", "-o", "./s//."]).ok();
    let unpacked = sandbox.kit(&["unpack", "a:v1", "-d", "./out/."]).ok();
    let lines: Vec<_> = unpacked.stderr.lines().collect();
    let target = lines[0].strip_prefix("Unpacking to ").unwrap();
    assert!(std::path::Path::new(target).is_absolute() && target.ends_with("/out"), "{lines:?}");
    assert_eq!(lines[1], "Unpacking model to weights");
    assert!(lines[2].starts_with("Unpacked 2 files into ./out "), "{lines:?}");
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel:\n  path: ./gone/.//x\n");
    let failed = sandbox.kit(&["pack", "./p/.", "-t", "a:v1"]).fails().says("path `gone/x` does not exist");
    for text in [packed.stderr, saved.stderr, unpacked.stderr, failed.stderr] {
        assert!(!["/./", "/. ", "/.\n", "//"].iter().any(|part| text.contains(part)), "{text}");
    }
}
