//! `kit import` of a folder that is neither a repository nor an MLflow run.

use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples;
use kit_testkit::sandbox::{Run, Sandbox};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("Ada/Tiny Net/model.safetensors", samples::small_safetensors());
    sandbox.write("Ada/Tiny Net/config.json", "{}");
    sandbox
}

/// Runs `kit import` with a hub that records requests, and asserts that it received none.
fn import(sandbox: &Sandbox, args: &[&str]) -> Run {
    let hub = FakeRegistry::start();
    let mut command = sandbox.command(&[&["import"], args].concat());
    let run = sandbox.run(command.env("HF_ENDPOINT", format!("http://{}", hub.host())));
    assert!(hub.requests().is_empty(), "the hub does not learn the name of the folder");
    run
}

#[test]
fn a_folder_with_a_model_is_packed_in_place() {
    let sandbox = sandbox();
    let before = sandbox.tree("Ada");
    import(&sandbox, &["Ada/Tiny Net"]).ok().says("tagged tiny-net:latest");
    assert_eq!(sandbox.tree("Ada"), before, "nothing is written there");
    sandbox.kit(&["unpack", "tiny-net:latest", "-d", "out"]).ok();
    assert_eq!(sandbox.names("out"), ["Kitfile", "config.json", "model.safetensors"]);
    assert!(sandbox.read("out/Kitfile").contains("package:\n  name: Tiny Net\n"));
    import(&sandbox, &["Ada/Tiny Net", "--push", "oci:layout:v1"]).ok();
    sandbox.kit(&["ls", "oci:layout:v1"]).ok().prints("model.safetensors");
}

#[test]
fn the_kitfile_of_the_folder_or_a_given_one_is_used() {
    let sandbox = sandbox();
    let kitfile =
        |name: &str| format!("manifestVersion: 1.0.0\npackage: {{name: {name}}}\ncode: [{{path: config.json}}]\n");
    sandbox.write("Ada/Tiny Net/Kitfile", kitfile("own"));
    sandbox.write("given", kitfile("given"));
    import(&sandbox, &["Ada/Tiny Net", "-t", "a:v1"]).ok();
    sandbox.kit(&["info", "a:v1"]).ok().prints("name: own");
    import(&sandbox, &["Ada/Tiny Net", "-t", "a:v2", "-f", "given"]).ok();
    sandbox.kit(&["info", "a:v2"]).ok().prints("name: given");
}

#[test]
fn runs_below_a_folder_are_named() {
    let sandbox = Sandbox::new();
    for run in ["mlruns/0/5e1d", "mlruns/0/6f2e", "mlruns/.trash/0/dead"] {
        sandbox.write(&format!("{run}/meta.yaml"), "run_id: 5e1d\n");
    }
    import(&sandbox, &["mlruns"])
        .fails()
        .says("it holds 2 runs: mlruns/0/5e1d, mlruns/0/6f2e; import one of them, as in `kit import mlruns/0/5e1d`");
    import(&sandbox, &["./mlruns/0"]).fails().says("it holds 2 runs: ./mlruns/0/5e1d");
}

#[test]
fn other_folders_and_flags_of_repositories_are_refused() {
    let sandbox = sandbox();
    sandbox.write("plain/a.txt", "x");
    let refused = import(&sandbox, &["plain"]).fails();
    refused.says("neither a git repository nor an MLflow run or model, and it contains no model").says("`kit pack`");
    for flags in [["--ref", "v1"], ["--token", "x"], ["--attestation-output", "-"]] {
        import(&sandbox, &[&["Ada/Tiny Net"], &flags[..]].concat()).exits(2).says("not to a folder");
    }
    import(&sandbox, &["plain", "--tool", "git"]).fails().says("it is a folder, but not a git repository");
}
