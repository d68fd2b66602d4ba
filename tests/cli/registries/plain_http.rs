//! `--plain-http` counts for the registries on the command line, and passwords stay on this machine.

use kit_testkit::registry::{Access, FakeRegistry};
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn a_registry_that_only_a_kitfile_names_is_reached_over_https() {
    let (sandbox, named, other) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
    other.configure(|options| options.access = Access::Basic { username: "me", password: "hunter2" });
    let auths = serde_json::json!({ "auths": { other.host(): { "auth": "bWU6aHVudGVyMg==" } } });
    sandbox.write("kit/credentials.json", auths.to_string());
    let https = format!("[registry.\"{}\"]\nplain-http = false\n", other.host());
    sandbox.write("kit/config.toml", &https);
    let kitfile = format!("manifestVersion: 1.0.0\nmodel: {{path: \"{}/base:v1\"}}\n", other.host());
    sandbox.write("project/Kitfile", kitfile);
    let name = format!("{}/child:v1", named.host());
    let pack = ["pack", "project", "--push", &name, PLAIN, "--retry-for", "0s"];
    sandbox.kit(&pack).fails().says("does not speak https");
    assert!(other.requests().is_empty(), "{:?}", other.log());
    // The settings of the user may name it.
    sandbox.write("kit/config.toml", https.replace("false", "true"));
    sandbox.kit(&pack).fails().says("was not found");
    assert!(!other.requests().is_empty());
}

#[test]
fn passwords_are_not_sent_unencrypted_to_another_machine() {
    let (sandbox, proxy) = (Sandbox::new(), FakeRegistry::start());
    proxy.configure(|options| options.access = Access::Basic { username: "me", password: "hunter2" });
    let through = format!("http://{}", proxy.host());
    let login = ["login", "kit.example", "-u", "me", "-p", "hunter2", PLAIN, "--proxy", &through];
    sandbox
        .kit(&login)
        .fails()
        .says("the credentials for `kit.example` would be sent over plain http")
        .says("run `kit config set registry.kit.example.plain-http true`");
    assert!(proxy.requests().iter().all(|request| request.header("authorization").is_none()));
    sandbox.write("kit/config.toml", "[registry.\"kit.example\"]\nplain-http = true\n");
    sandbox.kit(&login).ok();
    assert!(proxy.requests().iter().any(|request| request.header("authorization").is_some()));
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn a_registry_on_this_machine_is_reached_over_http_if_it_does_not_speak_https() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    let name = format!("{}/team/sample:v1", registry.host());
    let run = sandbox.kit(&["pack", "project", "--push", &name]).ok();
    let notice = format!("`{}` on this machine does not speak https; using http", registry.host());
    assert_eq!(run.stderr.matches(&notice).count(), 1, "{}", run.stderr);
    let run = sandbox.kit(&["info", &name, PLAIN]).ok();
    assert!(!run.stderr.contains(&notice), "{}", run.stderr);
    sandbox.kit(&["info", &name, "--plain-http=false"]).fails().says("does not speak https");
}
