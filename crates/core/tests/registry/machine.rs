//! The environment of the machine: certificate authorities and proxies. Each test needs a separate environment, so it
//! runs a part of this test program again.

use std::process::Command;

use kit_core::registry::{Client, Error, Proxy, Settings};

use crate::support::settings;
use kit_testkit::registry::FakeRegistry;

/// Runs the ignored test `name` with `environment` and nothing else.
fn run(name: &str, environment: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("machine::{name}"), "--ignored", "--nocapture"])
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn plain_http_needs_no_authorities() {
    run("without_authorities", &[("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")]);
}

#[test]
#[ignore = "needs an environment; see above"]
fn without_authorities() {
    let registry = FakeRegistry::start();
    Client::new(settings()).unwrap().ping(registry.host(), None).unwrap();
    let encrypted = Client::new(Settings { plain_http: false, ..settings() }).unwrap();
    let error = encrypted.ping(registry.host(), None).unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    assert_eq!(error.to_string(), "cannot prepare https: the certificate authorities of this system cannot be read");
    // A client that does not verify certificates needs no authorities either.
    let careless = Client::new(Settings { plain_http: false, verify_tls: false, ..settings() }).unwrap();
    let error = careless.ping(registry.host(), None).unwrap_err();
    assert!(matches!(error, Error::NotTls { .. }), "{error}");
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let proxy = FakeRegistry::start();
    run("through_a_proxy", &[("HTTP_PROXY", &format!("http://{}", proxy.host()))]);
    let targets: Vec<_> =
        proxy.requests().into_iter().map(|request| request.header("host").unwrap().to_owned()).collect();
    assert_eq!(targets, ["registry.test"]);
}

#[test]
#[ignore = "needs an environment; see above"]
fn through_a_proxy() {
    Client::new(Settings { proxy: Proxy::FromEnvironment, ..settings() }).unwrap().ping("registry.test", None).unwrap();
}

#[test]
fn some_hosts_are_reached_without_the_proxy() {
    let (proxy, registry) = (FakeRegistry::start(), FakeRegistry::start());
    let url = format!("http://{}", proxy.host());
    run("around_a_proxy", &[("HTTP_PROXY", &url), ("NO_PROXY", "127.0.0.1"), ("REGISTRY", registry.host())]);
    assert!(proxy.requests().is_empty());
    assert_eq!(registry.requests().len(), 1);
}

#[test]
#[ignore = "needs an environment; see above"]
#[allow(clippy::disallowed_methods, reason = "the way from the test that runs this one")]
fn around_a_proxy() {
    let registry = std::env::var("REGISTRY").unwrap();
    Client::new(Settings { proxy: Proxy::FromEnvironment, ..settings() }).unwrap().ping(&registry, None).unwrap();
}

#[test]
fn a_given_proxy_is_used_for_everything() {
    let proxy = FakeRegistry::start();
    let through = Proxy::Through(format!("http://{}", proxy.host()));
    Client::new(Settings { proxy: through, ..settings() }).unwrap().ping("127.0.0.1:1", None).unwrap();
    assert_eq!(proxy.requests()[0].header("host"), Some("127.0.0.1:1"));
}

#[test]
fn an_invalid_proxy_is_refused_without_its_password() {
    let error = Client::new(Settings { proxy: Proxy::Through("me:secret@ [".to_owned()), ..settings() }).err().unwrap();
    let shown = crate::support::chain(&error);
    assert!(shown.contains("proxy") && !shown.contains("secret"), "{shown}");
}

#[test]
fn an_unreachable_registry_is_named() {
    let host = FakeRegistry::start().host().to_owned();
    let error = Client::new(settings()).unwrap().ping(&host, None).unwrap_err();
    let shown = crate::support::chain(&error);
    assert!(shown.starts_with(&format!("cannot reach `{host}` / Connection refused")), "{shown}");
}
