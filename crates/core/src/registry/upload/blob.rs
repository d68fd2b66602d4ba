//! Uploading a blob: mounted if possible, otherwise in one PUT, or in parts if that fails or to resume an interrupted
//! attempt.

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response, Url};
use tracing::debug;

use super::capabilities::{Capability, Feature};
use super::feed::{Feed, fed_body};
use super::form::{First, UploadForm};
use super::journal::Journal;
use super::refusal::read_only;
use super::session::{Session, State, acknowledged, location};
use crate::limits;
use crate::oci::{BlobOutcome, Content, Descriptor, Target as _};
use crate::registry::error::Error;
use crate::registry::http::{Call, RetryState, host_and_port, is_challenge, is_html, kept_redirect, request};
use crate::registry::repository::{PUSH, Repository};

/// The upload of one blob.
pub(crate) struct Upload<'a> {
    pub(super) repository: &'a Repository,
    pub(super) descriptor: &'a Descriptor,
    pub(super) feed: Feed<'a>,
    pub(super) tries: RetryState,
    /// The form that the user requested.
    pub(super) requested_form: Option<UploadForm>,
    /// The size above which a blob is sent in parts of this size from the start, if the registry accepts parts.
    pub(super) resumable_bytes: u64,
    pub(super) form: Form,
    /// Set if one PUT, which every registry must accept, was tried.
    pub(super) tried_whole: bool,
    /// The largest number of bytes that a session has confirmed. Only more of them are progress: a session that starts
    /// again first sends what an earlier one had.
    pub(super) reached: u64,
    /// Set if a lost session was replaced.
    pub(super) restarted: bool,
    /// Set if a session was lost for no visible reason: a second one would be lost too.
    pub(super) is_last_session: bool,
    /// The journal of a blob that is large enough to be resumed by another process.
    pub(super) journal: Option<Journal>,
    /// The features that the registry refused; they are remembered if the upload succeeds without them.
    pub(super) observed: Vec<(Feature, Capability)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
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
            reached: 0,
            restarted: false,
            is_last_session: false,
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
            if is_html(&response) {
                return Err(client.exchange.web_page(call, &response));
            }
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
            self.note_progress(session.acknowledged);
        }
        self.note(session);
        let call = self.call(Method::PUT, Some(&self.completed(&session.location)))?;
        self.send(call, (size, size)).map(drop)
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
        call.retry = self.tries.policy_of_part();
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
