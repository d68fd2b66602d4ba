//! Finding, storing and erasing credentials.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kit_core::registry::{CredentialStore, Credentials, Erased, Error};
use kit_testkit::platform::assert_mode;

fn store(own: &Path) -> CredentialStore {
    CredentialStore { own: Some(own.to_owned()), ..CredentialStore::default() }
}

fn credentials(name: &str) -> Credentials {
    Credentials::new(name, "p")
}

fn write_auths(path: &Path, entries: &[(&str, &str)]) -> PathBuf {
    let entry = |name: &str| serde_json::json!({ "username": name, "password": "p" });
    let auths: serde_json::Map<_, _> = entries.iter().map(|(key, name)| ((*key).to_owned(), entry(name))).collect();
    fs_err::write(path, serde_json::json!({ "auths": auths }).to_string()).unwrap();
    path.to_owned()
}

#[test]
fn places_are_asked_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    let own = write_auths(&path("own"), &[("a.io", "own")]);
    let first = write_auths(&path("first"), &[("a.io", "first"), ("b.io", "first")]);
    let second = write_auths(&path("second"), &[("b.io", "second"), ("c.io", "second")]);
    let mut store = CredentialStore { others: vec![path("missing"), first, second], ..store(&own) };
    let find = |store: &CredentialStore, registry| store.find(registry, Some("x/y")).unwrap();
    assert_eq!(find(&store, "a.io"), Some(credentials("own")));
    assert_eq!(find(&store, "b.io"), Some(credentials("first")));
    assert_eq!(find(&store, "c.io"), Some(credentials("second")));
    assert_eq!(find(&store, "d.io"), None);
    store.given = Some(credentials("given"));
    assert_eq!(find(&store, "a.io"), Some(credentials("given")));
    assert_eq!(CredentialStore::default().find("a.io", None).unwrap(), None);
}

#[test]
fn stored_credentials_are_found_and_can_be_erased() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("new/credentials.json"));
    for (registry, credentials) in [
        ("a.io", credentials("me")),
        ("localhost:5000", Credentials::new("me", "with:colon")),
        ("docker.io", Credentials::new("", "token")),
        ("b.io", Credentials::Bearer("token".to_owned())),
    ] {
        assert_eq!(store.erase(registry).unwrap(), Erased::Nothing);
        store.store(registry, &credentials).unwrap();
        assert_eq!(store.find(registry, Some("x")).unwrap(), Some(credentials));
        assert_eq!(store.erase(registry).unwrap(), Erased::Something);
        assert_eq!(store.find(registry, None).unwrap(), None);
    }
}

#[test]
fn the_file_looks_like_that_of_kitops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.json");
    fs_err::write(&path, r#"{"custom":{"b":1,"a":[1.50]},"auths":{"a.io":{"auth":"bWU6cA=="}},"HttpHeaders":{}}"#)
        .unwrap();
    let store = store(&path);
    store.store("docker.io", &credentials("me")).unwrap();
    let expected = "{\n\t\"custom\": {\n\t\t\"b\": 1,\n\t\t\"a\": [\n\t\t\t1.50\n\t\t]\n\t},\n\t\"auths\": {\n\t\t\
                    \"a.io\": {\n\t\t\t\"auth\": \"bWU6cA==\"\n\t\t},\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \
                    \"bWU6cA==\"\n\t\t}\n\t},\n\t\"HttpHeaders\": {}\n}";
    assert_eq!(fs_err::read_to_string(&path).unwrap(), expected);
    store.erase("docker.io").unwrap();
    store.erase("a.io").unwrap();
    assert!(fs_err::read_to_string(&path).unwrap().contains("\"auths\": {}"));
}

#[test]
fn a_key_that_is_a_url_is_erased_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_auths(&folder.path().join("own"), &[("https://a.io/v2/", "me"), ("a.io", "me"), ("a.io/x", "me")]);
    let store = store(&path);
    assert_eq!(store.erase("a.io").unwrap(), Erased::Something);
    assert_eq!(store.find("a.io", None).unwrap(), None);
    assert_eq!(store.find("a.io", Some("x")).unwrap(), Some(credentials("me")));
}

#[test]
fn the_file_is_readable_only_by_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/credentials.json");
    store(&path).store("a.io", &credentials("me")).unwrap();
    assert_mode(&path, 0o600);
    assert_mode(path.parent().unwrap(), 0o700);
    let names = fs_err::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let expected = ["credentials.json", "credentials.json.lock"].map(OsString::from);
    assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(expected), "nothing temporary is left");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_a_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("link"), folder.path().join("target"));
    fs_err::write(&target, "").unwrap();
    fs_err::os::unix::fs::symlink(&target, &link).unwrap();
    store(&link).store("a.io", &credentials("me")).unwrap();
    assert!(fs_err::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs_err::read_to_string(&target).unwrap().contains("a.io"));
}

#[test]
fn a_broken_file_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    for text in ["secret", "{\"auths\": secret}", "[]", "{\"auths\":{\"a.io\":{\"auth\":\"secret!\"}}}"] {
        fs_err::write(&path, text).unwrap();
        let error = store(&path).find("a.io", None).unwrap_err();
        let shown = crate::support::chain(&error);
        assert!(shown.starts_with(&format!("cannot use the credentials in `{}`", path.display())), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn credentials_cannot_be_stored_without_a_file() {
    assert!(matches!(CredentialStore::default().store("a.io", &credentials("me")), Err(Error::Setting(_))));
}

#[cfg(unix)]
mod helpers {
    use super::*;

    /// Installs a helper as a symbolic link: a program that this process has just written may be busy, held open by a
    /// child that another test starts.
    fn install(folder: &Path, name: &str) {
        let name = format!("docker-credential-{name}");
        let fixture = kit_testkit::sandbox::repository().join("tests/fixtures/helpers").join(&name);
        fs_err::os::unix::fs::symlink(fixture, folder.join(&name)).unwrap();
    }

    fn store_with(folder: &Path, document: &str) -> CredentialStore {
        let own = folder.join("credentials.json");
        fs_err::write(&own, document).unwrap();
        CredentialStore { helper_folders: vec![folder.to_owned()], ..store(&own) }
    }

    #[test]
    fn a_helper_stores_credentials_instead_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "fake");
        let store = store_with(folder.path(), r#"{"credsStore":"fake"}"#);
        assert_eq!(store.find("docker.io", None).unwrap(), None);
        for credentials in [credentials("me"), Credentials::IdentityToken("t".to_owned())] {
            store.store("docker.io", &credentials).unwrap();
            assert_eq!(store.find("docker.io", None).unwrap(), Some(credentials));
        }
        let text = fs_err::read_to_string(folder.path().join("credentials.json")).unwrap();
        assert!(
            text.contains("\"https://index.docker.io/v1/\": {}") && text.contains("\"credsStore\": \"fake\""),
            "{text}"
        );
        assert_eq!(store.erase("docker.io").unwrap(), Erased::Something);
        assert_eq!(store.find("docker.io", None).unwrap(), None);
        assert_eq!(store.erase("docker.io").unwrap(), Erased::Nothing);
        let log = fs_err::read_to_string(folder.path().join("log")).unwrap();
        assert!(log.contains("get https://index.docker.io/v1/\n"), "{log}");
        assert!(
            log.contains(r#"store {"ServerURL":"https://index.docker.io/v1/","Username":"<token>","Secret":"t"}"#),
            "{log}"
        );
    }

    #[test]
    fn the_file_is_read_if_the_helper_has_no_credentials() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "fake");
        let document = r#"{"credHelpers":{"a.io":"fake"},"auths":{"a.io":{"username":"me","password":"p"}}}"#;
        assert_eq!(store_with(folder.path(), document).find("a.io", None).unwrap(), Some(credentials("me")));
    }

    #[test]
    fn a_missing_helper_is_named_with_the_file_that_configures_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = store_with(folder.path(), r#"{"credsStore":"not-there"}"#);
        let error = store.find("a.io", None).unwrap_err();
        let path = folder.path().join("credentials.json");
        let expected = format!(
            "the credential helper `docker-credential-not-there`, named in `{}`, is not installed",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_helper_is_a_name_and_not_a_path() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "fake");
        let store = store_with(folder.path(), r#"{"credsStore":"x/../docker-credential-fake"}"#);
        assert!(matches!(store.find("a.io", None), Err(Error::CredentialFile { .. })));
    }

    #[test]
    fn a_helpers_own_words_are_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "angry");
        let store = store_with(folder.path(), r#"{"credsStore":"angry"}"#);
        let shown = crate::support::chain(&store.find("a.io", None).unwrap_err());
        assert_eq!(
            shown,
            "the credential helper `docker-credential-angry` cannot get credentials / the key chain is locked"
        );
    }
}
