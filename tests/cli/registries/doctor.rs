//! `kit doctor`: a table, data for programs, and an exit code.

use expect_test::expect;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::sandbox::Sandbox;

/// A registry with a ModelKit in `team/sample`, and the name of that repository.
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
        TOPIC           FOUND                            SOURCE    WHAT KIT DOES
        reachable       yes, version 2 (registry/2.0)    answer    speaks version 2 of the distribution protocol
        tls             no: plain http                   answer    sends everything in the clear, passwords too
        auth            anonymous                        answer    greets without credentials, and shows them where it is asked to
        credentials     none known, none needed so far   answer    asks as anybody
        uploads         in parts                         default   sends blobs over 128 MiB in parts of 128 MiB, others in one PUT
        layer ceiling   none known                       default   sends layers of any size
        referrers       no                               learned   finds records and signatures of a ModelKit by a tag, `sha256-…`, and enters them there
    "#]].assert_eq(&alone.redacted_stdout());
    let run = sandbox.kit(&["doctor", &repository, "--plain-http", "--write"]).ok();
    expect![[r#"
        TOPIC           FOUND                            SOURCE    WHAT KIT DOES
        reachable       yes, version 2 (registry/2.0)    answer    speaks version 2 of the distribution protocol
        tls             no: plain http                   answer    sends everything in the clear, passwords too
        auth            anonymous                        answer    greets without credentials, and shows them where it is asked to
        credentials     none known, none needed so far   answer    asks as anybody
        uploads         in parts                         default   sends blobs over 128 MiB in parts of 128 MiB, others in one PUT
        layer ceiling   none known                       default   sends layers of any size
        repository      1 tag                            answer    can pull from there
        ranges          yes (206)                        answer    pulls large blobs in pieces, and goes on where it stopped
        redirects       no                               answer    gets blobs from the registry itself
        referrers       no list; a tag must do           answer    finds records and signatures of a ModelKit by a tag, `sha256-…`, and enters them there
        whole blobs     yes                              answer    sends small blobs in one PUT
        resume          yes                              answer    goes on with an upload where it broke off
        parts           yes                              answer    can send a large blob in parts
        cancel          yes                              answer    leaves uploads that broke off open, to go on with them
        mount           yes                              answer    does not send what another repository of the registry has
        media types     yes                              answer    pushes ModelKits, whose config and layers have media types of their own
        artifactType    yes                              answer    pushes ModelKits, which name their artifactType
        delete          yes; nothing of this is left     answer    deletes with `kit remove --remote`
    "#]].assert_eq(&run.redacted_stdout());
    assert_eq!(run.stderr, "");
    // The ModelKit there is untouched, and nothing new has a name.
    sandbox.kit(&["unpack", &format!("{repository}:v1"), "--plain-http", "-d", "again"]).ok();
    let listed = sandbox.kit(&["list", &repository, "--plain-http"]).ok();
    assert_eq!(listed.stdout.lines().count(), 2);
}

#[test]
fn what_was_found_is_shown_again_until_it_is_forgotten() {
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

#[test]
fn a_registry_that_is_not_there_is_an_error() {
    let sandbox = Sandbox::new();
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let run = sandbox.kit(&["doctor", &host, "--plain-http"]).fails();
    assert_eq!(run.stdout, "");
    expect![[r#"
        error: cannot use `[REGISTRY]`
          caused by: cannot reach `[REGISTRY]`
          caused by: Connection refused (os error 111)
    "#]]
    .assert_eq(&run.redacted_stderr());
    let registry = DockerRegistry::start();
    sandbox.kit(&["doctor", registry.host()]).fails().says("does not speak https").says("hint: use --plain-http");
}

#[test]
fn writing_needs_a_repository() {
    let sandbox = Sandbox::new();
    sandbox.kit(&["doctor", "registry.example", "--write"]).exits(2).says("REGISTRY/REPOSITORY");
    sandbox.kit(&["doctor", "team/model"]).fails().says("names no registry");
}
