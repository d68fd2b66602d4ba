//! A Hugging Face hub with one repository: the documented answers of its HTTP API that an import needs. It is also an
//! LFS server, like hubs and other git hosts.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{LINK, LOCATION};
use serde_json::{Value, json};

use super::answer::{Asked, plain};
use super::state::State;

/// The commit of the branch `main`.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A repository and its behaviour.
#[derive(Clone)]
pub struct HubRepository {
    /// `models` or `datasets`.
    pub kind: &'static str,
    pub name: &'static str,
    pub license: Option<&'static str>,
    /// Path, content, and the digest if the file is in LFS.
    pub files: Vec<(&'static str, Bytes, Option<String>)>,
    /// The token that may read files; `None` if any user may.
    pub token: Option<&'static str>,
    /// The number of files on a page.
    pub files_per_page: usize,
    /// The location of LFS files, as the URL before `/objects/<digest>`.
    pub storage: String,
}

/// Returns the answer, if the request is for a hub.
pub(super) fn answer(state: &mut State, asked: &Asked) -> Option<Response<Bytes>> {
    let repository = &state.hub.clone()?;
    let HubRepository { kind, name, .. } = repository;
    if asked.path() == format!("/{name}.git/info/lfs/objects/batch") {
        return Some(batch(repository, asked, state.next_number()));
    }
    if let Some(rest) = asked.path().strip_prefix("/api/") {
        let Some(rest) = rest.strip_prefix(&format!("{kind}/{name}/")) else {
            return Some(refusal(401, "RepoNotFound", "Repository not found"));
        };
        return Some(match rest.split_once('/') {
            Some(("revision", "main" | COMMIT)) => document(&info(repository)),
            Some(("tree", COMMIT)) => tree(repository, asked),
            _ => refusal(404, "RevisionNotFound", "Invalid rev id: nope"),
        });
    }
    let prefix = if *kind == "datasets" { "datasets/" } else { "" };
    let path = asked.path().strip_prefix(&format!("/{prefix}{name}/resolve/{COMMIT}/"))?;
    let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    Some(resolve(repository, asked, &path, state.next_number()))
}

fn info(repository: &HubRepository) -> Value {
    let HubRepository { name, license, files, token, .. } = repository;
    let siblings: Vec<_> = files.iter().map(|(path, ..)| json!({ "rfilename": path })).collect();
    let gated = if token.is_some() { json!("manual") } else { json!(false) };
    json!({
        "id": name, "sha": COMMIT, "private": false, "gated": gated, "siblings": siblings,
        "tags": ["en"], "cardData": { "license": license, "language": "en" },
    })
}

fn tree(repository: &HubRepository, asked: &Asked) -> Response<Bytes> {
    if asked.parameter("recursive").as_deref() != Some("true") {
        return plain(400);
    }
    let begin: usize = asked.parameter("cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let end = repository.files.len().min(begin + repository.files_per_page);
    let file = |(path, content, digest): &(&str, Bytes, Option<String>)| {
        let size = content.len();
        let mut item = json!({ "type": "file", "oid": "f".repeat(40), "size": size, "path": path });
        if let Some(digest) = digest {
            let oid = digest.replace("sha256:", "");
            item["lfs"] = json!({ "oid": oid, "size": size, "pointerSize": 134 });
        }
        item
    };
    let mut page = vec![json!({ "type": "directory", "oid": "e".repeat(40), "size": 0, "path": "a-folder" })];
    page.extend(repository.files[begin..end].iter().map(file));
    let mut response = document(&Value::Array(page));
    if end < repository.files.len() {
        let (host, path) = (asked.header("host").unwrap(), asked.path());
        let next = format!("<http://{host}{path}?recursive=true&expand=false&cursor={end}>; rel=\"next\"");
        response.headers_mut().insert(LINK, next.parse().unwrap());
    }
    response
}

fn resolve(repository: &HubRepository, asked: &Asked, path: &str, number: u64) -> Response<Bytes> {
    if let Some(token) = repository.token {
        match asked.header("authorization") {
            None => return refusal(401, "GatedRepo", "Access is restricted. You must be authenticated to access it."),
            Some(given) if given != format!("Bearer {token}") => {
                return refusal(403, "GatedRepo", "Access is restricted and you are not in the authorized list.");
            }
            Some(_) => {}
        }
    }
    match repository.files.iter().find(|(known, ..)| *known == path) {
        None => refusal(404, "EntryNotFound", "Entry not found"),
        Some((_, content, None)) => Response::new(content.clone()),
        Some((_, _, Some(digest))) => {
            let location = format!("{}/objects/{digest}?signature=secret-{number}", repository.storage);
            Response::builder().status(302).header(LOCATION, location).body(Bytes::new()).unwrap()
        }
    }
}

/// git-lfs, docs/api/batch.md
fn batch(repository: &HubRepository, asked: &Asked, number: u64) -> Response<Bytes> {
    let media_type = Some("application/vnd.git-lfs+json");
    if asked.header("accept") != media_type || asked.header("content-type") != media_type {
        return plain(406);
    }
    if repository.token.is_some_and(|token| asked.header("authorization") != Some(token)) {
        let response = Response::builder().status(401).header("lfs-authenticate", "Basic realm=\"Git LFS\"");
        return response.body(r#"{"message":"Credentials needed"}"#.into()).unwrap();
    }
    let wanted: Value = serde_json::from_slice(&asked.body).unwrap();
    let (oid, size) = (wanted["objects"][0]["oid"].as_str().unwrap(), &wanted["objects"][0]["size"]);
    let digest = format!("sha256:{oid}");
    let is_there = repository.files.iter().any(|(_, _, known)| known.as_ref() == Some(&digest));
    let found = if is_there {
        let href = format!("{}/objects/{digest}?signature=secret-{number}", repository.storage);
        json!({ "actions": { "download": { "href": href, "header": { "x-signed": "yes" }, "expires_in": 60 } } })
    } else {
        json!({ "error": { "code": 404, "message": "Object does not exist" } })
    };
    let mut object = json!({ "oid": oid, "size": size });
    object.as_object_mut().unwrap().extend(found.as_object().unwrap().clone());
    document(&json!({ "transfer": "basic", "objects": [object] }))
}

fn document(value: &Value) -> Response<Bytes> {
    Response::new(value.to_string().into())
}

/// A refusal. The hub sends its code and message in headers, and a text for users in the body.
fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let body = json!({ "error": message }).to_string();
    let response = Response::builder().status(status).header("x-error-code", code).header("x-error-message", message);
    response.body(body.into()).unwrap()
}
