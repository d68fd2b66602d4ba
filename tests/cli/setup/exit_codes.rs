//! The exit code of each kind of failure (docs/reference/exit-codes.md).

use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    sandbox.allow_plain_http(registry.host());
    let name = |tag: &str| format!("{}/team/net:{tag}", registry.host());
    sandbox.kit(&["pack", "project", "-t", &name("v1"), "--lock"]).ok();
    sandbox.kit(&["push", &name("v1")]).ok();
    sandbox.kit(&["unpack", &name("v1"), "-d", "out"]).ok();
    sandbox.write("out/README.md", "# Changed\n");
    sandbox.write("broken/Kitfile", "manifestVersion: 1.0.0\nmodels: {}\n");
    let wrong = format!("sha256:{}", "0".repeat(64));
    for (code, arguments) in [
        (1, &["pack", "broken"] as &[&str]),
        (2, &["pack", "project", "--no-such-flag"]),
        (2, &["pack", "project", "-t", "Not A Name"]),
        (2, &["remove", "--remote", "no-registry:v1"]),
        (3, &["verify", "out", &name("v1")]),
        (4, &["tag", "nothing:v1", "b:v1"]),
        (4, &["pull", &name("v9")]),
        (4, &["pack", "no-folder"]),
        (4, &["unpack", &name("v1"), "-d", "other", "--filter", "model:no-such-name"]),
        (7, &["promote", &name("v1"), &name("live"), "--expect", &wrong]),
        (8, &["unpack", &name("v1"), "-d", "out"]),
        (8, &["init", "project"]),
    ] {
        let run = sandbox.kit(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}\n{}", run.stderr);
    }
}

#[test]
fn refused_credentials_and_a_broken_registry_have_different_exit_codes() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.allow_plain_http(registry.host());
    let name = format!("{}/team/net:v1", registry.host());
    for (status, code) in [(401, 5), (403, 5), (404, 4), (503, 6)] {
        registry.fail_later("GET", "", 0, 99, Fault::Status(status, Vec::new()));
        registry.fail_later("HEAD", "", 0, 99, Fault::Status(status, Vec::new()));
        sandbox.kit(&["pull", &name, "--retry-for", "0s"]).exits(code);
        registry.heal();
    }
    let gone = registry.host().to_owned();
    drop(registry);
    let pull = format!("{gone}/team/net:v1");
    sandbox.kit(&["pull", &pull, "--retry-for", "0s"]).exits(6).says("cannot reach");
}

#[test]
fn the_json_report_of_a_failure_has_the_exit_code() {
    let run = Sandbox::new().kit(&["tag", "nothing:v1", "b:v1", "--progress", "json"]).exits(4);
    let last: serde_json::Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((last["type"].as_str(), last["exitCode"].as_u64()), (Some("error"), Some(4)));
}
