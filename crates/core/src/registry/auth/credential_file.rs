//! One file in docker's configuration format (`config.json`, `auth.json`, our `credentials.json`).

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Serialize as _;
use serde_json::{Map, Value, json};

use super::credential_store::CredentialSummary;
use super::credentials::Credentials;
use super::helper::program;
use crate::oci::without_bom;
use crate::registry::error::{Cause, Error};
use crate::registry::http::{canonical, credential_key};
use crate::sys;

/// More than any list of credentials needs.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// The document, including all members that belong to other programs.
pub(super) struct CredentialFile {
    path: PathBuf,
    document: Map<String, Value>,
}

impl CredentialFile {
    /// Reads `path`. A missing or empty file contains no credentials.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let bytes = match sys::read_regular(&path, SIZE_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::CredentialFile { path, source: Cause::of(&error) }),
        };
        if bytes.trim_ascii().is_empty() {
            return Ok(Self { path, document: Map::new() });
        }
        match serde_json::from_slice(without_bom(&bytes)) {
            Ok(document) => Ok(Self { path, document }),
            // The message of the error could quote a secret.
            Err(error) => {
                let source =
                    Cause::new(format!("it is not a JSON object (line {}, column {})", error.line(), error.column()));
                Err(Error::CredentialFile { path, source })
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the helper that has the credentials for `registry`, and the helper's name for the registry.
    pub(super) fn helper_for(&self, registry: &str) -> Option<(&str, String)> {
        let own = self.document.get("credHelpers").and_then(Value::as_object);
        let own = own.and_then(|helpers| helpers.iter().find(|(key, _)| place(key) == host(registry)));
        if let Some((key, name)) = own {
            return Some((name.as_str().filter(|name| !name.is_empty())?, key.clone()));
        }
        let name = self.document.get("credsStore").and_then(Value::as_str).filter(|name| !name.is_empty())?;
        Some((name, credential_key(registry).to_owned()))
    }

    /// The names in the file.
    pub(super) fn summary(&self) -> CredentialSummary {
        let member = |name: &str| self.document.get(name);
        let entries = |name: &str| member(name).and_then(Value::as_object).into_iter().flatten();
        let registries = entries("auths").chain(entries("credHelpers")).map(|(key, _)| key.clone());
        let named = entries("credHelpers").map(|(_, helper)| helper).chain(member("credsStore"));
        let helpers = named.filter_map(Value::as_str).filter(|name| !name.is_empty()).map(program);
        let (registries, helpers): (BTreeSet<_>, BTreeSet<_>) = (registries.collect(), helpers.collect());
        CredentialSummary {
            path: self.path.clone(),
            registries: registries.into_iter().collect(),
            helpers: helpers.into_iter().collect(),
        }
    }

    /// Finds credentials in the file itself: the entry with the longest name that contains `repository`, down to the
    /// registry's.
    pub(super) fn find(&self, registry: &str, repository: Option<&str>) -> Result<Option<Credentials>, Error> {
        let Some(entries) = self.document.get("auths").and_then(Value::as_object) else { return Ok(None) };
        let registry = host(registry);
        let mut wanted = repository.map_or_else(|| registry.clone(), |repository| format!("{registry}/{repository}"));
        loop {
            for (_, entry) in entries.iter().filter(|(key, _)| place(key) == wanted) {
                let credentials = parse_entry(entry).map_err(|problem| {
                    let source = Cause::new(format!("the entry of `{wanted}` {problem}"));
                    Error::CredentialFile { path: self.path.clone(), source }
                })?;
                if credentials.is_some() {
                    return Ok(credentials);
                }
            }
            match wanted.rfind('/') {
                Some(end) => wanted.truncate(end),
                None => return Ok(None),
            }
        }
    }

    /// Sets `credentials` in the document, or, without any, an empty entry for those that a helper has.
    pub(super) fn set(&mut self, registry: &str, credentials: Option<&Credentials>) {
        let entry = match credentials {
            None => json!({}),
            Some(Credentials::Password { username, password }) => {
                json!({ "auth": STANDARD.encode(format!("{username}:{password}")) })
            }
            Some(Credentials::IdentityToken(token)) => json!({ "identitytoken": token }),
            Some(Credentials::Bearer(token)) => json!({ "registrytoken": token }),
        };
        self.remove(registry);
        let auths = self.document.entry("auths").or_insert_with(|| json!({}));
        if !auths.is_object() {
            *auths = json!({});
        }
        auths[credential_key(registry)] = entry;
    }

    /// Removes all entries of `registry`. Returns true if there were any.
    pub(super) fn remove(&mut self, registry: &str) -> bool {
        let Some(entries) = self.document.get_mut("auths").and_then(Value::as_object_mut) else { return false };
        let before = entries.len();
        entries.retain(|key, _| place(key) != host(registry));
        entries.len() < before
    }

    /// Replaces the file atomically, with read permission for its owner only.
    pub(super) fn write(&self) -> Result<(), Error> {
        self.try_write().map_err(|error| Error::CredentialFile { path: self.path.clone(), source: Cause::of(&error) })
    }

    fn try_write(&self) -> io::Result<()> {
        let mut text = Vec::new();
        let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        self.document.serialize(&mut serde_json::Serializer::with_formatter(&mut text, tabs))?;
        sys::replace_private_file(&self.path, &text)
    }
}

/// The registry or repository of a key: older keys are URLs, whose path is ignored; newer ones may end in a
/// repository (containers-auth.json(5)).
fn place(key: &str) -> String {
    let key = key.trim();
    let place = match key.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split('/').next().unwrap_or_default();
            let default = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
            host.strip_suffix(default).unwrap_or(host)
        }
        None => key.trim_end_matches('/'),
    };
    match place.split_once('/') {
        // The versions of the protocol, as in `registry.example/v2/`; older versions of docker wrote such keys.
        Some((registry, "v1" | "v2")) => host(registry),
        Some((registry, repository)) => format!("{}/{repository}", host(registry)),
        None => host(place),
    }
}

/// The name of a registry in comparisons. Names of hosts have no case.
fn host(registry: &str) -> String {
    canonical(&registry.to_ascii_lowercase()).to_owned()
}

fn parse_entry(entry: &Value) -> Result<Option<Credentials>, &'static str> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let token = |key: &str| text(key).map(str::trim).filter(|token| !token.is_empty());
    if let Some(token) = token("registrytoken") {
        return Ok(Some(Credentials::Bearer(token.to_owned())));
    }
    if let Some(token) = token("identitytoken") {
        return Ok(Some(Credentials::IdentityToken(token.to_owned())));
    }
    if let (Some(username), Some(password)) = (text("username"), text("password")) {
        return Ok(Some(Credentials::new(username, password)));
    }
    let Some(encoded) = text("auth") else { return Ok(None) };
    // Tools such as `base64` break lines.
    let encoded: String = encoded.split_whitespace().collect();
    let decoded = STANDARD.decode(&encoded).or_else(|_| STANDARD_NO_PAD.decode(&encoded));
    let decoded = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or("is not base64-encoded text")?;
    let (username, password) = decoded.split_once(':').ok_or("has no colon between user name and password")?;
    // Docker pads passwords with zero bytes (docker/cli, `decodeAuth`); `echo NAME:PASSWORD | base64` adds a line end.
    Ok(Some(Credentials::new(username, password.trim_end_matches(['\0', '\n', '\r']))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(document: Value) -> CredentialFile {
        let Value::Object(document) = document else { panic!("{document}") };
        CredentialFile { path: PathBuf::from("config.json"), document }
    }

    fn check(file: &CredentialFile, registry: &str, repository: Option<&str>, username: Option<&str>) {
        let expected = username.map(|username| Credentials::new(username, "p"));
        assert_eq!(file.find(registry, repository).unwrap(), expected, "{registry} {repository:?}");
    }

    #[test]
    fn the_longest_matching_entry_applies() {
        let entry = |name: &str| json!({ "auth": STANDARD.encode(format!("{name}:p")) });
        let file = file(json!({ "auths": {
            "r.io": entry("host"),
            "r.io/team": entry("team"),
            "r.io/team/model": entry("model"),
            "https://old.io/v2/": entry("old"),
            "https://index.docker.io/v1/": entry("hub"),
            "empty.io": {},
            "first.io/v1/": entry("first"),
            "https://port.io:5000/": entry("port"),
            "https://secure.io:443/v2/": entry("secure"),
            "HTTPS://Upper.io/": entry("upper"),
            "slash.io:5000/": entry("slash"),
            "other.io/team": entry("other"),
        }}));
        check(&file, "r.io", None, Some("host"));
        check(&file, "r.io", Some("x"), Some("host"));
        check(&file, "r.io", Some("team/x"), Some("team"));
        check(&file, "r.io", Some("teams/x"), Some("host"));
        check(&file, "r.io", Some("team/model"), Some("model"));
        check(&file, "r.io", Some("team/model/x"), Some("model"));
        check(&file, "old.io", Some("x"), Some("old"));
        check(&file, "docker.io", Some("library/x"), Some("hub"));
        check(&file, "registry-1.docker.io", None, Some("hub"));
        check(&file, "first.io", Some("x"), Some("first"));
        check(&file, "port.io:5000", None, Some("port"));
        check(&file, "port.io", None, None);
        check(&file, "secure.io", None, Some("secure"));
        check(&file, "upper.io", None, Some("upper"));
        check(&file, "UPPER.io", None, Some("upper"));
        check(&file, "slash.io:5000", Some("x"), Some("slash"));
        check(&file, "empty.io", None, None);
        check(&file, "other.io", None, None);
        check(&file, "r.io:443", None, None);
    }

    #[test]
    fn entries_of_all_programs_are_read() {
        let token = |text: &str| Some(Credentials::IdentityToken(text.to_owned()));
        let encoded = |text: &str| json!({ "auth": STANDARD.encode(text) });
        for (entry, expected) in [
            (encoded("a:b:c"), Ok(Some(Credentials::new("a", "b:c")))),
            (encoded("a:b\0\0"), Ok(Some(Credentials::new("a", "b")))),
            (encoded("<token>:t"), Ok(token("t"))),
            (json!({ "auth": "YTpi", "identitytoken": "t" }), Ok(token("t"))),
            (json!({ "auth": "YTpi\nYg==\r\n" }), Ok(Some(Credentials::new("a", "bb")))),
            (encoded("a:b\r\n"), Ok(Some(Credentials::new("a", "b")))),
            (json!({ "identitytoken": "t\n" }), Ok(token("t"))),
            (json!({ "auth": "YTpi", "identitytoken": "" }), Ok(Some(Credentials::new("a", "b")))),
            (json!({ "registrytoken": "t" }), Ok(Some(Credentials::Bearer("t".to_owned())))),
            (json!({ "username": "a", "password": "b" }), Ok(Some(Credentials::new("a", "b")))),
            (json!({ "email": "a@b" }), Ok(None)),
            (json!({ "auth": "%" }), Err("is not base64-encoded text")),
            (encoded("ab"), Err("has no colon between user name and password")),
        ] {
            assert_eq!(parse_entry(&entry), expected, "{entry}");
        }
    }

    #[test]
    fn the_helper_of_a_registry_precedes_the_common_one() {
        let file = file(json!({ "credsStore": "desktop", "credHelpers": { "r.io": "ecr-login", "docker.io": "hub" } }));
        assert_eq!(file.helper_for("r.io"), Some(("ecr-login", "r.io".to_owned())));
        assert_eq!(file.helper_for("index.docker.io"), Some(("hub", "docker.io".to_owned())));
        assert_eq!(file.helper_for("x.io"), Some(("desktop", "x.io".to_owned())));
    }
}
