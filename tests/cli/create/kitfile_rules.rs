//! The rules for Kitfiles, with the messages of KitOps.

use kit_testkit::sandbox::{Run, Sandbox};

fn pack(kitfile: &str) -> Run {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", kitfile);
    sandbox.write("p/m", "weights");
    sandbox.kit(&["pack", "p", "-t", "a:v1"])
}

#[test]
fn a_path_is_a_file_or_a_folder() {
    for (entries, message) in [
        ("code: [{path: 'src:v1'}]", "invalid path for code (src:v1): only local paths are permitted"),
        ("docs: [{path: 'https://x/y'}]", "HTTP urls are not supported in paths (https://x/y)"),
        ("model: {path: 'hdfs://x/y'}", "unrecognized URL in path"),
        ("code: [{path: /src}]", "absolute paths are not supported in a Kitfile"),
        ("code: [{path: a/../../b}]", "leads outside the folder of the Kitfile"),
        (
            "datasets: [{path: a, remotePath: 's3://b/k'}]",
            "remoteHash is required when remote dataset paths are used (s3://b/k)",
        ),
        (
            "datasets: [{path: a, remotePath: 'base:v1'}]\ncode: [{path: a/b}]",
            "code layer 0 uses a path (a/b) that is within the path for a remote dataset",
        ),
        ("datasets: [{path: a, remoteHash: e}]", "remote hash is only applicable when remotePath is set"),
    ] {
        pack(&format!("manifestVersion: 1.0.0\n{entries}\n")).fails().says(message);
    }
}

#[test]
fn a_path_that_no_file_system_can_have_is_an_error() {
    for path in ["a".repeat(70_000), "a/".repeat(70_000), format!("{}/b", "a".repeat(300))] {
        let sandbox = Sandbox::new();
        sandbox.write("p/Kitfile", format!("manifestVersion: 1.0.0\nmodel: {{path: {path}}}\n"));
        sandbox.kit(&["pack", "p", "-t", "a:v1"]).fails().says("cannot pack `p`");
        sandbox.kit(&["validate", "p"]).fails().says("validation of `p` failed");
    }
}

#[test]
fn harmless_oddities_are_warnings() {
    let run =
        pack("manifestVersion: 1.0\npackage: {name: x}\ndatasets: [{path: a, remotePath: 'b:v1', remoteHash: e}]");
    let run = run.ok().says("Unrecognized manifestVersion 1.0: treating Kitfile as 1.0.0");
    let run = run.says("remoteHash is ignored for ModelKit references in datasets (b:v1)");
    run.says("ModelKit contains no layers");
}

#[test]
fn an_unknown_filter_is_named() {
    let run = Sandbox::new().kit(&["unpack", "a:v1", "--filter", "models"]).exits(2);
    run.says("Invalid filter 'models': invalid filter type models (must be one of kitfile, model, datasets, code, ");
}

#[test]
#[cfg_attr(windows, ignore = "makes a file with a colon in its name")]
fn init_lists_no_path_that_looks_like_a_reference() {
    let sandbox = Sandbox::new();
    sandbox.write("p/rows:v1.csv", "1\n");
    sandbox.write("p/README.md", "# Rows\n");
    sandbox.kit(&["init", "p"]).ok();
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    sandbox.kit(&["ls", "a:v1"]).ok().prints("rows:v1.csv");
}

#[test]
fn what_is_meant_by_a_missing_path_is_named() {
    for (path, words) in [
        ("models/chrun.pkl", "hint: did you mean `models/churn.pkl`?"),
        ("'models/*.pkl'", "hint: patterns are not supported: list the folder `models`"),
        ("other.bin", "hint: correct the path in the Kitfile"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("p/Kitfile", format!("manifestVersion: 1.0.0\nmodel: {{path: {path}}}\n"));
        sandbox.write("p/models/churn.pkl", "x");
        let run = sandbox.kit(&["pack", "p"]).fails().says("does not exist").says(words);
        assert!(!run.stderr.contains("warning"), "{}", run.stderr);
        if !words.contains("correct") {
            sandbox.kit(&["validate", "p"]).fails().prints(words.trim_start_matches("hint: "));
        }
    }
}
