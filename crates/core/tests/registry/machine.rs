//! The environment of the machine: certificate authorities and proxies. Each test needs a separate environment, so it
//! runs a part of this test program again.

use std::process::Command;

use kit_core::registry::{Client, Error, Proxy, ProxyVariables, Settings};

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
    assert_eq!(error.to_string(), "cannot prepare https: this system has no certificate authorities");
    // A client that does not verify certificates needs no authorities either.
    let careless = Client::new(Settings { plain_http: false, verify_tls: false, ..settings() }).unwrap();
    let error = careless.ping(registry.host(), None).unwrap_err();
    assert!(matches!(error, Error::NotTls { .. }), "{error}");
}

fn variables(proxy: &FakeRegistry, none: &str) -> Settings {
    let http = format!("http://user:pass@{}", proxy.host());
    let variables = ProxyVariables { http, none: none.to_owned(), ..ProxyVariables::default() };
    Settings { proxy: Proxy::Variables(variables), ..settings() }
}

#[test]
fn the_proxy_of_the_variables_is_used() {
    let proxy = FakeRegistry::start();
    Client::new(variables(&proxy, "other.test")).unwrap().ping("registry.test", None).unwrap();
    let requests = proxy.requests();
    let targets: Vec<_> = requests.iter().map(|request| request.header("host").unwrap().to_owned()).collect();
    assert_eq!(targets, ["registry.test"]);
    assert_eq!(requests[0].header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
}

#[test]
fn this_machine_is_reached_without_the_proxy() {
    let (proxy, registry) = (FakeRegistry::start(), FakeRegistry::start());
    Client::new(variables(&proxy, "")).unwrap().ping(registry.host(), None).unwrap();
    assert!(proxy.requests().is_empty());
    assert_eq!(registry.requests().len(), 1);
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
    assert!(shown.contains(&format!(" / cannot reach `{host}` / Connection refused")), "{shown}");
}
