//! Secrets never appear in the output, not even at the highest log level.

use kit_testkit::registry::{Access, Bearer, FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";
/// The password; its `Authorization`; the fake's signed queries and upload states; its tokens.
const SECRETS: [&str; 4] = ["hunter2", "bWU6aHVudGVyMg", "secret-", "token-"];

/// Returns a registry that issues tokens and redirects to a store, and a name for a ModelKit.
fn scene(sandbox: &Sandbox, store: &FakeRegistry) -> (FakeRegistry, String) {
    let registry = FakeRegistry::start();
    registry.configure(|options| {
        let user = Some(("me", "hunter2"));
        options.access = Access::Bearer(Bearer { user, ..Bearer::default() });
        options.redirect_blobs_to = Some(format!("http://{}", store.host()));
        options.any_location = true;
    });
    let auths = serde_json::json!({ "auths": { registry.host(): { "auth": "bWU6aHVudGVyMg==" } } });
    sandbox.write("kit/credentials.json", auths.to_string());
    sandbox.project();
    let name = format!("{}/team/model:v1", registry.host());
    sandbox.kit(&["pack", "project", "-t", &name]).ok();
    (registry, name)
}

/// Runs `kit` at the highest log level, and returns its output.
#[track_caller]
fn said(sandbox: &Sandbox, args: &[&str]) -> String {
    let loud = [args, &[PLAIN, "-vv", "--log-level", "trace"]].concat();
    let run = sandbox.kit(&loud);
    let text = run.stdout + &run.stderr;
    for secret in SECRETS {
        assert!(!text.contains(secret), "{args:?} shows `{secret}`:\n{text}");
    }
    text
}

/// Copies the blobs of the local store to the blob server that the registry redirects to.
fn fill(store: &FakeRegistry, sandbox: &Sandbox) {
    for blob in fs_err::read_dir(sandbox.store().join("blobs/sha256")).unwrap() {
        store.add_blob(&fs_err::read(blob.unwrap().path()).unwrap());
    }
}

#[test]
fn no_signed_url_and_no_credential_reaches_a_log() {
    let (sandbox, store) = (Sandbox::new(), FakeRegistry::start());
    let (registry, name) = scene(&sandbox, &store);
    fill(&store, &sandbox);
    registry.fail("PUT", "/uploads/", Fault::Status(503, vec![]));
    registry.fail_later("PUT", "/uploads/", 2, 1, Fault::DropRequestAfter(1));
    let text = said(&sandbox, &["push", &name]);
    assert!(text.contains("_state=***") && text.contains("Pushed sha256:"), "{text}");
    store.fail("GET", "/objects/", Fault::Status(503, vec![]));
    store.fail_later("GET", "/objects/", 1, 1, Fault::DropInsteadOfAnswer);
    fs_err::remove_dir_all(sandbox.store()).unwrap();
    let text = said(&sandbox, &["pull", &name]);
    assert!(text.contains("signature=***") && text.contains("Pulled sha256:"), "{text}");
    said(&sandbox, &["copy", &name, "oci:layout:v1"]);
    fs_err::remove_dir_all(sandbox.store()).unwrap();
    said(&sandbox, &["unpack", &name, "-d", "out"]);
    assert_eq!(sandbox.read("out/README.md"), "# Sample\n");
}

#[test]
fn no_signed_url_and_no_credential_is_in_an_error() {
    let (sandbox, store) = (Sandbox::new(), FakeRegistry::start());
    let (registry, name) = scene(&sandbox, &store);
    fill(&store, &sandbox);
    sandbox.kit(&["push", &name, PLAIN]).ok();
    store.configure(|options| options.uses_per_redirect = 0);
    fs_err::remove_dir_all(sandbox.store()).unwrap();
    let text = said(&sandbox, &["pull", &name]);
    assert!(text.contains("answered 403"), "{text}");
    sandbox.write("kit/config.toml", "[defaults]\nretry-for = \"1s\"\n");
    let gone = FakeRegistry::start().host().to_owned();
    registry.configure(|options| options.redirect_blobs_to = Some(format!("http://{gone}")));
    let text = said(&sandbox, &["pull", &name]);
    assert!(text.contains("cannot reach"), "{text}");
    registry.fail_later("GET", "/token", 0, 100, Fault::Status(401, vec![]));
    let text = said(&sandbox, &["pull", &name]);
    assert!(text.contains("refused the credentials"), "{text}");
}

#[test]
fn a_message_of_a_server_that_repeats_the_credentials_does_not_show_them() {
    let (sandbox, store) = (Sandbox::new(), FakeRegistry::start());
    let (registry, name) = scene(&sandbox, &store);
    let repeated = "no access with Basic bWU6aHVudGVyMg==, hunter2";
    let headers = vec![
        ("x-error-code", "DENIED".to_owned()),
        ("x-error-message", repeated.to_owned()),
        ("warning", format!("299 - \"{repeated}\"")),
    ];
    // The first request gets the challenge, and the token server the password.
    for method in ["GET", "HEAD"] {
        registry.fail_later(method, "/manifests/", 1, 100, Fault::Status(403, headers.clone()));
    }
    let text = said(&sandbox, &["pull", &name]);
    assert_eq!(text.matches("no access with Basic ***, ***").count(), 2, "{text}");
}
