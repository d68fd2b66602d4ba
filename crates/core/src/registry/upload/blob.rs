//! Uploading a blob: mounted if possible, otherwise in one PUT, or in parts if that fails or to resume an interrupted
//! attempt.

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response, Url};
use tracing::debug;

use super::capabilities::{Capability, Feature};
use super::feed::{Feed, fed_body};
use super::form::{First, Parts, UploadForm, smaller_part};
use super::journal::Journal;
use super::refusal::{
    are_parts_refused, is_digest_refused, is_part_refused, is_session_lost, is_session_named, is_too_large,
    is_whole_refused, read_only,
};
use super::session::{Session, State, acknowledged, location};
use crate::limits;
use crate::oci::{BlobOutcome, Content, Descriptor, Target as _};
use crate::registry::error::{Cause, Error};
use crate::registry::http::{Call, RetryState, host_and_port, is_challenge, kept_redirect, request};
use crate::registry::repository::{PUSH, Repository};

/// The upload of one blob.
pub(crate) struct Upload<'a> {
    pub(super) repository: &'a Repository,
    pub(super) descriptor: &'a Descriptor,
    feed: Feed<'a>,
    tries: RetryState,
    /// The form that the user requested.
    requested_form: Option<UploadForm>,
    /// The size above which a blob is sent in parts of this size from the start, if the registry accepts parts.
    pub(super) resumable_bytes: u64,
    form: Form,
    /// Set if one PUT, which every registry must accept, was tried.
    tried_whole: bool,
    /// Set if a lost session was replaced, which happens once; a second one would be lost too.
    restarted: bool,
    /// The journal of a blob that is large enough to be resumed by another process.
    pub(super) journal: Option<Journal>,
    /// The features that the registry refused; they are remembered if the upload succeeds without them.
    observed: Vec<(Feature, Capability)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// In parts of this size.
    Parts(u64),
}

impl<'a> Upload<'a> {
    pub(crate) fn new(repository: &'a Repository, descriptor: &'a Descriptor, content: &'a dyn Content) -> Self {
        let settings = &repository.client.settings;
        Self {
            repository,
            descriptor,
            feed: Feed::new(content, descriptor),
            tries: RetryState::of_a_blob(settings.retry).reporting(repository.client.exchange.transport.waits()),
            requested_form: settings.upload_of(repository.registry()),
            resumable_bytes: settings.resumable_bytes_of(repository.registry()),
            form: Form::Whole,
            tried_whole: false,
            restarted: false,
            journal: None,
            observed: Vec::new(),
        }
    }

    /// Mounts the blob from the repository `origin`, if one is given and the registry supports that; else sends it.
    pub(crate) fn run(mut self, origin: Option<&str>) -> Result<BlobOutcome, Error> {
        let (mut state, outcome) = match (self.go_on()?, origin) {
            (Some(session), _) => (State::Open(session), BlobOutcome::Sent { resumed_bytes: 0 }),
            (None, Some(origin)) => (self.mount(origin)?, BlobOutcome::Mounted),
            (None, None) if self.repository.finds_on_put(self.descriptor) => {
                (self.mount(self.repository.name())?, BlobOutcome::Present)
            }
            (None, None) => {
                // A session can expire while a slow source sends its first byte.
                self.feed.begin()?;
                (self.open()?, BlobOutcome::Sent { resumed_bytes: 0 })
            }
        };
        let outcome = match &state {
            State::Done => outcome,
            State::Open(session) => {
                self.form = self.first_form(session);
                BlobOutcome::Sent { resumed_bytes: session.acknowledged }
            }
        };
        while let State::Open(mut session) = state {
            let sent = match self.form {
                Form::Whole => self.send_whole(&session),
                Form::Parts(_) => self.send_parts(&mut session),
            };
            state = match sent {
                Ok(()) => {
                    self.learn(&session);
                    State::Done
                }
                Err(failure) => self.recover(session, failure)?,
            };
        }
        if let Some(journal) = self.journal {
            journal.close();
        }
        // An upload that had to start again has resumed nothing.
        Ok(if self.tried_whole || self.restarted { BlobOutcome::Sent { resumed_bytes: 0 } } else { outcome })
    }

    fn learn(&mut self, session: &Session) {
        if !self.observed.is_empty() {
            self.repository.client.capabilities.note(&host_and_port(&session.location), self.observed.drain(..));
        }
    }

    fn first_form(&self, session: &Session) -> Form {
        let (settings, needs, size) = (&self.repository.client.settings, &session.needs, self.descriptor.size);
        let is_resumable = size > self.resumable_bytes && needs.first == First::Parts;
        let part_bytes = if session.acknowledged > 0 || is_resumable {
            // A session with confirmed parts proves that the registry accepts parts.
            Some(needs.part_bytes(self.resumable_bytes).unwrap_or(self.resumable_bytes))
        } else if needs.whole_at_most.is_some_and(|most| size > most) {
            needs.part_bytes(settings.chunk_bytes)
        } else {
            None
        };
        part_bytes.map_or(Form::Whole, Form::Parts)
    }

    /// Mounts the blob from another repository (distribution-spec 1.1, "Mounting a blob from another repository"). A
    /// registry that cannot mount it opens a session instead, which is used.
    ///
    /// From the repository itself, this asks for the blob and opens a session in one request.
    pub(crate) fn mount(&self, origin: &str) -> Result<State, Error> {
        let mut call = self.call(Method::POST, None)?;
        let digest = self.descriptor.digest.to_string();
        call.url.query_pairs_mut().append_pair("mount", &digest).append_pair("from", origin);
        if let Some(rights) = call.access.rights.as_mut().filter(|rights| rights.repository != origin) {
            rights.origin = Some(origin.to_owned());
        }
        match self.open_with(&call) {
            Err(refusal) if !refusal.is_temporary() => {
                debug!(%refusal, origin, "the registry does not mount the blob");
                self.open()
            }
            answer => answer,
        }
    }

    pub(crate) fn open(&self) -> Result<State, Error> {
        self.open_with(&self.call(Method::POST, None)?).map_err(read_only)
    }

    fn open_with(&self, call: &Call) -> Result<State, Error> {
        let client = &self.repository.client;
        let response = client.send(call)?;
        if response.status().as_u16() == 201 {
            return Ok(State::Done);
        }
        let Some(location) = location(call, &response)? else {
            let problem = format!("`{}` opens an upload without a location", call.access.endpoint.name);
            return Err(Error::Protocol { attempt: call.attempt.clone(), problem });
        };
        Ok(State::Open(self.session(location, &response)))
    }

    pub(super) fn session(&self, location: Url, answer: &Response) -> Session {
        Session::new(&self.repository.client, location, answer.headers(), self.requested_form)
    }

    fn send_whole(&mut self, session: &Session) -> Result<(), Error> {
        self.tried_whole = true;
        let call = self.call(Method::PUT, Some(&self.completed(&session.location)))?;
        self.send(call, (0, self.descriptor.size)).map(drop)
    }

    fn send_parts(&mut self, session: &mut Session) -> Result<(), Error> {
        let size = self.descriptor.size;
        while session.acknowledged < size {
            let Form::Parts(part_bytes) = self.form else { break };
            self.note(session);
            let start = session.acknowledged;
            let end = size.min(start + part_bytes.max(session.smallest_part).max(1));
            let mut call = self.call(Method::PATCH, Some(&session.location))?;
            call.headers.insert(CONTENT_RANGE, header(format!("{start}-{}", end - 1)));
            let response = self.send(call.clone(), (start, end))?;
            session.location = location(&call, &response)?.unwrap_or_else(|| session.location.clone());
            session.acknowledged = acknowledged(response.headers(), start, end).unwrap_or(end);
            self.tries.note_progress();
        }
        self.note(session);
        let call = self.call(Method::PUT, Some(&self.completed(&session.location)))?;
        self.send(call, (size, size)).map(drop)
    }

    /// Decides how to continue after `failure`, or returns it if that is impossible.
    fn recover(&mut self, session: Session, failure: Error) -> Result<State, Error> {
        if is_digest_refused(&failure) && self.feed.report_mismatch() {
            debug!(%failure, "the content was wrong; it is read from another source");
            return self.open();
        }
        if !self.tried_whole && are_parts_refused(&session, &failure) {
            debug!(%failure, "the registry does not accept the blob in parts");
            self.form = Form::Whole;
            self.observed = vec![(Feature::Parts, Capability::new(false, None))];
            return self.open();
        }
        if self.form == Form::Whole && is_whole_refused(&failure) {
            let Some(part_bytes) = session.needs.part_bytes(self.repository.client.settings.chunk_bytes) else {
                return if is_session_lost(&failure) { self.restart(failure) } else { Err(failure) };
            };
            debug!(%failure, "the registry does not accept the blob in one PUT");
            if !is_session_named(&failure) {
                self.observed =
                    vec![(Feature::Whole, Capability::new(true, Some(self.descriptor.size.saturating_sub(1))))];
            }
            self.form = Form::Parts(part_bytes);
            return self.open();
        }
        if let (Form::Parts(_), true) = (self.form, is_part_refused(&failure)) {
            return self.shrink(session, failure);
        }
        if is_session_lost(&failure) {
            return self.restart(failure);
        }
        let (is_broken, reason) = (!matches!(failure.failure(), Error::Status { .. }), Cause::of(&failure));
        let state = match self.resume_in_time(&session, failure) {
            // The session is lost because of the failure, which is more helpful than "not found".
            Err(Error::NotFound { .. }) if is_broken => {
                return Err(Error::Broken { attempt: self.attempt(), source: reason });
            }
            state => state?,
        };
        if let (Form::Whole, State::Open(session)) = (self.form, &state) {
            let part_bytes = session.needs.part_bytes(self.repository.client.settings.chunk_bytes);
            let part_bytes = part_bytes.filter(|_| is_broken || session.acknowledged > 0);
            self.form = part_bytes.map_or(Form::Whole, Form::Parts);
        }
        Ok(state)
    }

    /// Waits and queries the session, until it answers or the blob has failed for too long: the registry may be away
    /// for some time.
    fn resume_in_time(&mut self, session: &Session, mut failure: Error) -> Result<State, Error> {
        loop {
            std::thread::sleep(self.tries.pause_after(failure)?);
            match self.resume(session.clone()) {
                Err(again) if again.is_temporary() => failure = again,
                answer => return answer,
            }
        }
    }

    /// Handles a refused part: it does not start where the registry stopped, or it is too large.
    fn shrink(&mut self, session: Session, failure: Error) -> Result<State, Error> {
        let before = session.acknowledged;
        let state = self.resume(session)?;
        match (&state, self.form) {
            (State::Open(session), Form::Parts(part_bytes)) if session.acknowledged == before => {
                let sent = part_bytes.min(self.descriptor.size - before);
                let Some(smaller) = smaller_part(sent, session.smallest_part) else {
                    return if is_too_large(&failure) { Err(failure) } else { self.restart(failure) };
                };
                self.form = Form::Parts(smaller);
                self.observed.push((Feature::Parts, Capability::new(true, Some(smaller))));
            }
            _ => {}
        }
        Ok(state)
    }

    /// Queries the progress of the session (distribution-spec 1.1, "Pushing a blob in chunks").
    fn resume(&mut self, mut session: Session) -> Result<State, Error> {
        let client = &self.repository.client;
        if session.needs.parts == Parts::Never {
            return self.open_unless_there();
        }
        let call = self.call(Method::GET, Some(&session.location))?;
        match client.send(&call) {
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

    /// Starts again from the first byte, once.
    fn restart(&mut self, failure: Error) -> Result<State, Error> {
        if self.restarted {
            return Err(failure);
        }
        debug!(%failure, "the upload starts again");
        self.restarted = true;
        self.open_unless_there()
    }

    /// Opens a new session, unless the blob exists: a session also ends when its blob is complete and only the answer
    /// was lost.
    fn open_unless_there(&self) -> Result<State, Error> {
        if self.repository.holds(self.descriptor)? { Ok(State::Done) } else { self.open() }
    }

    /// Sends the bytes of `range` as the body of `call`, and a second time if the registry requires new
    /// authentication.
    fn send(&mut self, mut call: Call, range: (u64, u64)) -> Result<Response, Error> {
        let client = &self.repository.client;
        let exchange = &client.exchange;
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        call.headers.insert(CONTENT_LENGTH, HeaderValue::from(range.1 - range.0));
        let header = client.wait(exchange.auth.header(&call.access))?;
        let mut response = self.send_redirected(&mut call, range, header.as_ref())?;
        if is_challenge(&call, &response) {
            let renewed = client.wait(exchange.auth.renew(&call.access, response.headers(), header.as_ref()))?;
            if renewed.is_some() {
                response = self.send_redirected(&mut call, range, renewed.as_ref())?;
            }
        }
        client.wait(exchange.expect_success(&call, response))
    }

    /// Sends the bytes of `range`, to another place if the registry redirects there.
    fn send_redirected(
        &mut self,
        call: &mut Call,
        range: (u64, u64),
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Error> {
        for _ in 0..limits::REDIRECTS {
            let response = self.send_once(call, range, authorization)?;
            let Some(next) = kept_redirect(call, &response)? else { return Ok(response) };
            call.url = next;
        }
        let problem = format!("`{}` redirects more than {} times", call.access.endpoint.name, limits::REDIRECTS);
        Err(Error::Protocol { attempt: call.attempt.clone(), problem })
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
        let answer = client.tasks().spawn(async move { exchange.transport.send(request, &attempt).await });
        self.feed.run(client, range, sender, answer, &call.attempt)
    }

    pub(crate) fn call(&self, method: Method, location: Option<&Url>) -> Result<Call, Error> {
        let mut call = self.repository.call(method, "blobs/uploads/", PUSH, self.attempt(), self.name())?;
        if let Some(location) = location {
            call.url.clone_from(location);
        }
        Ok(call)
    }

    /// Completes "cannot …".
    pub(crate) fn attempt(&self) -> String {
        format!("send blob `{}`", self.name())
    }

    pub(super) fn name(&self) -> String {
        format!("{}@{}", self.repository, self.descriptor.digest)
    }

    /// The URL that completes the upload. The registry's own query parameters are kept.
    pub(crate) fn completed(&self, location: &Url) -> Url {
        let mut url = location.clone();
        url.query_pairs_mut().append_pair("digest", &self.descriptor.digest.to_string());
        url
    }
}

fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits are fit for a header")
}
