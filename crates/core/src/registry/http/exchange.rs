//! One request and its answer: authorised, redirected, retried, and refusals turned into errors.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Body, Method, Request, Response, StatusCode, Url};

use super::answer::{ANSWER_LIMIT, Answer};
use super::document::read_capped;
use super::endpoint::locate;
use super::retry::{RetryPolicy, RetryState, parse_retry_after, retrying};
use super::transport::{Transport, host_and_port};
use crate::registry::auth::{Access, Auth, Keys};
use crate::registry::error::Error;
use crate::registry::settings::Timeouts;

/// As many as curl and the Go tools follow at least.
const REDIRECTS_LIMIT: usize = 10;

/// A request with a small body or none, and what messages say about it.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) access: Access,
    /// How often and how long it is tried.
    pub(crate) retry: RetryPolicy,
    /// Completes "cannot …".
    pub(crate) attempt: String,
    /// What is missing if the answer is 404.
    pub(crate) subject: String,
}

/// Everything that requests share. Knows no runtime, so that the tasks of the runtime may hold it.
pub(crate) struct Exchange {
    pub(crate) transport: Arc<Transport>,
    pub(crate) auth: Auth,
    pub(crate) timeouts: Timeouts,
}

impl Exchange {
    pub(crate) fn new(transport: Arc<Transport>, keys: Keys, retry: RetryPolicy, timeouts: Timeouts) -> Self {
        let auth = Auth::new(keys, Arc::clone(&transport), retry, timeouts.silence);
        Self { transport, auth, timeouts }
    }

    /// Sends `call` as often as its policy allows, until the answer is a success.
    pub(crate) async fn send(&self, call: &Call) -> Result<Response, Error> {
        retrying(RetryState::new(call.retry), async || self.send_once(call).await).await
    }

    /// Like [`send`](Self::send), and reads the body too, as part of the attempt.
    pub(crate) async fn fetch(&self, call: &Call, limit: u64) -> Result<(HeaderMap, Vec<u8>, Url), Error> {
        retrying(RetryState::new(call.retry), async || {
            let response = self.send_once(call).await?;
            let (headers, url) = (response.headers().clone(), response.url().clone());
            let body = read_capped(response, limit, &call.attempt, self.timeouts.silence).await?;
            Ok((headers, body, url))
        })
        .await
    }

    /// Sends `call` and turns everything but a success into an error.
    pub(crate) async fn send_once(&self, call: &Call) -> Result<Response, Error> {
        let header = self.auth.header(&call.access).await?;
        let response = self.follow(call, header.as_ref()).await?;
        if !is_challenge(call, &response) {
            return self.expect_success(call, response).await;
        }
        match self.auth.renew(&call.access, response.headers(), header.as_ref()).await {
            Ok(Some(header)) => {
                let response = self.follow(call, Some(&header)).await?;
                self.expect_success(call, response).await
            }
            Ok(None) => self.expect_success(call, response).await,
            Err(error) => Err(error),
        }
    }

    /// Turns everything but a success into an error with the registry's own words.
    pub(crate) async fn expect_success(&self, call: &Call, response: Response) -> Result<Response, Error> {
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        // The words only explain; if they cannot be read, the status still says what happened.
        let body = read_capped(response, ANSWER_LIMIT, &call.attempt, self.timeouts.silence).await.unwrap_or_default();
        let source = Answer::of(&headers, &body);
        let (registry, attempt) = (call.access.endpoint.name.clone(), call.attempt.clone());
        let is_registry = call.access.endpoint.owns(&url);
        Err(match status {
            StatusCode::UNAUTHORIZED if is_registry => self.auth.refusal(&call.access, source).await,
            StatusCode::FORBIDDEN if is_registry => Error::Denied { registry, attempt, source },
            // A write that is answered so misses something else, such as a blob of the manifest; the words tell what.
            StatusCode::NOT_FOUND if is_read(&call.method) => Error::NotFound { subject: call.subject.clone(), source },
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                Error::Unsupported { registry, attempt, source }
            }
            _ if source.as_ref().is_some_and(|answer| answer.has_code("UNSUPPORTED")) => {
                Error::Unsupported { registry, attempt, source }
            }
            status => {
                let (host, retry_after) = (host_and_port(&url), retry_after(&headers));
                Error::Status { host, attempt, status: status.as_u16(), retry_after, source }
            }
        })
    }

    /// Follows redirects, as blobs in object stores need them. `Authorization` stays with the registry.
    async fn follow(&self, call: &Call, authorization: Option<&HeaderValue>) -> Result<Response, Error> {
        let mut url = call.url.clone();
        for _ in 0..=REDIRECTS_LIMIT {
            let request = request(call, &url, authorization, None);
            let response = self.transport.execute(request, &call.attempt, self.patience(&call.method)).await?;
            let Some(location) = redirection(call, &response) else { return Ok(response) };
            let next = location.to_str().map_err(|_| "it gives a location that is no URL");
            url = next.and_then(|next| locate(&url, next)).map_err(|problem| Error::Protocol {
                attempt: call.attempt.clone(),
                problem: format!("`{}` redirects, but {problem}", call.access.endpoint.name),
            })?;
        }
        let problem = format!("`{}` redirects more than {REDIRECTS_LIMIT} times", call.access.endpoint.name);
        Err(Error::Protocol { attempt: call.attempt.clone(), problem })
    }

    /// A registry may move or hash the whole blob before it answers the PUT that completes it.
    fn patience(&self, method: &Method) -> Duration {
        if *method == Method::PUT { self.timeouts.commit } else { self.timeouts.silence }
    }
}

/// The request for `url`, which is that of `call` or one that it was redirected to; with `body` instead of the call's own.
pub(crate) fn request(call: &Call, url: &Url, authorization: Option<&HeaderValue>, body: Option<Body>) -> Request {
    let mut request = Request::new(call.method.clone(), url.clone());
    request.headers_mut().clone_from(&call.headers);
    if let Some(authorization) = authorization.filter(|_| call.access.endpoint.owns(url)) {
        request.headers_mut().insert(AUTHORIZATION, authorization.clone());
    }
    if body.is_none() && call.body.is_empty() && call.method != Method::GET && call.method != Method::HEAD {
        // hyper leaves it out, and registries want it (distribution-spec 1.1, "Pushing a blob monolithically").
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
    let own = || (!call.body.is_empty()).then(|| call.body.clone().into());
    *request.body_mut() = body.or_else(own);
    request
}

/// Whether `response` is the registry's own wish for credentials, not that of a place it redirected to.
pub(crate) fn is_challenge(call: &Call, response: &Response) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && call.access.endpoint.owns(response.url())
}

/// The pause that a response asks for.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, Timestamp::now())
}

/// Whether the request is about something that must be there already.
fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::DELETE)
}

fn redirection<'a>(call: &Call, response: &'a Response) -> Option<&'a HeaderValue> {
    let is_followed = matches!(call.method, Method::GET | Method::HEAD);
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| is_followed && is_redirect)
}
