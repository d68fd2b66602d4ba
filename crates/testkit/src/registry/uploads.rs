//! Uploads: sessions with locations that change, parts in order, and a digest at the end.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_RANGE, LOCATION, RANGE};

use super::answer::{Asked, error, plain, sha256};
use super::state::{PutBody, State};

/// An open upload.
#[derive(Default)]
pub(super) struct Session {
    pub bytes: Vec<u8>,
    /// A part of the location; a client that continues at an old location is refused.
    pub secret: String,
    /// The end of the first part.
    first_end: usize,
}

pub(super) fn answer(state: &mut State, asked: &Asked, name: &str, id: &str) -> Response<Bytes> {
    if asked.method == "POST" && id.is_empty() {
        return open(state, asked, name);
    }
    let is_current = state.sessions.get(id).is_some_and(|session| {
        state.options.any_location || asked.parameter("_state").as_ref() == Some(&session.secret)
    });
    if !is_current {
        return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    }
    match asked.method.as_str() {
        "GET" => progress(state, name, id, 204),
        "PATCH" if state.options.parts => part(state, asked, name, id),
        "PUT" => complete(state, asked, name, id),
        "DELETE" if state.options.delete => cancel(state, id),
        _ => error(405, "UNSUPPORTED", "the operation is unsupported"),
    }
}

/// Keeps the received bytes of an interrupted request.
pub(super) fn keep_partial(state: &mut State, asked: &Asked) {
    let Some((_, id)) = asked.path().split_once("/blobs/uploads/") else { return };
    if state.options.keeps_partial
        && let Some(session) = state.sessions.get_mut(id)
    {
        session.bytes.extend_from_slice(&asked.body);
    }
}

fn cancel(state: &mut State, id: &str) -> Response<Bytes> {
    state.sessions.remove(id);
    plain(204)
}

fn open(state: &mut State, asked: &Asked, name: &str) -> Response<Bytes> {
    let origin = asked.parameter("from").unwrap_or_default();
    let mounted = asked.parameter("mount").filter(|digest| state.options.mounts && state.shows(&origin, digest));
    if let Some(digest) = mounted {
        state.owned.insert((name.to_owned(), digest.clone()));
        let location = format!("/v2/{name}/blobs/{digest}");
        return Response::builder().status(201).header(LOCATION, location).body(Bytes::new()).unwrap();
    }
    let id = format!("session-{}", state.next_number());
    state.sessions.insert(id.clone(), Session::default());
    progress(state, name, &id, 202)
}

fn progress(state: &mut State, name: &str, id: &str, status: u16) -> Response<Bytes> {
    let secret = format!("secret-{}", state.next_number());
    let origin = state.options.upload_origin.clone().unwrap_or_default();
    let session = state.sessions.get_mut(id).unwrap();
    session.secret.clone_from(&secret);
    let reached = if state.options.stale_range { session.first_end } else { session.bytes.len() };
    let mut response = Response::builder()
        .status(status)
        .header(LOCATION, format!("{origin}/v2/{name}/blobs/uploads/{id}?_state={secret}"))
        .header(RANGE, format!("0-{}", reached.saturating_sub(1)));
    if let Some(smallest) = state.options.smallest_part {
        response = response.header("oci-chunk-min-length", smallest);
    }
    response.body(Bytes::new()).unwrap()
}

fn part(state: &mut State, asked: &Asked, name: &str, id: &str) -> Response<Bytes> {
    let size = asked.body.len() as u64;
    if state.options.largest_part.is_some_and(|largest| size > largest) {
        return error(416, "SIZE_INVALID", "the part is too large");
    }
    let session = state.sessions.get_mut(id).unwrap();
    let start = asked.header(CONTENT_RANGE.as_str()).and_then(|range| range.split('-').next()?.parse().ok());
    if start != Some(session.bytes.len()) {
        return error(416, "BLOB_UPLOAD_INVALID", "the part does not start where the upload ended");
    }
    if session.bytes.is_empty() {
        session.first_end = asked.body.len();
    }
    let taken = state.options.takes_at_most.map_or(asked.body.len(), |most| most.min(asked.body.len()));
    session.bytes.extend_from_slice(&asked.body[..taken]);
    progress(state, name, id, 202)
}

fn complete(state: &mut State, asked: &Asked, name: &str, id: &str) -> Response<Bytes> {
    if let (PutBody::Refused(status, code), false) = (state.options.put_body, asked.body.is_empty()) {
        return error(status, code, "this registry wants parts");
    }
    let mut bytes = state.sessions.remove(id).unwrap().bytes;
    bytes.extend_from_slice(&asked.body);
    let digest = sha256(&bytes);
    if asked.parameter("digest").as_ref() != Some(&digest) {
        return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    state.blobs.insert(digest.clone(), bytes.into());
    state.owned.insert((name.to_owned(), digest.clone()));
    if !state.options.final_location {
        return plain(201);
    }
    let location = format!("/v2/{name}/blobs/{digest}");
    Response::builder().status(201).header(LOCATION, location).body(Bytes::new()).unwrap()
}
