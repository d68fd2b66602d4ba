//! Answers of registries that users see: lists of repositories, refusals and warnings.

use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn a_registry_without_a_repository_lists_its_repositories() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    let refused = sandbox.kit(&["list", registry.host(), "--plain-http"]).fails();
    assert!(refused.stderr.contains(&format!("`kit list {}/REPOSITORY`", registry.host())), "{}", refused.stderr);
    assert!(refused.stderr.contains("does not list its repositories"), "{}", refused.stderr);
    let unreachable = sandbox.kit(&["list", "127.0.0.1:1", "--retry-for", "0s"]).exits(6);
    unreachable.says("cannot list the repositories of `127.0.0.1:1`").says("hint: check the host name");
    registry.add_file("/v2/_catalog", b"{\"repositories\":[\"team/net\",\"other\"]}");
    let listed = sandbox.kit(&["list", registry.host(), "--plain-http"]).ok();
    assert_eq!(listed.stdout, format!("{0}/team/net\n{0}/other\n", registry.host()));
}

#[test]
fn a_read_only_registry_and_its_warning_are_named() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    registry.fail_later("HEAD", "", 0, 99, Fault::Header("warning", "299 - \"it closes in May\"".to_owned()));
    registry.fail_later("POST", "", 0, 99, Fault::Status(405, Vec::new()));
    let target = format!("{}/team/net:v1", registry.host());
    let refused = sandbox.kit(&["push", "a:v1", &target, "--plain-http"]).fails();
    assert!(refused.stderr.contains("is read-only"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: push to another registry"), "{}", refused.stderr);
    let warnings = refused.stderr.matches("warns: it closes in May").count();
    assert_eq!(warnings, 1, "{}", refused.stderr);
}

#[test]
fn a_web_page_is_not_taken_for_a_registry() {
    let (sandbox, portal) = (Sandbox::new(), FakeRegistry::start());
    let page = || Fault::Header("content-type", "text/html; charset=utf-8".to_owned());
    for path in ["/v2/", "/v2/team/net/manifests/v1", "/v2/team/net/tags/list"] {
        portal.add_file(path, b"<html>Welcome to the hotel</html>");
    }
    portal.fail_later("GET", "", 0, 99, page());
    portal.fail_later("HEAD", "", 0, 99, page());
    let name = format!("{}/team/net:v1", portal.host());
    for command in ["pull", "ls", "doctor"] {
        let target = if command == "doctor" { portal.host() } else { &name };
        let run = sandbox.kit(&[command, target, "--plain-http"]).exits(1);
        assert!(run.stderr.contains("answered with a web page (text/html), not as a registry"), "{}", run.stderr);
        assert!(run.stderr.contains("hint: check the host name and the port"), "{}", run.stderr);
    }
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "net:v1"]).ok();
    portal.fail_later("POST", "", 0, 99, Fault::Status(200, vec![("content-type", "text/html".to_owned())]));
    let run = sandbox.kit(&["push", "net:v1", &name, "--plain-http"]).exits(1);
    run.says("answered with a web page (text/html), not as a registry");
    // Any server that answers requests for other hosts is a proxy.
    let proxy = format!("http://{}", portal.host());
    let run = sandbox.kit(&["pull", "registry.invalid/team/net:v1", "--plain-http", "--proxy", &proxy]).exits(1);
    run.says(&format!("`registry.invalid` answered through the proxy `{proxy}` (--proxy) with a web page"));
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn a_proxy_that_wants_credentials_or_another_protocol_is_named() {
    let (sandbox, proxy) = (Sandbox::new(), FakeRegistry::start());
    for method in ["GET", "HEAD", "CONNECT"] {
        proxy.fail_later(method, "", 0, 99, Fault::Status(407, vec![]));
    }
    let url = format!("http://{}", proxy.host());
    for scheme in [&["--plain-http"][..], &[]] {
        let run = sandbox.kit(&[&["pull", "registry.invalid/team/net:v1", "--proxy", &url], scheme].concat()).exits(5);
        run.says(&format!("the proxy `{url}` (--proxy) requires credentials (407)"))
            .says("hint: write the user and the password into the URL of the proxy");
    }
    proxy.heal();
    for method in ["GET", "HEAD", "CONNECT"] {
        let page = vec![("content-type", "text/html".to_owned())];
        proxy.fail_later(method, "", 0, 99, Fault::Status(403, page));
    }
    for scheme in [&["--plain-http"][..], &[]] {
        let run = sandbox.kit(&[&["pull", "registry.invalid/team/net:v1", "--proxy", &url], scheme].concat()).exits(5);
        assert!(!run.stderr.contains("plain-http") && !run.stderr.contains("attempts"), "{}", run.stderr);
        run.says(&format!("the proxy `{url}` (--proxy) refuses the connection to `registry.invalid` (403)"))
            .says("hint: ask for access to this host");
    }
    for (flag, scheme) in [("--proxy", "socks5"), ("--proxy", "ftp")] {
        let run = sandbox.kit(&["pull", "registry.invalid/team/net:v1", flag, &format!("{scheme}://localhost:1")]);
        run.exits(2).says(&format!("the proxy in --proxy is not usable: `{scheme}` is not supported"));
    }
    let unset = sandbox.kit(&["pull", "localhost:1/team/net:v1", "--proxy", "", "--retry-for", "0s"]).exits(6);
    unset.says("cannot reach `localhost:1`\n");
}
