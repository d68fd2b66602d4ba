//! Authentication: passwords, tokens that expire, token servers that must not be trusted.

use kit_core::oci::{ContentError, Source, Target};
use kit_core::registry::{CredentialCheck, CredentialStore, Credentials, Error, Settings};

use crate::support::{
    bytes, chain, client, descriptor, manifest, read, repository, repository_with, settings, settings_for,
};
use kit_testkit::registry::{Access, Bearer, FakeRegistry, Fault, PutBody};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const USER: (&str, &str) = ("me", "secret");

fn with_basic() -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.access = Access::Basic { username: "me", password: "secret" });
    registry
}

fn with_tokens(bearer: Bearer) -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.access = Access::Bearer(bearer));
    registry
}

fn for_users() -> Bearer {
    Bearer { user: Some(USER), ..Bearer::default() }
}

fn settings_with(credentials: Credentials) -> Settings {
    Settings { credentials: CredentialStore { given: Some(credentials), ..CredentialStore::default() }, ..settings() }
}

#[test]
fn a_password_is_shown_when_asked_for_and_then_at_once() {
    let registry = with_basic();
    registry.add_blob(b"hello");
    let repository = repository_with(&registry, settings_for("me", "secret"));
    assert_eq!(read(&repository, &descriptor(b"hello"), 0).unwrap(), b"hello");
    assert_eq!(read(&repository, &descriptor(b"hello"), 0).unwrap(), b"hello");
    let statuses: Vec<_> = registry.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [401, 200, 200]);
    assert_eq!(registry.requests()[0].header("authorization"), None);
}

#[test]
fn no_credentials_and_wrong_ones_are_different_errors() {
    for registry in [with_basic(), with_tokens(for_users())] {
        registry.add_blob(b"hello");
        let host = registry.host();
        let error = repository(&registry).blob(&descriptor(b"hello")).open_at(0).err().unwrap();
        assert!(matches!(error, ContentError::Unauthorized(_)), "{error}");
        assert_eq!(error.to_string(), format!("`{host}` requires credentials, and none are known for it (401)"));

        let repository = repository_with(&registry, settings_for("me", "wrong"));
        let error = repository.blob(&descriptor(b"hello")).open_at(0).err().unwrap();
        assert!(matches!(error, ContentError::Unauthorized(_)), "{error}");
        assert_eq!(error.to_string(), format!("the registry refused the credentials for `{host}` (401)"));
        assert!(!chain(&error).contains("wrong"));
    }
}

#[test]
fn the_reason_for_a_refused_password_is_kept() {
    for (registry, words) in [
        (with_tokens(for_users()), "incorrect username or password"),
        (with_basic(), "UNAUTHORIZED: authentication required"),
    ] {
        let client = client(settings());
        let error = client.check_credentials(registry.host(), &Credentials::new("me", "wrong")).unwrap_err();
        let expected = format!("the registry refused the credentials for `{}` (401) / {words}", registry.host());
        assert_eq!(chain(&error), expected);
        let checked = client.check_credentials(registry.host(), &Credentials::new("me", "secret")).unwrap();
        assert_eq!(checked, CredentialCheck::Accepted);
        // The check does not store anything: the client itself has no credentials.
        assert!(matches!(client.ping(registry.host(), None), Err(Error::NoCredentials { .. })));
    }
}

#[test]
fn a_registry_open_to_all_cannot_check_credentials() {
    let registry = FakeRegistry::start();
    let checked = client(settings()).check_credentials(registry.host(), &Credentials::new("a", "b")).unwrap();
    assert_eq!(checked, CredentialCheck::NotAsked);
    client(settings()).ping(registry.host(), None).unwrap();
}

#[test]
fn one_token_serves_a_whole_push() {
    for names_scope in [true, false] {
        let registry = with_tokens(Bearer { names_scope, ..for_users() });
        let repository = repository_with(&registry, settings_for("me", "secret"));
        assert!(!repository.contains(&descriptor(b"hello")).unwrap());
        repository.put(&descriptor(b"hello"), &&b"hello"[..]).unwrap();
        let content = manifest("a");
        repository.publish(&crate::support::descriptor(&content), &content, Some("v1")).unwrap();
        let tokens = registry.requests_of("GET", "/token");
        assert_eq!(tokens.len(), 1);
        assert!(tokens[0].target.contains("scope=repository%3Ateam%2Fmodel%3Apull%2Cpush"), "{}", tokens[0].target);
        assert!(tokens[0].target.contains("service=fake"));
    }
}

#[test]
fn anonymous_clients_get_tokens_for_public_repositories() {
    let registry = with_tokens(Bearer::default());
    registry.add_manifest("team/model", "v1", MANIFEST, &manifest("a"));
    repository(&registry).resolve("v1").unwrap();
    assert_eq!(registry.requests_of("GET", "/token")[0].header("authorization"), None);
}

#[test]
fn an_identity_token_is_exchanged() {
    let registry = with_tokens(Bearer { identity_token: Some("refresh"), ..for_users() });
    registry.add_blob(b"hello");
    let repository = repository_with(&registry, settings_for("", "refresh"));
    assert_eq!(read(&repository, &descriptor(b"hello"), 0).unwrap(), b"hello");
    let asked = &registry.requests_of("POST", "/token")[0];
    let form = String::from_utf8(asked.body.to_vec()).unwrap();
    let expected = "grant_type=refresh_token&service=fake&client_id=kit\
                    &scope=repository%3Ateam%2Fmodel%3Apull&refresh_token=refresh";
    assert_eq!(form, expected);
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn an_access_token_is_used_as_it_is() {
    let registry = with_tokens(for_users());
    let client = client(settings_with(Credentials::Bearer("unknown".to_owned())));
    assert!(matches!(client.ping(registry.host(), None), Err(Error::Unauthorized { .. })));
    assert!(registry.requests_of("GET", "/token").is_empty());
    assert!(registry.requests().iter().any(|request| request.header("authorization") == Some("Bearer unknown")));
}

/// The token server announces a lifetime of a minute, but the registry invalidates the token after each request.
#[test]
fn a_token_that_expires_too_early_is_renewed() {
    let registry = with_tokens(Bearer { uses: 1, ..for_users() });
    registry.configure(|options| options.put_body = PutBody::Refused(413, "X"));
    let content = bytes(3_000_000);
    let repository = repository_with(&registry, Settings { chunk_bytes: 1_000_000, ..settings_for("me", "secret") });
    repository.put(&descriptor(&content), &&content[..]).unwrap();
    assert!(registry.blob(&descriptor(&content).digest.to_string()).unwrap() == content);
}

/// The whole blob is sent before the registry answers that the token has expired: it is sent again, and only once.
#[test]
fn a_token_that_expires_during_a_long_upload_is_renewed() {
    let registry = with_tokens(Bearer { uses: 1, ..for_users() });
    let content = bytes(3_000_000);
    let repository = repository_with(&registry, settings_for("me", "secret"));
    repository.put(&descriptor(&content), &&content[..]).unwrap();
    let statuses: Vec<_> = registry.requests_of("PUT", "").iter().map(|request| request.status).collect();
    assert_eq!(statuses, [401, 201]);
}

#[test]
fn workers_that_need_the_same_token_fetch_it_once() {
    let registry = with_tokens(for_users());
    registry.add_blob(b"hello");
    let repository = repository_with(&registry, settings_for("me", "secret"));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| read(&repository, &descriptor(b"hello"), 0).unwrap());
        }
    });
    assert_eq!(registry.requests_of("GET", "/token").len(), 1);
}

#[test]
fn credentials_are_not_sent_to_another_host_in_the_open() {
    let other = with_tokens(Bearer::default());
    let realm = format!("http://localhost:{}/token", other.host().rsplit_once(':').unwrap().1);
    let registry = with_tokens(Bearer { realm, ..for_users() });
    let error = client(settings_for("me", "secret")).ping(registry.host(), None).unwrap_err();
    assert!(matches!(error, Error::UnsafeRealm { .. }), "{error}");
    assert!(other.requests().is_empty());
}

#[test]
fn a_token_server_on_another_port_of_the_same_host_is_trusted() {
    let tokens = with_tokens(for_users());
    let registry = with_tokens(Bearer { realm: format!("http://{}/token", tokens.host()), ..for_users() });
    // The two servers share no tokens, so the registry refuses the token.
    let error = client(settings_for("me", "secret")).ping(registry.host(), None).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert_eq!(tokens.requests()[0].status, 200);
}

#[test]
fn a_token_server_that_fails_is_asked_again() {
    let registry = with_tokens(for_users());
    registry.fail_later("GET", "/token", 0, 2, Fault::Status(503, vec![]));
    client(settings_for("me", "secret")).ping(registry.host(), None).unwrap();
    assert_eq!(registry.requests_of("GET", "/token").len(), 3);
}

#[test]
fn a_token_server_does_not_pass_credentials_on() {
    let other = FakeRegistry::start();
    let registry = with_tokens(for_users());
    let location = format!("http://{}/token", other.host());
    registry.fail("GET", "/token", Fault::Status(307, vec![("location", location)]));
    let error = client(settings_for("me", "secret")).ping(registry.host(), None).unwrap_err();
    assert!(error.to_string().contains("answered 307"), "{error}");
    assert!(other.requests().is_empty());
}

#[test]
fn a_403_names_the_refused_action() {
    let registry = with_basic();
    registry.fail_later("POST", "/uploads/", 1, 2, Fault::Status(403, vec![]));
    let repository = repository_with(&registry, settings_for("me", "secret"));
    let error = repository.put(&descriptor(b"hello"), &&b"hello"[..]).unwrap_err();
    assert!(matches!(error, ContentError::Denied(_)), "{error}");
    assert!(error.to_string().starts_with("cannot send blob `"), "{error}");
}

#[test]
fn secrets_are_not_shown() {
    let settings = settings_for("me", "secret");
    assert!(!format!("{settings:?}").contains("secret"));
    for credentials in [Credentials::IdentityToken("secret".to_owned()), Credentials::Bearer("secret".to_owned())] {
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}

#[test]
fn credentials_that_were_not_asked_for_are_not_said_to_be_refused() {
    for challenge in [vec![], vec![("www-authenticate", "Negotiate".to_owned())]] {
        let registry = FakeRegistry::start();
        registry.fail("GET", "/v2/", Fault::Status(401, challenge));
        let error = client(settings_for("me", "secret")).ping(registry.host(), None).unwrap_err();
        assert!(matches!(error, Error::NoChallenge { .. }), "{error}");
        assert!(registry.requests().iter().all(|request| request.header("authorization").is_none()));
    }
}
