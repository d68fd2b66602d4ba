//! Sending a blob, where it cannot be mounted: in one PUT where that works, in parts where it does not, from where an attempt stopped.

use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE,
};
use reqwest::{Method, Response, Url};
use tracing::debug;

use super::endpoint::locate;
use super::exchange::{Call, is_challenge, request};
use super::feed::{Feed, fed_body};
use super::repository::PUSH;
use super::retry::Tries;
use super::upload_form::{Parts, SMALL_PART_BYTES, parts_for};
use super::{Error, Repository};
use crate::oci::{Arrival, Content, Descriptor};

/// One blob on its way.
pub(super) struct Upload<'a> {
    repository: &'a Repository,
    descriptor: &'a Descriptor,
    feed: Feed<'a>,
    tries: Tries,
    form: Form,
    /// A session that died is replaced once; a second one would die too.
    restarted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// Parts of this size.
    Parts(u64),
}

/// What a registry calls an upload under way.
struct Session {
    location: Url,
    /// How many bytes the registry has for certain.
    acknowledged: u64,
    /// The smallest part that it takes (distribution-spec 1.1, "Pushing a blob in chunks").
    smallest_part: u64,
    parts: Parts,
}

enum State {
    Open(Session),
    /// The blob is there.
    Done,
}

impl<'a> Upload<'a> {
    pub(super) fn new(repository: &'a Repository, descriptor: &'a Descriptor, content: &'a dyn Content) -> Self {
        let tries = Tries::new(repository.client.settings.retry);
        let feed = Feed::new(content, descriptor);
        Self { repository, descriptor, feed, tries, form: Form::Whole, restarted: false }
    }

    /// Mounts the blob from the repository `origin`, if one is given and the registry does that; else sends it.
    pub(super) fn run(mut self, origin: Option<&str>) -> Result<Arrival, Error> {
        let mut state = match origin {
            Some(origin) => match self.mount(origin)? {
                State::Done => return Ok(Arrival::Mounted),
                session @ State::Open(_) => session,
            },
            None => self.open()?,
        };
        loop {
            let State::Open(mut session) = state else { return Ok(Arrival::Sent) };
            let sent = match self.form {
                Form::Whole => self.send_whole(&session),
                Form::Parts(_) => self.send_parts(&mut session),
            };
            state = match sent {
                Ok(()) => State::Done,
                Err(failure) => self.recover(session, failure)?,
            };
        }
    }

    /// Asks for the blob of another repository (distribution-spec 1.1, "Mounting a blob from another repository"). A registry that
    /// does not give it opens a session instead, which is used.
    fn mount(&self, origin: &str) -> Result<State, Error> {
        let mut call = self.call(Method::POST, None)?;
        let digest = self.descriptor.digest.to_string();
        call.url.query_pairs_mut().append_pair("mount", &digest).append_pair("from", origin);
        if let Some(rights) = &mut call.access.rights {
            rights.origin = Some(origin.to_owned());
        }
        match self.open_with(&call) {
            Err(refusal) if !refusal.is_temporary() => {
                debug!(%refusal, origin, "the registry does not mount");
                self.open()
            }
            answer => answer,
        }
    }

    fn open(&self) -> Result<State, Error> {
        self.open_with(&self.call(Method::POST, None)?)
    }

    fn open_with(&self, call: &Call) -> Result<State, Error> {
        let client = &self.repository.client;
        let response = client.runtime.block_on(client.exchange.send(call))?;
        if response.status().as_u16() == 201 {
            return Ok(State::Done);
        }
        let Some(location) = location(call, &response)? else {
            let problem = format!("`{}` opens an upload and does not say where", call.access.endpoint.name);
            return Err(Error::Protocol { attempt: call.attempt.clone(), problem });
        };
        let smallest_part = number(response.headers(), "oci-chunk-min-length").unwrap_or_default();
        let parts = parts_for(location.host_str().unwrap_or_default(), client.settings.chunk_bytes);
        Ok(State::Open(Session { location, acknowledged: 0, smallest_part, parts }))
    }

    fn send_whole(&mut self, session: &Session) -> Result<(), Error> {
        let call = self.call(Method::PUT, Some(&self.completed(&session.location)))?;
        self.send(call, (0, self.descriptor.size)).map(drop)
    }

    fn send_parts(&mut self, session: &mut Session) -> Result<(), Error> {
        let size = self.descriptor.size;
        while session.acknowledged < size {
            let Form::Parts(part_bytes) = self.form else { break };
            let start = session.acknowledged;
            let end = size.min(start + part_bytes.max(session.smallest_part).max(1));
            let mut call = self.call(Method::PATCH, Some(&session.location))?;
            call.headers.insert(CONTENT_RANGE, header(format!("{start}-{}", end - 1)));
            let response = self.send(call.clone(), (start, end))?;
            session.location = location(&call, &response)?.unwrap_or_else(|| session.location.clone());
            session.acknowledged = acknowledged(response.headers(), start, end).unwrap_or(end);
            self.tries.note_progress();
        }
        let call = self.call(Method::PUT, Some(&self.completed(&session.location)))?;
        self.send(call, (size, size)).map(drop)
    }

    /// Decides how to go on after `failure`, or that it was the last.
    fn recover(&mut self, session: Session, failure: Error) -> Result<State, Error> {
        if self.form == Form::Whole && is_whole_refused(&failure) {
            let Parts::UpTo(part_bytes) = session.parts else {
                return if is_session_lost(&failure) { self.restart(failure) } else { Err(failure) };
            };
            debug!(%failure, "the registry does not take the blob in one piece");
            self.form = Form::Parts(part_bytes);
            return self.open();
        }
        if let (Form::Parts(_), true) = (self.form, is_part_refused(&failure)) {
            return self.shrink(session, failure);
        }
        if is_session_lost(&failure) {
            return self.restart(failure);
        }
        let is_broken = !matches!(failure, Error::Status { .. });
        std::thread::sleep(self.tries.pause_after(failure)?);
        let state = self.resume(session)?;
        if let (Form::Whole, State::Open(session)) = (self.form, &state) {
            self.form = match session.parts {
                Parts::UpTo(part_bytes) if is_broken || session.acknowledged > 0 => Form::Parts(part_bytes),
                _ => Form::Whole,
            };
        }
        Ok(state)
    }

    /// A part was refused: it does not stand where the registry is, or it is too large.
    fn shrink(&mut self, session: Session, failure: Error) -> Result<State, Error> {
        let before = session.acknowledged;
        let state = self.resume(session)?;
        match (&state, self.form) {
            (State::Open(session), Form::Parts(part_bytes)) if session.acknowledged == before => {
                let smaller = SMALL_PART_BYTES.max(session.smallest_part);
                if part_bytes <= smaller {
                    return self.restart(failure);
                }
                self.form = Form::Parts(smaller);
            }
            _ => {}
        }
        Ok(state)
    }

    /// Asks the session how far it got (distribution-spec 1.1, "Pushing a blob in chunks").
    fn resume(&mut self, mut session: Session) -> Result<State, Error> {
        let client = &self.repository.client;
        if session.parts == Parts::Never {
            return self.open_unless_there();
        }
        let call = self.call(Method::GET, Some(&session.location))?;
        match client.runtime.block_on(client.exchange.send(&call)) {
            Ok(response) => {
                let size = self.descriptor.size;
                if let Some(reached) = acknowledged(response.headers(), session.acknowledged, size) {
                    session.acknowledged = reached;
                    self.tries.note_progress();
                }
                session.location = location(&call, &response)?.unwrap_or(session.location);
                Ok(State::Open(session))
            }
            Err(failure @ (Error::NotFound { .. } | Error::Unsupported { .. } | Error::Status { .. }))
                if !failure.is_temporary() =>
            {
                self.restart(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Begins from the first byte, once.
    fn restart(&mut self, failure: Error) -> Result<State, Error> {
        if self.restarted {
            return Err(failure);
        }
        debug!(%failure, "the upload starts again");
        self.restarted = true;
        self.open_unless_there()
    }

    /// A session also ends when its blob is complete and only the answer was lost.
    fn open_unless_there(&self) -> Result<State, Error> {
        if self.repository.holds(self.descriptor)? { Ok(State::Done) } else { self.open() }
    }

    /// Sends the bytes of `range` as the body of `call`; once more, if the registry wants to be convinced anew.
    fn send(&mut self, mut call: Call, range: (u64, u64)) -> Result<Response, Error> {
        let repository = self.repository;
        let (runtime, exchange) = (&repository.client.runtime, &repository.client.exchange);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        call.headers.insert(CONTENT_LENGTH, HeaderValue::from(range.1 - range.0));
        let header = runtime.block_on(exchange.auth.header(&call.access))?;
        let response = self.send_once(&call, range, header.as_ref())?;
        if !is_challenge(&call, &response) {
            return runtime.block_on(exchange.expect_success(&call, response));
        }
        match runtime.block_on(exchange.auth.renew(&call.access, response.headers(), header.as_ref()))? {
            Some(header) => {
                let response = self.send_once(&call, range, Some(&header))?;
                runtime.block_on(exchange.expect_success(&call, response))
            }
            None => runtime.block_on(exchange.expect_success(&call, response)),
        }
    }

    fn send_once(
        &mut self,
        call: &Call,
        range: (u64, u64),
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Error> {
        let client = &self.repository.client;
        let (sender, body) = fed_body();
        let request = request(call, &call.url, authorization, (range.0 < range.1).then_some(body));
        let (exchange, attempt) = (client.exchange.clone(), call.attempt.clone());
        let answer = client.runtime.spawn(async move { exchange.transport.send(request, &attempt).await });
        self.feed.run(&client.runtime, range, sender, answer, client.exchange.timeouts, &call.attempt)
    }

    fn call(&self, method: Method, location: Option<&Url>) -> Result<Call, Error> {
        let subject = format!("{}@{}", self.repository, self.descriptor.digest);
        let mut call =
            self.repository.call(method, "blobs/uploads/", PUSH, format!("send blob `{subject}`"), subject)?;
        if let Some(location) = location {
            call.url.clone_from(location);
        }
        Ok(call)
    }

    /// The location that completes the upload; what is in its query already belongs to the registry.
    fn completed(&self, location: &Url) -> Url {
        let mut url = location.clone();
        url.query_pairs_mut().append_pair("digest", &self.descriptor.digest.to_string());
        url
    }
}

/// The size is refused, or the whole form is: chunks may do.
fn is_whole_refused(failure: &Error) -> bool {
    match failure {
        Error::Status { status: 404 | 413 | 416, .. } | Error::Unsupported { .. } => true,
        Error::Status { status: 400, source, .. } => {
            source.as_ref().is_some_and(|answer| answer.has_code("SIZE_INVALID"))
        }
        _ => false,
    }
}

fn is_part_refused(failure: &Error) -> bool {
    matches!(failure, Error::Status { status: 413 | 416, .. })
}

fn is_session_lost(failure: &Error) -> bool {
    match failure {
        Error::Status { status: 404, .. } => true,
        Error::Status { source: Some(answer), .. } => {
            answer.has_code("BLOB_UPLOAD_UNKNOWN") || answer.has_code("BLOB_UPLOAD_INVALID")
        }
        _ => false,
    }
}

/// How far a `Range: 0-<last>` says that the upload is, if that is further than `start` and not beyond `end`.
///
/// Amazon's registry keeps the range of the first part (aws/containers-roadmap#2831), so only growth is believed. And
/// docker's registry says `0-0` for nothing as well as for one byte.
fn acknowledged(headers: &HeaderMap, start: u64, end: u64) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    let last: u64 = range.trim_start_matches("bytes=").strip_prefix("0-")?.trim().parse().ok()?;
    let reached = last.checked_add(1)?;
    (last > 0 && reached > start && reached <= end).then_some(reached)
}

/// Where the answer says that the upload goes on.
fn location(call: &Call, response: &Response) -> Result<Option<Url>, Error> {
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = location.to_str().map_err(|_| "it gives a location that is no URL");
    let located = location.and_then(|location| locate(response.url(), location));
    located.map(Some).map_err(|problem| Error::Protocol {
        attempt: call.attempt.clone(),
        problem: format!("`{}` says where to send it, but {problem}", call.access.endpoint.name),
    })
}

fn number(headers: &HeaderMap, name: &'static str) -> Option<u64> {
    headers.get(HeaderName::from_static(name))?.to_str().ok()?.parse().ok()
}

fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits are fit for a header")
}
