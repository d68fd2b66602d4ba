//! A web server that is no registry, reached as registries are: with the same settings, retries, and downloads in ranges.

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
use crate::registry::http::{Call, Endpoint, Exchange, Then};

/// A web server. Cloning is cheap.
#[derive(Clone)]
pub struct HttpService {
    client: Client,
    exchange: Arc<Exchange>,
    base: Url,
}

/// What is asked of a site, and what messages say about it.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The names on the way from the base of the site. Each may hold any signs, slashes too.
    pub path: Vec<String>,
    /// What follows the question mark.
    pub query: Option<&'static str>,
    /// Completes "cannot …".
    pub attempt: String,
    /// What is missing if the answer is 404.
    pub subject: String,
}

/// Where content is, as another server tells.
#[derive(Clone)]
pub struct HttpLocation {
    /// It may hold a secret.
    pub url: String,
    /// What a request needs; they may be secrets.
    pub headers: BTreeMap<String, String>,
}

impl Client {
    /// The site at `base`, which may have a path. The credentials go with every request to its own host, and to no other.
    pub fn site(&self, base: &str, credentials: Option<&Credentials>) -> Result<HttpService, Error> {
        let unfit = || Error::Setting(format!("`{base}` is not the address of a web server"));
        let base = Url::parse(base).map_err(|_| unfit())?;
        let is_plain = base.username().is_empty() && base.password().is_none() && base.query().is_none();
        if !is_plain || !matches!(base.scheme(), "https" | "http") {
            return Err(unfit());
        }
        Ok(self.site_at(base, credentials.map(header).transpose()?))
    }

    /// Opens content at a place that another server named, from `offset` on; its digest and size are known, and `question` says what
    /// it is. An `Authorization` among the headers goes to that host, and to no other.
    pub fn open(
        &self,
        place: &HttpLocation,
        question: &HttpRequest,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<Box<dyn Read + Send>, Error> {
        let wrong = |problem: &str| Error::Protocol { attempt: question.attempt.clone(), problem: problem.to_owned() };
        let url = Url::parse(&place.url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let url = url.ok_or_else(|| wrong("it is said to be at an address that is no URL"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &place.headers {
            let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            let (name, mut value) = header.ok_or_else(|| wrong("it is said to need a header that is none"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let site = self.site_at(url.clone(), headers.remove(AUTHORIZATION));
        let call = Call { url, headers, ..site.call(question) };
        site.blob(call, descriptor).try_open(offset..descriptor.size)
    }

    fn site_at(&self, base: Url, authorization: Option<HeaderValue>) -> HttpService {
        let (retry, timeouts) = (self.settings.retry, self.settings.timeouts);
        let exchange = Exchange::new(Arc::clone(&self.transport), Keys::Unasked(authorization), retry, timeouts);
        HttpService { client: self.clone(), exchange: Arc::new(exchange), base }
    }
}

fn header(credentials: &Credentials) -> Result<HeaderValue, Error> {
    match credentials {
        Credentials::Password { username, password } => Ok(basic(username, password)),
        Credentials::Bearer(token) | Credentials::IdentityToken(token) => {
            bearer(token).ok_or_else(|| Error::Setting("the token has signs that no header can carry".to_owned()))
        }
    }
}

impl HttpService {
    /// How many connections to it are used at once.
    pub fn concurrency(&self) -> usize {
        self.client.concurrency(&self.host())
    }

    /// Host and port, as messages call it.
    pub fn host(&self) -> String {
        Endpoint::of(&self.base).name
    }

    /// A whole answer of at most `limit` bytes.
    pub fn read(&self, question: &HttpRequest, limit: u64) -> Result<Vec<u8>, Error> {
        let (_, body, _) = self.client.runtime.block_on(self.exchange.fetch(&self.call(question), limit))?;
        Ok(body)
    }

    /// The answer, of at most `limit` bytes, to a document of `media_type`.
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
        let (_, body, _) = self.client.runtime.block_on(self.exchange.fetch(&call, limit))?;
        Ok(body)
    }

    /// Each page of a list, whose head names the next one (RFC 8288). `read` may tell what is wrong with a page.
    pub fn read_pages(
        &self,
        question: &HttpRequest,
        mut read: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), Error> {
        self.client.read_pages(&self.exchange, self.call(question), |_, body| read(body).map(|()| Then::Next))
    }

    /// Content that is worth several connections, and whose digest and size are known.
    pub fn content(&self, question: &HttpRequest, descriptor: &Descriptor) -> impl Content + use<> {
        SiteContent { blob: self.blob(self.call(question), descriptor), size: descriptor.size }
    }

    fn blob(&self, call: Call, descriptor: &Descriptor) -> RemoteBlob {
        let budget = Arc::clone(self.client.budget(&self.host()));
        RemoteBlob::new(&self.client, budget, Arc::clone(&self.exchange), call, descriptor)
    }

    fn call(&self, question: &HttpRequest) -> Call {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&question.path);
        }
        url.set_query(question.query);
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
        // A server that knows no ranges sends what follows, too.
        Ok(Box::new(self.blob.try_open(offset..end)?.take(end.saturating_sub(offset))))
    }
}
