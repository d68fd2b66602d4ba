//! `kit doctor`: a table, data for programs, and an exit code.

use std::process::Command;

use expect_test::expect;
use fs_err as fs;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::sandbox::Sandbox;

/// Returns a registry with a ModelKit in `team/sample`, and the name of that repository.
fn pushed(sandbox: &Sandbox) -> (DockerRegistry, String) {
    let registry = DockerRegistry::start();
    let repository = format!("{}/team/sample", registry.host());
    sandbox.project();
    let name = format!("{repository}:v1");
    sandbox.kit(&["pack", "project", "-t", &name]).ok();
    sandbox.kit(&["push", &name, "--plain-http"]).ok();
    (registry, repository)
}

#[test]
fn dockers_registry_is_examined() {
    let sandbox = Sandbox::new();
    let (registry, repository) = pushed(&sandbox);
    let alone = sandbox.kit(&["doctor", registry.host(), "--plain-http"]).ok();
    expect![[r#"
        TOPIC         FOUND                            SOURCE    WHAT KIT DOES
        reachable     yes, version 2 (registry/2.0)    answer    uses version 2 of the distribution protocol
        tls           no: plain http                   answer    sends everything unencrypted
        auth          anonymous                        answer    sends credentials only when the registry asks
        credentials   none known, none needed so far   answer    connects anonymously
        uploads       in parts                         default   sends blobs over 128 MiB in parts of 128 MiB, others in one PUT
        layer limit   none known                       default   sends layers of any size
        referrers     no                               learned   finds referrers of a ModelKit, such as signatures, by the tag `sha256-…`, and adds them to it
    "#]].assert_eq(&alone.redacted_stdout());
    let run = sandbox.kit(&["doctor", &repository, "--plain-http", "--write"]).ok();
    expect![[r#"
        TOPIC          FOUND                              SOURCE    WHAT KIT DOES
        reachable      yes, version 2 (registry/2.0)      answer    uses version 2 of the distribution protocol
        tls            no: plain http                     answer    sends everything unencrypted
        auth           anonymous                          answer    sends credentials only when the registry asks
        credentials    none known, none needed so far     answer    connects anonymously
        uploads        in parts                           default   sends blobs over 128 MiB in parts of 128 MiB, others in one PUT
        layer limit    none known                         default   sends layers of any size
        repository     1 tag                              answer    can pull from it
        ranges         yes (206)                          answer    pulls large blobs in pieces, and resumes where it stopped
        redirects      no                                 answer    gets blobs from the registry itself
        referrers      no API; by tag                     answer    finds referrers of a ModelKit, such as signatures, by the tag `sha256-…`, and adds them to it
        whole blobs    yes                                answer    sends small blobs in one PUT
        resume         yes                                answer    resumes an interrupted upload where it stopped
        parts          yes                                answer    can send a large blob in parts
        cancel         yes                                answer    leaves interrupted uploads open, to resume them
        mount          yes                                answer    mounts blobs that another repository of the registry has
        media types    yes                                answer    pushes ModelKits, whose config and layers have their own media types
        artifactType   yes                                answer    pushes ModelKits with an artifactType
        delete         yes; the test files were deleted   answer    deletes with `kit remove --remote`; the last tag of a ModelKit may go with the ModelKit
    "#]].assert_eq(&run.redacted_stdout());
    assert_eq!(run.stderr, "");
    // The ModelKit in the registry is untouched, and there are no new tags.
    sandbox.kit(&["unpack", &format!("{repository}:v1"), "--plain-http", "-d", "again"]).ok();
    let listed = sandbox.kit(&["list", &repository, "--plain-http"]).ok();
    assert_eq!(listed.stdout.lines().count(), 2);
}

#[test]
fn findings_are_remembered_until_they_are_forgotten() {
    let sandbox = Sandbox::new();
    let (registry, repository) = pushed(&sandbox);
    sandbox.kit(&["doctor", &repository, "--plain-http", "--write"]).ok();
    let template = "{{.Topic}} {{.Source}} {{.Supported}}";
    let args = ["doctor", registry.host(), "--plain-http", "--format", template];
    sandbox.kit(&args).ok().prints("parts learned true\n").prints("reachable answer true\n");
    let forgotten = sandbox.kit(&[&args[..], &["--forget"]].concat()).ok();
    assert!(!forgotten.stdout.contains("learned"), "{}", forgotten.stdout);
    let json = sandbox.kit(&["doctor", registry.host(), "--plain-http", "--format", "json"]).ok().json();
    assert_eq!((&json[0]["topic"], &json[0]["supported"]), (&"reachable".into(), &true.into()));
}

/// The length of a pause is random, so that a long one may or may not be reported.
fn without_waits(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with("warning: trying again in")).collect()
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn an_unreachable_registry_is_an_error() {
    let sandbox = Sandbox::new();
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let run = sandbox.kit(&["doctor", &host, "--plain-http"]).fails();
    assert_eq!(run.stdout, "");
    expect![[r#"
        error: cannot use `[REGISTRY]`
          caused by: gave up after [ATTEMPTS]
          caused by: cannot reach `[REGISTRY]`
          caused by: Connection refused (os error 111)
        hint: check the host name and the port; if the network requires a proxy, set HTTPS_PROXY or use --proxy
    "#]]
    .assert_eq(&without_waits(&run.redacted_stderr()));
    let registry = DockerRegistry::start();
    sandbox
        .kit(&["doctor", registry.host(), "--plain-http=false"])
        .fails()
        .says("does not speak https")
        .says("hint: use --plain-http");
}

#[test]
fn writing_needs_a_repository() {
    let sandbox = Sandbox::new();
    sandbox.kit(&["doctor", "registry.example", "--write"]).exits(2).says("REGISTRY/REPOSITORY");
    sandbox.kit(&["doctor", "team/model"]).exits(2).says("has no registry host");
}

/// Returns the row of `topic`.
fn check<'a>(rows: &'a serde_json::Value, topic: &str) -> &'a serde_json::Value {
    rows.as_array().unwrap().iter().find(|row| row["topic"] == topic).unwrap()
}

#[test]
fn without_an_argument_the_installation_is_checked() {
    let sandbox = Sandbox::new();
    let rows = sandbox.kit(&["doctor", "--format", "json"]).ok().json();
    let topics: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["topic"].as_str().unwrap()).collect();
    let expected =
        ["program", "store", "free space", "configuration", "policies", "credentials", "proxy", "clock", "completion"];
    assert_eq!(topics, expected);
    assert!(check(&rows, "store")["found"].as_str().unwrap().ends_with("by the first `kit pack` or `kit pull`"));
    assert!(!sandbox.store().exists(), "the store is not created");
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.kit(&["doctor"]).ok().prints("store, 1 name\n");
}

#[test]
fn problems_of_the_installation_are_all_listed() {
    let sandbox = Sandbox::new();
    let home = sandbox.store().parent().unwrap().to_owned();
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("config.toml"), "concurrency = 'many'\n").unwrap();
    fs::write(home.join("policy.toml"), "version = 9\n").unwrap();
    fs::write(home.join("credentials.json"), r#"{"credHelpers": {"r.example": "not-there"}}"#).unwrap();
    let mut command = sandbox.command(&["doctor", "--format", "json"]);
    let run = sandbox.run(command.env("HTTPS_PROXY", "ftp://ada:hunter2@proxy.example"));
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    for topic in ["configuration", "policies", "credentials", "proxy"] {
        assert_eq!(check(&rows, topic)["state"], "problem", "{topic}");
        assert_ne!(check(&rows, topic)["advice"], "", "{topic}");
    }
    assert!(!run.stdout.contains("hunter2"));
    let advice = check(&rows, "credentials")["advice"].as_str().unwrap();
    assert_eq!(advice, "install docker-credential-not-there, or remove it from the file");
    run.exits(1).says("problems found");
}

#[test]
fn another_kit_on_the_path_is_a_warning() {
    let sandbox = Sandbox::new();
    let other = sandbox.write(&format!("bin/kit{}", std::env::consts::EXE_SUFFIX), "#!/bin/sh\n");
    let mut command = sandbox.command(&["doctor", "--format", "json"]);
    let run = sandbox.run(command.env("PATH", other.parent().unwrap())).ok();
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(check(&rows, "program")["state"], "warning");
    assert!(check(&rows, "program")["advice"].as_str().unwrap().starts_with("a shell starts "));
}

/// Returns the topics that are a problem, each with its advice.
fn problems(sandbox: &Sandbox, change: impl FnOnce(&mut Command) -> &mut Command) -> Vec<(String, String)> {
    let mut command = sandbox.command(&["doctor", "--format", "json"]);
    change(&mut command);
    let rows: serde_json::Value = serde_json::from_str(&sandbox.run(&mut command).stdout).unwrap();
    let rows = rows.as_array().unwrap().iter().filter(|row| row["state"] == "problem");
    let text = |row: &serde_json::Value, member: &str| row[member].as_str().unwrap().to_owned();
    rows.map(|row| (text(row, "topic"), text(row, "advice"))).collect()
}

#[test]
fn the_advice_about_a_store_helps() {
    for (file, content, advice) in [
        ("index.json", "{", "restore the file from a backup, or move the store to another place: "),
        ("notes.txt", "", "move it to another place, or set KIT_HOME to another folder"),
    ] {
        let sandbox = Sandbox::new();
        fs::create_dir_all(sandbox.store()).unwrap();
        if file == "index.json" {
            fs::write(sandbox.store().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        }
        fs::write(sandbox.store().join(file), content).unwrap();
        let found = problems(&sandbox, |command| command);
        assert!(matches!(&*found, [(topic, found)] if topic == "store" && found.starts_with(advice)), "{found:?}");
        // What it advises helps.
        let moved = sandbox.path("moved");
        fs::rename(sandbox.store(), moved).unwrap();
        assert_eq!(problems(&sandbox, |command| command), []);
    }
}

#[test]
fn a_bad_configuration_is_one_problem_on_lines_of_its_own() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.store().parent().unwrap()).unwrap();
    fs::write(sandbox.store().parent().unwrap().join("config.toml"), "unknown = 1\n").unwrap();
    let found = problems(&sandbox, |command| command);
    assert!(matches!(&*found, [(topic, _)] if topic == "configuration"), "{found:?}");
    let run = sandbox.kit(&["doctor"]).exits(1);
    let widest = run.stdout.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest < 160 + sandbox.path("").as_os_str().len() * 2, "{}", run.stdout);
    assert!(
        run.stdout.contains("\n                          advice: correct the file, or delete it"),
        "{}",
        run.stdout
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_cannot_be_written_to_is_a_problem() {
    let sandbox = Sandbox::new();
    // No user can write here, not even root.
    let found = problems(&sandbox, |command| command.env("KIT_HOME", "/sys/kit"));
    assert!(matches!(&*found, [(topic, advice)] if topic == "store" && advice.contains("KIT_HOME")), "{found:?}");
    sandbox.project();
    let mut command = sandbox.command(&["pack", "project", "-t", "sample:v1"]);
    sandbox
        .run(command.env("KIT_HOME", "/sys/kit"))
        .exits(1)
        .says("hint: `kit doctor` checks the local store; KIT_HOME");
}
