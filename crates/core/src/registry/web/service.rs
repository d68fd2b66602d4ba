//! A web server that is not a registry, used in the same way: with the same settings, retries, and downloads in
//! ranges.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::oci::{Content, ContentError, Descriptor};
use crate::registry::auth::{Access, Credentials, Keys, basic, bearer};
use crate::registry::client::Client;
use crate::registry::download::RemoteBlob;
use crate::registry::error::Error;
use crate::registry::http::{Call, Endpoint, Then};

/// A web server. Cloning is cheap.
#[derive(Clone)]
pub struct HttpService {
    client: Client,
    base: Url,
}

/// A request to a web server, and its description in messages.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The path segments after the base of the site. Each may contain any characters, including slashes.
    pub path: Vec<String>,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// Completes "cannot …".
    pub attempt: String,
    /// The subject of the error if the answer is 404.
    pub subject: String,
}

/// The address of content, as another server named it.
#[derive(Clone)]
pub struct HttpLocation {
    /// The URL, which may contain a secret.
    pub url: String,
    /// The headers that a request needs, which may be secrets.
    pub headers: BTreeMap<String, String>,
}

impl Client {
    /// The site at `base`, which may have a path. The credentials are sent with every request to its own host, and to
    /// no other.
    pub fn site(&self, base: &str, credentials: Option<&Credentials>) -> Result<HttpService, Error> {
        let unfit = || Error::Setting(format!("`{base}` is not the address of a web server"));
        let base = Url::parse(base).map_err(|_| unfit())?;
        let is_plain = base.username().is_empty() && base.password().is_none() && base.query().is_none();
        if !is_plain || !matches!(base.scheme(), "https" | "http") {
            return Err(unfit());
        }
        Ok(self.site_at(base, credentials.map(header).transpose()?))
    }

    /// Opens content at an address that another server named, starting at `offset`. Its digest and size must be
    /// known, and `question` describes it in messages. An `Authorization` header is sent to that host only.
    pub fn open(
        &self,
        place: &HttpLocation,
        question: &HttpRequest,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<Box<dyn Read + Send>, Error> {
        let wrong = |problem: &str| Error::Protocol { attempt: question.attempt.clone(), problem: problem.to_owned() };
        let url = Url::parse(&place.url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let url = url.ok_or_else(|| wrong("its address is not a URL"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &place.headers {
            let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            let (name, mut value) = header.ok_or_else(|| wrong("its address comes with an invalid header"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let site = self.site_at(url.clone(), headers.remove(AUTHORIZATION));
        let call = Call { url, headers, ..site.call(question) };
        site.blob(call, descriptor).try_open(offset..descriptor.size)
    }

    pub(super) fn site_at(&self, base: Url, authorization: Option<HeaderValue>) -> HttpService {
        HttpService { client: self.with_keys(Keys::Unasked(authorization)), base }
    }
}

fn header(credentials: &Credentials) -> Result<HeaderValue, Error> {
    match credentials {
        Credentials::Password { username, password } => Ok(basic(username, password)),
        Credentials::Bearer(token) | Credentials::IdentityToken(token) => bearer(token)
            .ok_or_else(|| Error::Setting("the token has characters that a header cannot contain".to_owned())),
    }
}

impl HttpService {
    /// The number of connections to the server that are used at once.
    pub fn concurrency(&self) -> usize {
        self.client.concurrency(&self.host())
    }

    /// The host and port, for messages.
    pub fn host(&self) -> String {
        Endpoint::of(&self.base).name
    }

    /// Reads a whole answer of at most `limit` bytes.
    pub fn read(&self, question: &HttpRequest, limit: u64) -> Result<Vec<u8>, Error> {
        let (_, body, _) = self.client.fetch(&self.call(question), limit)?;
        Ok(body)
    }

    /// Reads a whole answer of at most `limit` bytes to a request with one more header.
    ///
    /// The header is sent even without encryption, so the caller must know the server.
    pub(super) fn read_with(
        &self,
        question: &HttpRequest,
        name: HeaderName,
        value: Option<HeaderValue>,
        limit: u64,
    ) -> Result<Vec<u8>, Error> {
        let headers = value.map(|value| (name, value)).into_iter().collect();
        let (_, body, _) = self.client.fetch(&Call { headers, ..self.call(question) }, limit)?;
        Ok(body)
    }

    /// Sends a document of `media_type`, and reads the answer of at most `limit` bytes.
    pub fn ask(
        &self,
        question: &HttpRequest,
        media_type: &'static str,
        body: Vec<u8>,
        limit: u64,
    ) -> Result<Vec<u8>, Error> {
        let media_type = HeaderValue::from_static(media_type);
        let headers = HeaderMap::from_iter([(ACCEPT, media_type.clone()), (CONTENT_TYPE, media_type)]);
        let call = Call { method: Method::POST, headers, body, ..self.call(question) };
        let (_, body, _) = self.client.fetch(&call, limit)?;
        Ok(body)
    }

    /// Reads each page of a list, whose head names the next one (RFC 8288). `read` may return an error in the page.
    pub fn read_pages(
        &self,
        question: &HttpRequest,
        mut read: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), Error> {
        self.client.read_pages(self.call(question), |_, body| read(body).map(|()| Then::Next))
    }

    /// Content with a known digest and size, which may be read over several connections.
    pub fn content(&self, question: &HttpRequest, descriptor: &Descriptor) -> impl Content + use<> {
        SiteContent { blob: self.blob(self.call(question), descriptor), size: descriptor.size }
    }

    fn blob(&self, call: Call, descriptor: &Descriptor) -> RemoteBlob {
        let budget = Arc::clone(self.client.budget(&self.host()));
        RemoteBlob::new(&self.client, budget, call, descriptor)
    }

    fn call(&self, question: &HttpRequest) -> Call {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&question.path);
        }
        url.set_query(question.query.as_deref());
        Call {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            access: Access { endpoint: Endpoint::of(&self.base), rights: None },
            retry: self.client.settings.retry,
            attempt: question.attempt.clone(),
            subject: question.subject.clone(),
        }
    }
}

struct SiteContent {
    blob: RemoteBlob,
    size: u64,
}

impl Content for SiteContent {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        Ok(self.blob.try_open(offset..self.size)?)
    }

    fn open_range(&self, offset: u64, length: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        let end = offset.saturating_add(length).min(self.size);
        // A server without range support also sends what follows.
        Ok(Box::new(self.blob.try_open(offset..end)?.take(end.saturating_sub(offset))))
    }
}
