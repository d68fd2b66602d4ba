//! The answers of the distribution protocol, except uploads and tokens.

use std::fmt::Write as _;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RANGE};
use hyper::{HeaderMap, Method, Response};

use super::access;
use super::hub;
use super::state::{State, TagDeletion};
use super::uploads;

/// A request that arrived as a whole.
pub(super) struct Asked {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A parameter of the query, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        parameters(self.target.split_once('?')?.1).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// The pairs of a query or form.
pub(super) fn parameters(query: &str) -> Vec<(String, String)> {
    let decode =
        |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

/// The digest, `sha256:` with the digits, computed independently: the tests must not trust the tested code.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let mut name = "sha256:".to_owned();
    for byte in sha2::Sha256::digest(bytes) {
        write!(name, "{byte:02x}").unwrap();
    }
    name
}

pub(super) fn plain(status: u16) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::new()).unwrap()
}

/// An error document (distribution-spec 1.1, "Error Codes").
pub(super) fn error(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let document = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    response.body(document.to_string().into()).unwrap()
}

pub(super) fn answer(state: &mut State, asked: &Asked) -> Response<Bytes> {
    if asked.path() == "/token" {
        return access::token(state, asked);
    }
    if let Some(digest) = asked.path().strip_prefix("/objects/") {
        return object(state, asked, digest);
    }
    if let Some(bytes) = state.files.get(&asked.target) {
        return file(state, asked, bytes);
    }
    if let Some(answer) = hub::answer(state, asked) {
        return answer;
    }
    if let Some(bytes) = state.files.get(asked.path()) {
        return file(state, asked, bytes);
    }
    if asked.method == Method::HEAD && !state.options.head {
        return plain(405);
    }
    if let Some(refusal) = access::refusal(state, asked) {
        return refusal;
    }
    if asked.path() == "/v2/" {
        return plain(200);
    }
    let rest = asked.path().strip_prefix("/v2/").unwrap_or_default();
    if let Some((name, id)) = rest.split_once("/blobs/uploads/") {
        return uploads::answer(state, asked, name, id);
    }
    if let Some((name, digest)) = rest.split_once("/blobs/") {
        return blob(state, asked, name, digest);
    }
    if let Some((name, selector)) = rest.split_once("/manifests/") {
        return manifest(state, asked, name, selector);
    }
    if let Some((name, subject)) = rest.split_once("/referrers/") {
        return referrers(state, asked, name, subject);
    }
    match rest.strip_suffix("/tags/list") {
        Some(name) => tags(state, asked, name),
        None => error(404, "NOT_FOUND", "there is nothing here"),
    }
}

/// An object store: it requires its signature and refuses the registry's credentials.
fn object(state: &mut State, asked: &Asked, digest: &str) -> Response<Bytes> {
    let signature = asked.parameter("signature").unwrap_or_default();
    if asked.headers.contains_key(AUTHORIZATION) || !signature.starts_with("secret") {
        return error(400, "InvalidArgument", "only one authentication mechanism is allowed");
    }
    let uses = state.signatures.entry(signature).or_default();
    *uses += 1;
    if *uses > state.options.uses_per_redirect {
        return error(403, "AccessDenied", "request has expired");
    }
    state.blobs.get(digest).map_or_else(|| plain(404), |bytes| ranged(state, asked, bytes))
}

/// A web server: the `ETag` of a file depends on its content, and a request for another one is refused (RFC 9110,
/// 13.1.1).
fn file(state: &State, asked: &Asked, bytes: &Bytes) -> Response<Bytes> {
    let tag = format!("\"{}\"", &sha256(bytes)[7..39]);
    if asked.header(IF_MATCH.as_str()).is_some_and(|wanted| wanted != tag) {
        return error(412, "PreconditionFailed", "the content has changed");
    }
    let mut response = ranged(state, asked, bytes);
    response.headers_mut().insert(ETAG, tag.parse().unwrap());
    response
}

fn blob(state: &mut State, asked: &Asked, name: &str, digest: &str) -> Response<Bytes> {
    if asked.method == Method::DELETE {
        return delete_blob(state, digest);
    }
    let number = state.next_number();
    let Some(bytes) = state.blobs.get(digest).filter(|_| state.shows(name, digest)) else {
        return error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    };
    match &state.options.redirect_blobs_to {
        Some(origin) => {
            let location = format!("{origin}/objects/{digest}?signature=secret-{number}");
            Response::builder().status(307).header(LOCATION, location).body(Bytes::new()).unwrap()
        }
        None => match state.sparse.get(digest) {
            Some(size) => sparse_range(asked, bytes, *size),
            None => ranged(state, asked, bytes),
        },
    }
}

/// A range of a blob that continues with zeros after `beginning`. A request for all of it fails.
fn sparse_range(asked: &Asked, beginning: &Bytes, size: u64) -> Response<Bytes> {
    let range = asked.header(RANGE.as_str()).and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((Ok(start), Ok(last))) = range.map(|(start, last)| (start.parse::<u64>(), last.parse::<u64>())) else {
        return error(500, "UNKNOWN", "this blob is too large to be read");
    };
    if start > last || last >= size {
        return plain(416);
    }
    let byte = |position: u64| usize::try_from(position).ok().and_then(|at| beginning.get(at)).copied();
    let body: Vec<u8> = (start..=last).map(|position| byte(position).unwrap_or_default()).collect();
    let content_range = format!("bytes {start}-{last}/{size}");
    Response::builder().status(206).header(CONTENT_RANGE, content_range).body(body.into()).unwrap()
}

fn delete_blob(state: &mut State, digest: &str) -> Response<Bytes> {
    if !state.options.delete {
        return error(405, "UNSUPPORTED", "the operation is unsupported");
    }
    if state.blobs.remove(digest).is_some() {
        plain(202)
    } else {
        error(404, "BLOB_UNKNOWN", "blob unknown to registry")
    }
}

/// The referrers of `subject`, page by page (distribution-spec 1.1, "Listing Referrers").
fn referrers(state: &State, asked: &Asked, name: &str, subject: &str) -> Response<Bytes> {
    let Some(repository) = state.repositories.get(name).filter(|_| state.options.referrers) else {
        return error(404, "NOT_FOUND", "there is nothing here");
    };
    let mut entries = state.options.forged_referrers.clone();
    for (digest, (media_type, bytes)) in &repository.manifests {
        let document: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        if document["subject"]["digest"] == subject {
            let artifact_type = document.get("artifactType").unwrap_or(&document["config"]["mediaType"]);
            entries.push(serde_json::json!({
                "mediaType": media_type, "digest": digest, "size": bytes.len(), "artifactType": artifact_type,
                "annotations": document.get("annotations").cloned().unwrap_or(serde_json::json!({})),
            }));
        }
    }
    let first = asked.parameter("from").and_then(|from| from.parse().ok()).unwrap_or(0_usize);
    let last = (first + state.options.tags_per_page).min(entries.len());
    let index = "application/vnd.oci.image.index.v1+json";
    let mut response = Response::builder().header(CONTENT_TYPE, index);
    if last < entries.len() {
        response = response.header(LINK, format!("</v2/{name}/referrers/{subject}?from={last}>; rel=\"next\""));
    }
    let page =
        serde_json::json!({ "schemaVersion": 2, "mediaType": index, "manifests": entries[first.min(last)..last] });
    response.body(page.to_string().into()).unwrap()
}

fn ranged(state: &State, asked: &Asked, bytes: &Bytes) -> Response<Bytes> {
    let range = asked.header(RANGE.as_str()).filter(|_| state.options.ranges);
    let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return Response::new(bytes.clone());
    };
    let (start, end) = (range.0.parse().unwrap(), range.1.parse().map_or(bytes.len(), |last: usize| last + 1));
    if start >= bytes.len() || end > bytes.len() {
        return plain(416);
    }
    let content_range = format!("bytes {start}-{}/{}", end - 1, bytes.len());
    Response::builder().status(206).header(CONTENT_RANGE, content_range).body(bytes.slice(start..end)).unwrap()
}

fn manifest(state: &mut State, asked: &Asked, name: &str, selector: &str) -> Response<Bytes> {
    match asked.method.as_str() {
        "PUT" => put_manifest(state, asked, name, selector),
        "DELETE" => delete_manifest(state, name, selector),
        _ => {
            let repository = state.repositories.get(name);
            let found = repository.and_then(|repository| {
                let digest = repository.tags.get(selector).map_or(selector, String::as_str);
                repository.manifests.get_key_value(digest)
            });
            let Some((digest, (media_type, bytes))) = found else {
                return error(404, "MANIFEST_UNKNOWN", "manifest unknown");
            };
            let etag = format!("\"{digest}\"");
            if asked.header(IF_NONE_MATCH.as_str()) == Some(&etag) {
                return plain(304);
            }
            let mut response = Response::builder().header(CONTENT_TYPE, media_type).header(ETAG, etag);
            if state.options.digest_header {
                response = response.header("docker-content-digest", digest);
            }
            response.body(bytes.clone()).unwrap()
        }
    }
}

fn put_manifest(state: &mut State, asked: &Asked, name: &str, selector: &str) -> Response<Bytes> {
    let digest = sha256(&asked.body);
    let is_digest = selector.starts_with("sha256:");
    if is_digest && selector != digest {
        return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    if let Some((status, code)) = refused_type(state, &asked.body) {
        return error(status, code, "manifest invalid");
    }
    if let Some(missing) = missing_blob(state, name, &asked.body) {
        return error(404, "MANIFEST_BLOB_UNKNOWN", &format!("blob unknown to registry: {missing}"));
    }
    let media_type = asked.header("content-type").unwrap_or_default().to_owned();
    let repository = state.repositories.entry(name.to_owned()).or_default();
    repository.manifests.insert(digest.clone(), (media_type, asked.body.clone()));
    if !is_digest {
        repository.tags.insert(selector.to_owned(), digest.clone());
    }
    let mut response = Response::builder().status(201).header("docker-content-digest", digest);
    if let Some(warning) = &state.options.warning {
        response = response.header("warning", warning);
    }
    let document: serde_json::Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    if let Some(subject) = document["subject"]["digest"].as_str().filter(|_| state.options.referrers) {
        response = response.header("oci-subject", subject);
    }
    response.body(Bytes::new()).unwrap()
}

fn refused_type(state: &State, manifest: &[u8]) -> Option<(u16, &'static str)> {
    let document: serde_json::Value = serde_json::from_slice(manifest).ok()?;
    state.options.artifact_type_refusal.filter(|_| document.get("artifactType").is_some())
}

fn missing_blob(state: &State, name: &str, manifest: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(manifest).ok()?;
    let layers = document["layers"].as_array().cloned().unwrap_or_default();
    let digests = std::iter::once(&document["config"]).chain(&layers).filter_map(|blob| blob["digest"].as_str());
    digests.map(str::to_owned).find(|digest| !state.shows(name, digest))
}

fn delete_manifest(state: &mut State, name: &str, selector: &str) -> Response<Bytes> {
    if !state.options.delete {
        return error(405, "UNSUPPORTED", "the operation is unsupported");
    }
    let tag_deletion = state.options.tag_deletion;
    let repository = state.repositories.entry(name.to_owned()).or_default();
    let pointed_to = repository.tags.get(selector).cloned();
    let selector = match (tag_deletion, &pointed_to) {
        (TagDeletion::Unsupported, Some(_)) => return error(405, "UNSUPPORTED", "tags are not deleted"),
        (TagDeletion::Invalid, Some(_)) => {
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }
        (TagDeletion::Manifest, Some(digest)) => digest,
        _ => selector,
    };
    let is_there = if repository.manifests.remove(selector).is_some() {
        repository.tags.retain(|_, digest| digest != selector);
        true
    } else {
        repository.tags.remove(selector).is_some()
    };
    if is_there { plain(202) } else { error(404, "MANIFEST_UNKNOWN", "manifest unknown") }
}

fn tags(state: &State, asked: &Asked, name: &str) -> Response<Bytes> {
    let Some(repository) = state.repositories.get(name) else {
        return error(404, "NAME_UNKNOWN", "repository name not known to registry");
    };
    let last = asked.parameter("last").unwrap_or_default();
    let mut left: Vec<&String> = repository.tags.keys().filter(|tag| **tag > last).collect();
    let has_more = left.len() > state.options.tags_per_page;
    left.truncate(state.options.tags_per_page);
    let mut response = Response::builder().header(CONTENT_TYPE, "application/json");
    if let Some(last) = left.last().filter(|_| has_more) {
        response = response.header(LINK, format!("</v2/{name}/tags/list?last={last}>; rel=\"next\""));
    }
    let tags = if left.is_empty() { serde_json::Value::Null } else { serde_json::json!(left) };
    response.body(serde_json::json!({ "name": name, "tags": tags }).to_string().into()).unwrap()
}
