//! One request and its answer: authorised, redirected, retried, and refusals turned into errors.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Body, Method, Request, Response, StatusCode, Url};

use super::answer::Answer;
use super::document::read_capped;
use super::endpoint::locate;
use super::retry::{RetryPolicy, RetryState, parse_retry_after, retrying};
use super::transport::{Transport, host_and_port};
use crate::limits;
use crate::registry::auth::{Access, Auth, Keys};
use crate::registry::error::Error;
use crate::registry::settings::Timeouts;

/// A request with a small body or none, and its description in messages.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) access: Access,
    /// The limits for repeating the request.
    pub(crate) retry: RetryPolicy,
    /// Completes "cannot …".
    pub(crate) attempt: String,
    /// The subject of the error if the answer is 404.
    pub(crate) subject: String,
}

/// The state that all requests share. It holds no runtime, so that tasks of the runtime may hold it.
pub(crate) struct Exchange {
    pub(crate) transport: Arc<Transport>,
    pub(crate) auth: Auth,
    pub(crate) timeouts: Timeouts,
}

impl Exchange {
    pub(crate) fn new(transport: Arc<Transport>, keys: Keys, retry: RetryPolicy, timeouts: Timeouts) -> Self {
        let auth = Auth::new(keys, Arc::clone(&transport), retry, timeouts);
        Self { transport, auth, timeouts }
    }

    /// Sends `call` until the answer is a success, within the limits of its retry policy.
    pub(crate) async fn send(&self, call: &Call) -> Result<Response, Error> {
        retrying(self.tries(call), async || self.send_once(call).await).await
    }

    /// Like [`send`](Self::send), but also reads the body, as part of each attempt.
    pub(crate) async fn fetch(&self, call: &Call, limit: u64) -> Result<(HeaderMap, Vec<u8>, Url), Error> {
        retrying(self.tries(call), async || {
            let response = self.send_once(call).await?;
            let (headers, url) = (response.headers().clone(), response.url().clone());
            let body = read_capped(response, limit, &call.attempt, self.timeouts).await?;
            Ok((headers, body, url))
        })
        .await
    }

    /// The attempts of `call`.
    pub(crate) fn tries(&self, call: &Call) -> RetryState {
        RetryState::new(call.retry).reporting(self.transport.waits())
    }

    /// Sends `call` and turns any answer but a success into an error.
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

    /// Turns any answer but a success into an error with the registry's own message.
    pub(crate) async fn expect_success(&self, call: &Call, response: Response) -> Result<Response, Error> {
        if call.access.endpoint.owns(response.url()) {
            self.transport.report_warnings(&call.access.endpoint.name, response.headers());
        }
        if response.status().is_success() {
            return if is_web_page(call, &response) { Err(self.web_page(call, &response)) } else { Ok(response) };
        }
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            && let Some(proxy) = self.transport.proxy_of(response.url())
        {
            return Err(Error::ProxyCredentials { proxy });
        }
        if let Some(refusal) = self.refused_by_proxy(&response) {
            return Err(refusal);
        }
        if let Some(refusal) = refused_redirect(call, &response) {
            return Err(refusal);
        }
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        // The message is only an explanation; if it cannot be read, the status still identifies the failure.
        let body = read_capped(response, limits::ERROR_ANSWER_BYTES, &call.attempt, self.timeouts).await;
        let body = body.unwrap_or_default();
        let source = Answer::of(&headers, &body, self.transport.sent_secrets());
        let (registry, attempt) = (call.access.endpoint.name.clone(), call.attempt.clone());
        let is_registry = call.access.endpoint.owns(&url);
        Err(match status {
            StatusCode::UNAUTHORIZED if is_registry => self.auth.refusal(&call.access, source).await,
            StatusCode::FORBIDDEN if is_registry => Error::Denied { registry, attempt, source },
            // A write with this answer misses something else, such as a blob of the manifest; the message names it.
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

    /// The error for a page with the status 403 in place of the answer of a registry. Over https, a proxy does not
    /// answer.
    fn refused_by_proxy(&self, response: &Response) -> Option<Error> {
        let url = response.url();
        let is_page = response.status() == StatusCode::FORBIDDEN && is_html(response) && url.scheme() == "http";
        let proxy = self.transport.proxy_of(url).filter(|_| is_page)?;
        Some(Error::ProxyRefused { proxy, host: host_and_port(url), status: response.status().as_u16() })
    }

    /// The error for a page for a browser.
    pub(crate) fn web_page(&self, call: &Call, response: &Response) -> Error {
        let (host, attempt) = (host_and_port(response.url()), call.attempt.clone());
        Error::WebPage { host, attempt, proxy: self.transport.proxy_of(response.url()) }
    }

    /// Follows redirects, which blobs in object stores need. `Authorization` is sent to the registry only.
    async fn follow(&self, call: &Call, authorization: Option<&HeaderValue>) -> Result<Response, Error> {
        let mut url = call.url.clone();
        for _ in 0..=limits::REDIRECTS {
            let request = request(call, &url, authorization, None);
            let response = self.transport.execute(request, &call.attempt, self.timeouts.silence).await?;
            let Some(next) = kept_redirect(call, &response)? else { return Ok(response) };
            url = next;
        }
        let problem = format!("`{}` redirects more than {} times", call.access.endpoint.name, limits::REDIRECTS);
        Err(Error::Protocol { attempt: call.attempt.clone(), problem })
    }
}

/// The request for `url`, which is that of `call` or a redirect of it; with `body` instead of the call's own.
pub(crate) fn request(call: &Call, url: &Url, authorization: Option<&HeaderValue>, body: Option<Body>) -> Request {
    let mut request = Request::new(call.method.clone(), url.clone());
    request.headers_mut().clone_from(&call.headers);
    if let Some(authorization) = authorization.filter(|_| call.access.endpoint.owns(url)) {
        request.headers_mut().insert(AUTHORIZATION, authorization.clone());
    }
    if body.is_none() && call.body.is_empty() && call.method != Method::GET && call.method != Method::HEAD {
        // hyper omits it, and registries require it (distribution-spec 1.1, "Pushing a blob monolithically").
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
    let own = || (!call.body.is_empty()).then(|| call.body.clone().into());
    *request.body_mut() = body.or_else(own);
    request
}

/// Returns true if `response` is a request for credentials of the registry itself, not of a server that it redirected
/// to.
pub(crate) fn is_challenge(call: &Call, response: &Response) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && call.access.endpoint.owns(response.url())
}

/// The pause that a response requests.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, Timestamp::now())
}

/// Returns true if a page for a browser answers a request to the API of a registry, as that of a login or a proxy does.
/// Blobs may have any type, and so may answers to a write. Quay answers `/v2/` in HTML, with the header of the API.
fn is_web_page(call: &Call, response: &Response) -> bool {
    let path = call.url.path();
    let is_of_api = path.contains("/v2/") && !path.contains("/blobs/") && is_read(&call.method);
    is_of_api && is_html(response) && !response.headers().contains_key("docker-distribution-api-version")
}

/// Returns true if the answer is HTML.
pub(crate) fn is_html(response: &Response) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Returns true if the request is about something that must already exist.
fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::DELETE)
}

/// Returns the URL that a response redirects `call` to. A write is only redirected by statuses that keep its method and
/// its body (RFC 9110, 15.4.8 and 15.4.9).
pub(crate) fn kept_redirect(call: &Call, response: &Response) -> Result<Option<Url>, Error> {
    let is_read = matches!(call.method, Method::GET | Method::HEAD);
    let is_kept = match response.status().as_u16() {
        301..=303 => is_read,
        307 | 308 => true,
        _ => false,
    };
    let Some(location) = response.headers().get(LOCATION).filter(|_| is_kept) else { return Ok(None) };
    let next = location.to_str().map_err(|_| "its location is not a URL");
    let next = next.and_then(|next| locate(response.url(), next)).map_err(|problem| Error::Protocol {
        attempt: call.attempt.clone(),
        problem: format!("`{}` redirects, but {problem}", call.access.endpoint.name),
    })?;
    Ok(Some(next))
}

/// The error for a write that is redirected as if it were a read.
fn refused_redirect(call: &Call, response: &Response) -> Option<Error> {
    let status = response.status().as_u16();
    let location = response.headers().get(LOCATION).filter(|_| matches!(status, 301..=303))?;
    let next = locate(response.url(), location.to_str().ok()?).ok()?;
    let (registry, attempt) = (call.access.endpoint.name.clone(), call.attempt.clone());
    Some(Error::WriteRedirected { registry, attempt, host: host_and_port(&next), status })
}
